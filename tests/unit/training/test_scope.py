"""The scope check lets in what training looked like and keeps out what did not."""

import numpy as np
import pytest

from brainscan.inference.scope import Scope
from training.outsiders import outsiders
from training.scope import fit_scope

RANDOM = np.random.default_rng(0)
MIXING = RANDOM.normal(size=(10, 64))


def features(count: int, shift: float = 0.0) -> np.ndarray:
    """(count, 64), mostly along ten directions."""
    noise = RANDOM.normal(size=(count, 64)) * 0.1
    return (RANDOM.normal(size=(count, 10)) @ MIXING + 5 + noise + shift).astype(np.float32)


@pytest.fixture(scope="module")
def scope() -> Scope:
    return fit_scope(features(500), features(400), axes=10, beyond=0.02)


def test_the_threshold_gives_up_the_asked_share_of_held_out_scans(scope: Scope) -> None:
    assert scope.held_out_beyond == pytest.approx(0.02, abs=0.005)
    fresh = features(1000)
    assert 0.0 < (scope.distances(fresh) > scope.threshold).mean() < 0.06


def test_a_typical_scan_is_at_distance_one(scope: Scope) -> None:
    assert np.median(scope.distances(features(500))) == pytest.approx(1, abs=0.15)


def test_features_off_the_training_scans_axes_are_far_though_close_in_plain_distance(scope: Scope) -> None:
    inside, outside = features(50), features(50, shift=1.0)
    assert (scope.distances(outside) > scope.threshold).all()
    plain = np.linalg.norm(outside - 5, axis=1).mean() / np.linalg.norm(inside - 5, axis=1).mean()
    assert plain < 1.5


def test_the_manifest_keeps_it_to_the_digit_that_matters(scope: Scope) -> None:
    again = Scope.model_validate_json(scope.model_dump_json())
    np.testing.assert_array_equal(again.distances(features(5)) > 0, True)
    sample = features(20)
    np.testing.assert_allclose(again.distances(sample), scope.distances(sample))
    assert len(scope.model_dump_json()) < 4000


def test_features_of_another_network_are_refused(scope: Scope) -> None:
    with pytest.raises(ValueError, match="expected"):
        scope.distances(np.zeros((1, 32), np.float32))


def test_outsiders_are_the_same_every_time_and_of_every_kind() -> None:
    first, second = outsiders(), outsiders()
    kinds = {kind for kind, _ in first}
    assert {"noise", "text page", "photo", "CT", "ultrasound", "other body part"} <= kinds
    for (_, one), (_, other) in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
