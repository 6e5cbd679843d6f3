"""The export's decisions: parity, and what the data's digest covers."""

from pathlib import Path
from typing import Any, Literal

import pytest

from brainscan.inference.manifest import Parity, SourceMetrics
from training.datasets.samples import CHENG, Sample
from training.export import ParityError, check_parity, data_digest


def measured(accuracy: Any, mean_dice: Any, scans: int = 1000) -> Any:
    """Metrics of one source; a channel of its own, which does not count."""
    counts = {"scans": scans, "blank": 0, "abstained": 0, "needs_review": 0, "masks": 50}
    return {
        "cheng": SourceMetrics(accuracy=accuracy, mean_dice=mean_dice, **counts),
        "lgg_flair": SourceMetrics(accuracy=0.0, mean_dice=0.0, **counts),
    }


@pytest.mark.parametrize(("accuracy", "mean_dice"), [(0.80, 0.60), (0.7901, 0.5801), (0.9, 0.9)])
def test_int8_within_the_tolerances_passes(accuracy: float, mean_dice: float) -> None:
    check_parity(Parity(int8=measured(accuracy, mean_dice), float32=measured(0.8, 0.6)))


@pytest.mark.parametrize(("accuracy", "mean_dice"), [(0.78, 0.60), (0.80, 0.57)])
def test_int8_that_falls_behind_is_an_error(accuracy: float, mean_dice: float) -> None:
    with pytest.raises(ParityError, match="falls behind"):
        check_parity(Parity(int8=measured(accuracy, mean_dice), float32=measured(0.8, 0.6)))


def test_of_few_scans_two_may_differ() -> None:
    check_parity(Parity(int8=measured(0.76, 0.6, scans=50), float32=measured(0.8, 0.6, scans=50)))
    with pytest.raises(ParityError, match=r"more than 0\.04 in accuracy"):
        check_parity(Parity(int8=measured(0.74, 0.6, scans=50), float32=measured(0.8, 0.6, scans=50)))


def test_the_data_digest_changes_with_bytes_labels_and_parts(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"pixels")

    def digest(label: str = "glioma", part: Literal["train", "test"] = "train") -> Any:
        return data_digest(tmp_path, [Sample(tmp_path / "a.png", label, None, CHENG, "cheng/1", part)])

    before = digest()
    assert digest() == before
    assert digest(label="pituitary") != before
    assert digest(part="test") != before
    (tmp_path / "a.png").write_bytes(b"other pixels")
    assert digest() != before
