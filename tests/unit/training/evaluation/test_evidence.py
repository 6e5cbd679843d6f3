"""Evidence maps add up to the logits of the served file, and shares say where they lie."""

from pathlib import Path

import numpy as np
import pytest

from brainscan.inference.manifest import MODEL_FILE
from brainscan.inference.runtime import Model
from training.datasets.samples import CHENG, Sample
from training.evaluation.evidence import ActivationMaps, EvidenceShares, shares, summary

MODEL = Path(__file__).parents[4] / "functions/analyze/model"


def test_evidence_in_the_mask_is_told_from_evidence_beside_it() -> None:
    """Of three places that speak for the class one lies in the mask, and what speaks against it counts nothing."""
    mask = np.zeros((8, 8), np.uint8)
    mask[:4, :4] = 1
    inside, area, hottest, touched = shares(np.array([[3.0, 1.0], [2.0, -9.0]]), mask)
    assert (inside, area, hottest, touched) == (0.5, 0.25, 1.0, 0.25)


def test_a_place_that_the_mask_fills_in_part_counts_in_part() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[:2, :4] = 1
    inside, area, hottest, touched = shares(np.array([[1.0, 3.0], [0.0, 0.0]]), mask)
    assert (inside, area, hottest, touched) == (0.125, 0.125, 0.0, 0.25)


def test_nothing_that_speaks_for_the_class_lies_nowhere() -> None:
    assert shares(-np.ones((2, 2)), np.ones((4, 4), np.uint8))[0] == 0


def test_scans_of_one_group_are_one_draw() -> None:
    sample = Sample(Path("a.png"), "glioma", None, CHENG, "p1", "test")
    row = summary([EvidenceShares(sample, inside, 0.1, 1.0, 0.2) for inside in (0.2, 0.4)])["cheng, glioma"]
    assert (row["scans"], row["groups"]) == (2, 1)
    assert row["inside"]["value"] == pytest.approx(0.3)
    assert row["inside"]["low"] == row["inside"]["high"] == pytest.approx(0.3)


@pytest.mark.skipif(not (MODEL / MODEL_FILE).exists(), reason="no served model")
def test_the_places_of_the_served_file_add_up_to_its_logits(network: Model) -> None:
    """Up to the rounding of pooled features to int8, the sum over places is the logits less their mean and bias."""
    size = network.manifest.input.size
    batch = np.random.default_rng(0).uniform(-1, 1, (2, size, size, 1)).astype(np.float32)
    batch[1] *= 0.3
    added = ActivationMaps(MODEL).of(batch).sum(axis=(1, 2))
    said = network.run(batch).cls
    assert added.shape == (2, 4)
    change, stated = added[1] - added[0], said[1] - said[0]  # the bias is the same for both
    assert change == pytest.approx(stated - stated.mean(), abs=0.1)
