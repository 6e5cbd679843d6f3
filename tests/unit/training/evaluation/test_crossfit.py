"""Cross-fitting: no scan is measured with constants that its own group had a part in."""

from pathlib import Path

import numpy as np
import pytest

from brainscan.domain import CLASSES
from brainscan.imaging.prepare import Crop
from brainscan.inference.manifest import Calibration, InputContract, Manifest, Metrics, Parity
from tests.making import present
from training.datasets.samples import CHENG, LGG, Sample
from training.evaluation.crossfit import cross_fit, evaluate_fairly, first_half, fit
from training.evaluation.predictions import ServedPrediction
from training.evaluation.thresholds import UNTUNED, score

SIDE = 32


def manifest(cross_fitted: bool) -> Manifest:
    return Manifest(
        model_id="a" * 64,
        input=InputContract(size=SIDE),
        temperature=1.0,
        thresholds=UNTUNED,
        calibration=Calibration(split="test part", scans=1, groups=1, cross_fitted=cross_fitted),
        metrics=Metrics(split="test", sources={}, as_shipped={}, parity=Parity(int8={}, float32={})),
        data_digest="b" * 64,
        source_revision="c" * 40,
    )


def prediction(group: str, label: str, logits: np.ndarray, source: str = CHENG) -> ServedPrediction:
    sample = Sample(Path(f"{group}.png"), label, None, source, group)
    seg = np.full((SIDE, SIDE), -5, np.float32)
    return ServedPrediction(sample, (SIDE, SIDE), Crop(0, 0, SIDE, SIDE, 0, 0, SIDE), logits.astype(np.float32), seg)


def with_temperature(groups: set[str], temperature: float, random: np.random.Generator) -> list[ServedPrediction]:
    """Fifty scans of each group with labels drawn from the softmax at a temperature."""
    made = []
    for group in sorted(groups):
        for logits in random.normal(size=(50, 4)) * 3:
            chances = np.exp(logits / temperature)
            label = CLASSES[random.choice(4, p=chances / chances.sum())]
            made.append(prediction(group, str(label), logits))
    return made


def names(count: int) -> list[str]:
    return [f"patient-{index}" for index in range(count)]


def test_a_half_is_measured_with_the_temperature_of_the_other() -> None:
    """Labels of one half were drawn at temperature 3, of the other at 1: each is softened as the other one asks."""
    random = np.random.default_rng(0)
    first = {name for name in names(40) if name < "patient-25"}
    soft = with_temperature(first, 3.0, random)
    sharp = with_temperature(set(names(40)) - first, 1.0, random)
    half = first_half([each.sample for each in [*soft, *sharp]])

    scans = evaluate_fairly([*soft, *sharp], manifest(cross_fitted=True))

    of_half = {member: [p for p in [*soft, *sharp] if (p.sample.group in half) is member] for member in (True, False)}
    fitted = {member: fit(score(each), manifest(cross_fitted=True)).temperature for member, each in of_half.items()}
    assert fitted[True] != pytest.approx(fitted[False], rel=0.01)
    for each, scan in zip([*soft, *sharp], scans, strict=True):
        assert each.cls is not None
        scaled = each.cls.astype(np.float64) / fitted[each.sample.group not in half]
        expected = np.exp(scaled - scaled.max())
        np.testing.assert_allclose(present(scan.probabilities), expected / expected.sum(), rtol=1e-6)


def test_constants_from_other_scans_are_taken_as_they_are() -> None:
    said = [prediction(name, "glioma", np.array([2.0, 0, 0, 0])) for name in names(4)]
    (scan, *_) = evaluate_fairly(said, manifest(cross_fitted=False))
    assert scan.confidence == pytest.approx(np.exp(2) / (np.exp(2) + 3))


def test_no_group_is_in_both_halves_and_each_source_and_label_is_in_either() -> None:
    samples = [
        Sample(Path(f"{source}{label}{index}.png"), label, None, source, f"{source}-{label}-{index // 3}")
        for source in (CHENG, LGG)
        for label in ("glioma", "no_tumor")
        for index in range(60)
    ]
    first = first_half(samples)
    rest = {sample.group for sample in samples} - first
    assert abs(len(first) - len(rest)) <= 2
    for groups in (first, rest):
        assert {(name.rsplit("-", 1)[0]) for name in groups} == {
            f"{source}-{label}" for source in (CHENG, LGG) for label in ("glioma", "no_tumor")
        }
    assert first == first_half(samples[::-1])


def test_a_single_patient_cannot_be_halved() -> None:
    with pytest.raises(ValueError, match="cannot be halved"):
        first_half([Sample(Path("a.png"), "glioma", None, CHENG, "p1")] * 5)


def test_constants_stay_as_they_are_where_there_are_too_few_patients_to_measure_them_on() -> None:
    draft = manifest(cross_fitted=False)
    one = [prediction("patient-1", "glioma", np.array([2.0, 0, 0, 0]))]
    shipped, scans = cross_fit(one, draft)
    assert shipped == draft
    assert len(scans) == 1
    assert cross_fit([], draft) == (draft, [])
