"""One prediction becomes one evaluated scan: what counts as right, as blank, as a source of its own."""

from pathlib import Path

import numpy as np
import pytest

from brainscan.domain import CLASSES, Outcome, Reason
from brainscan.imaging.prepare import Crop
from brainscan.inference.manifest import Calibration, InputContract, Manifest, Metrics, Parity
from training.datasets.samples import BR35H, CHENG, LGG, Sample
from training.evaluation.evaluated import EvaluatedScan, evaluate_one, mask_of, source_name
from training.evaluation.predictions import ServedPrediction
from training.evaluation.thresholds import UNTUNED

SIDE = 64
MANIFEST = Manifest(
    model_id="a" * 64,
    input=InputContract(size=SIDE),
    temperature=1.0,
    thresholds=UNTUNED,
    calibration=Calibration(split="test part", scans=1, groups=1, cross_fitted=True),
    metrics=Metrics(split="test", sources={}, as_shipped={}, parity=Parity(int8={}, float32={})),
    data_digest="b" * 64,
    source_revision="c" * 40,
)


def called(label: str, place: int) -> EvaluatedScan:
    """A scan whose network names the class at `place`."""
    sample = Sample(Path("scan.png"), label, None, BR35H, "br35h/1")
    seg = np.full((SIDE, SIDE), -5, np.float32)
    crop = Crop(0, 0, SIDE, SIDE, 0, 0, SIDE)
    return evaluate_one(
        ServedPrediction(sample, (SIDE, SIDE), crop, cls=np.eye(4, dtype=np.float32)[place] * 3, seg=seg), MANIFEST
    )


@pytest.mark.parametrize("label", ["tumor", "other_tumor"])
def test_any_tumor_class_is_right_where_no_class_is_known_to_be(label: str) -> None:
    scans = [called(label, CLASSES.index(name)) for name in CLASSES]
    assert [scan.correct for scan in scans] == [name != "no_tumor" for name in CLASSES]
    assert not any(scan.type_known for scan in scans)


def test_of_a_known_class_only_its_own_is_right() -> None:
    assert [called("meningioma", CLASSES.index(name)).correct for name in CLASSES] == [
        name == "meningioma" for name in CLASSES
    ]


def test_a_blank_scan_counts_as_wrong_and_has_an_empty_mask() -> None:
    blank = ServedPrediction(Sample(Path("scan.png"), "no_tumor", None, LGG, "lgg/1"), (5, 7))
    scan = evaluate_one(blank, MANIFEST)
    assert not scan.correct
    assert scan.blank
    assert (scan.outcome, scan.finding.reasons) == (Outcome.ABSTAINED, (Reason.BLANK_IMAGE,))
    assert not mask_of(blank, UNTUNED).any()
    assert mask_of(blank, UNTUNED).shape == (5, 7)


def test_a_channel_is_a_source_of_its_own_and_an_unknown_set_goes_by_its_folder() -> None:
    luma = Sample(Path("scan.jpg"), "glioma", None, LGG, "lgg/1")
    flair = Sample(Path("scan.jpg"), "glioma", None, LGG, "lgg/1", view="flair")
    other = Sample(Path("scan.jpg"), "glioma", None, "radiopaedia_44", "p1")
    assert [source_name(each) for each in (luma, flair, other)] == ["lgg", "lgg_flair", "radiopaedia_44"]
    assert source_name(Sample(Path("scan.jpg"), "glioma", None, CHENG, "p1")) == "cheng"
