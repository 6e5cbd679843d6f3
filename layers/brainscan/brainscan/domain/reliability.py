"""How well confidence tells how often one is right: bins of confidence, and the calibration error over them."""

from collections.abc import Sequence
from typing import Final

BINS: Final = 15
"""Of equal width, as the calibration error is usually told."""

GradedPrediction = tuple[float, bool]
"""The confidence of a call in [0, 1], and whether it is right."""


def bin_of(confidence: float) -> int:
    """Which bin a confidence belongs to, from 0."""
    return min(int(confidence * BINS), BINS - 1)


def reliability(answers: Sequence[GradedPrediction]) -> list[tuple[float, float, int]]:
    """(mean confidence, share that is right, count) of each bin of confidence that has answers."""
    binned: dict[int, list[GradedPrediction]] = {}
    for confidence, right in answers:
        binned.setdefault(bin_of(confidence), []).append((confidence, right))
    return [
        (sum(sure for sure, _ in each) / len(each), sum(right for _, right in each) / len(each), len(each))
        for _, each in sorted(binned.items())
    ]


def calibration_error(answers: Sequence[GradedPrediction]) -> float | None:
    """ECE, https://arxiv.org/abs/1706.04599 equation 3; None without answers."""
    if not answers:
        return None
    return sum(abs(sure - right) * count for sure, right, count in reliability(answers)) / len(answers)
