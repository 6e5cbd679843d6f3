"""The scope check lets in what training looked like and keeps out what did not."""

import numpy as np
import pytest

from brainscan.imaging.prepare import prepare
from brainscan.imaging.texture import texture
from brainscan.inference.scope import Gaussian
from training.evaluation.out_of_distribution import outsiders
from training.evaluation.scope import fit_gaussian, fit_scope

RANDOM = np.random.default_rng(0)
MIXING = RANDOM.normal(size=(10, 64))


def features(count: int, shift: float = 0.0) -> np.ndarray:
    """(count, 64), mostly along ten directions."""
    noise = RANDOM.normal(size=(count, 64)) * 0.1
    return (RANDOM.normal(size=(count, 10)) @ MIXING + 5 + noise + shift).astype(np.float32)


@pytest.fixture(scope="module")
def scope() -> Gaussian:
    return fit_gaussian(features(500), features(400), axes=10, beyond=0.02)


def test_the_threshold_gives_up_the_asked_share_of_held_out_scans(scope: Gaussian) -> None:
    fresh = features(1000)
    assert 0.0 < (scope.distances(fresh) > scope.threshold).mean() < 0.06


def test_a_typical_scan_is_at_distance_one(scope: Gaussian) -> None:
    assert np.median(scope.distances(features(500))) == pytest.approx(1, abs=0.15)


def test_features_off_the_training_scans_axes_are_far_though_close_in_plain_distance(scope: Gaussian) -> None:
    inside, outside = features(50), features(50, shift=1.0)
    assert (scope.distances(outside) > scope.threshold).all()
    plain = np.linalg.norm(outside - 5, axis=1).mean() / np.linalg.norm(inside - 5, axis=1).mean()
    assert plain < 1.5


def test_the_manifest_keeps_it_to_the_digit_that_matters(scope: Gaussian) -> None:
    again = Gaussian.model_validate_json(scope.model_dump_json())
    np.testing.assert_array_equal(again.distances(features(5)) > 0, True)
    sample = features(20)
    np.testing.assert_allclose(again.distances(sample), scope.distances(sample))
    assert len(scope.model_dump_json()) < 4000


def test_features_of_another_network_are_refused(scope: Gaussian) -> None:
    with pytest.raises(ValueError, match="expected"):
        scope.distances(np.zeros((1, 32), np.float32))


def heads(count: int) -> np.ndarray:
    """(count, 64, 64, 1): gray ellipses with a bright rim and soft insides."""
    rows, columns = np.mgrid[:64, :64]
    scans = []
    for _ in range(count):
        a, b = RANDOM.uniform(22, 29, 2)
        radius = np.hypot((rows - 32) / a, (columns - 32) / b)
        inside = 0.45 + 0.1 * np.cos(radius * RANDOM.uniform(4, 7)) + RANDOM.normal(0, 0.02, (64, 64))
        head = np.where(radius < 0.9, inside, 0.9) * (radius < 1)
        scans.append(head * 2 - 1)
    return np.array(scans, np.float32)[..., np.newaxis]


def test_a_scan_is_out_of_scope_by_its_texture_though_its_features_are_usual() -> None:
    fitted, held, fresh = heads(300), heads(200), heads(100)
    scope = fit_scope((texture(fitted), features(300)), (texture(held), features(200)))
    assert scope.held_out_beyond < 0.03
    usual = features(100)
    assert (scope.distances(fresh, usual) > 1).mean() < 0.1
    noise = RANDOM.uniform(-1, 1, fresh.shape).astype(np.float32)
    assert (scope.distances(noise, usual) > 1).all()
    assert (scope.distances(fresh, features(100, shift=1.0)) > 1).all()


def test_texture_tells_smooth_from_rough_whatever_the_size() -> None:
    smooth = (np.add.outer(np.arange(200), np.arange(200)) // 2 + 20).astype(np.uint8)
    rough = RANDOM.integers(20, 220, (200, 200)).astype(np.uint8)
    for size in (64, 128):
        pair = np.stack([prepare(pixels, size).input for pixels in (smooth, rough)])
        described = texture(pair)
        assert described.shape == (2, 29)
        np.testing.assert_allclose((described[:, :16] ** 2).sum(axis=1), 1, rtol=1e-5)
        assert described[1, -3:].mean() > described[0, -3:].mean() + 1


def test_outsiders_are_the_same_every_time_and_of_every_kind() -> None:
    first, second = outsiders(), outsiders()
    kinds = {kind for kind, _ in first}
    assert {"noise", "text page", "photo", "CT", "ultrasound", "other body part"} <= kinds
    for (_, one), (_, other) in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
