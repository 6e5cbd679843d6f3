"""Divides samples so that what is measured is honest, and refuses a division that leaks."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from training.data import CHENG, KAGGLE, Sample, read_gray
from training.duplicates import alike_pairs, join_groups, thumbnail

HELD_OUT_FOLD: Final = 3
"""The fold of the Cheng set that is held out of training: the finest patient-wise division its readers are given."""
HELD_OUT_SHARE: Final = 0.15
"""Share of the other sources' groups that is held out."""


class LeakError(ValueError):
    """A split has the same patient, or the same picture, on both sides."""


def grouped(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with groups merged wherever two slices are nearly the same picture, mirrored or not."""
    vectors = np.stack([thumbnail(read_gray(sample)) for sample in samples])
    pairs = [(i, j) for i, j, _ in alike_pairs(vectors)]
    names = join_groups([sample.group for sample in samples], pairs)
    return [replace(sample, group=name) for sample, name in zip(samples, names, strict=True)]


def hold_out(samples: Sequence[Sample], seed: int = 0) -> tuple[list[Sample], list[Sample]]:
    """Training samples -> (fitted, held out), patient-wise: for early stopping, temperature and thresholds.

    Of the Cheng set a whole fold is held out; of every other source a random `HELD_OUT_SHARE` of the groups.

    Raises:
        LeakError: a group is on both sides.
    """
    held_groups = _held_groups([s for s in samples if s.source != CHENG], seed)

    def is_held(sample: Sample) -> bool:
        if sample.source == CHENG:
            return f"fold{HELD_OUT_FOLD}-" in sample.group
        return sample.group in held_groups

    return _divide(samples, is_held)


def refuse_leaks(first: Sequence[Sample], second: Sequence[Sample]) -> None:
    """Raises LeakError when a group, thus a patient or a near-duplicate, has slices in both lists."""
    shared = {sample.group for sample in first} & {sample.group for sample in second}
    if shared:
        raise LeakError(f"{len(shared)} groups of patients or near-duplicates are on both sides of the split")


def kaggle_folders(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The usual, flawed protocol: train on the Kaggle set's `Training`, test on its `Testing`. It leaks."""
    own = [sample for sample in samples if sample.source == KAGGLE]
    return [sample for sample in own if "Training" in sample.path.parts], [
        sample for sample in own if "Testing" in sample.path.parts
    ]


def random_by_image(samples: Sequence[Sample], seed: int = 0) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """The other usual, flawed protocol: train, validation and test, 80/10/10, drawn by image. It leaks."""
    order = np.random.default_rng(seed).permutation(len(samples))
    first, second = round(len(samples) * 0.8), round(len(samples) * 0.9)
    chosen = [[samples[i] for i in part] for part in np.split(order, [first, second])]
    return chosen[0], chosen[1], chosen[2]


def _held_groups(samples: Sequence[Sample], seed: int) -> set[str]:
    by_source: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        by_source[sample.source].add(sample.group)
    random = np.random.default_rng(seed)
    held: set[str] = set()
    for source in sorted(by_source):
        groups = sorted(by_source[source])
        count = round(len(groups) * HELD_OUT_SHARE)
        held.update(str(name) for name in random.choice(groups, count, replace=False))
    return held


def _divide(samples: Sequence[Sample], is_second: Callable[[Sample], bool]) -> tuple[list[Sample], list[Sample]]:
    first = [sample for sample in samples if not is_second(sample)]
    second = [sample for sample in samples if is_second(sample)]
    refuse_leaks(first, second)
    return first, second
