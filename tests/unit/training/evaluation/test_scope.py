"""The scope check lets in what training looked like and keeps out what did not."""

from pathlib import Path

import numpy as np
import pytest

from brainscan.imaging.prepare import prepare
from brainscan.imaging.texture import texture
from brainscan.inference.scope import Gaussian
from training.datasets.samples import CHENG, LGG, Sample
from training.evaluation.out_of_distribution import out_of_distribution
from training.evaluation.predictions import ServedPrediction
from training.evaluation.scope import calibrate, evenly, fit_gaussian, fit_scope

RANDOM = np.random.default_rng(0)
MIXING = RANDOM.normal(size=(10, 64))


def features(count: int, shift: float = 0.0) -> np.ndarray:
    """(count, 64), mostly along ten directions."""
    noise = RANDOM.normal(size=(count, 64)) * 0.1
    return (RANDOM.normal(size=(count, 10)) @ MIXING + 5 + noise + shift).astype(np.float32)


@pytest.fixture(scope="module")
def scope() -> Gaussian:
    return fit_gaussian(features(500), axes=10)


def test_before_it_is_calibrated_the_scope_gives_up_nothing_of_what_it_was_fitted_to() -> None:
    known = features(300)
    fitted = fit_gaussian(known)
    assert not (fitted.distances(known) > fitted.threshold * 1.001).any()


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


def test_features_of_any_size_are_described() -> None:
    """A network of a few steps pools numbers that float16 does not hold."""
    known = features(300) * np.float32(1e5)
    fitted = fit_gaussian(known)
    assert np.isfinite(fitted.threshold)
    assert np.median(fitted.distances(known)) == pytest.approx(1, abs=0.15)


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


def predictions(scans: np.ndarray, pooled: np.ndarray) -> list[ServedPrediction]:
    sample = Sample(Path("scan.png"), "glioma", None, CHENG, "p")
    return [
        ServedPrediction(sample, (64, 64), texture=own, features=row)
        for own, row in zip(texture(scans), pooled, strict=True)
    ]


def test_a_scan_is_out_of_scope_by_its_texture_though_its_features_are_usual() -> None:
    fresh = heads(100)
    scope = calibrate(
        fit_scope(predictions(heads(300), features(300))), predictions(heads(200), features(200)), 0.01, 0.01
    )
    assert 0 < scope.beyond < 0.03
    usual = features(100)
    assert (scope.distances(fresh, usual) > 1).mean() < 0.1
    noise = RANDOM.uniform(-1, 1, fresh.shape).astype(np.float32)
    assert (scope.distances(noise, usual) > 1).all()
    assert (scope.distances(fresh, features(100, shift=1.0)) > 1).all()


def test_the_thresholds_give_up_the_asked_share_of_scans_that_the_weights_never_saw() -> None:
    fitted = fit_scope(predictions(heads(200), features(200)))
    unseen = predictions(heads(200), features(200))
    strict, lenient = calibrate(fitted, unseen, 0.1, 0.1), calibrate(fitted, unseen, 0.01, 0.01)
    assert 0.1 <= strict.beyond <= 0.2
    assert strict.texture.threshold < lenient.texture.threshold
    assert strict.features.axes == fitted.features.axes


def test_no_set_outweighs_another_in_what_the_scope_is_fitted_to() -> None:
    def samples(source: str, count: int) -> list[Sample]:
        return [Sample(Path(f"{source}/{i}.png"), "glioma", None, source, f"p{i}") for i in range(count)]

    chosen = evenly([*samples(CHENG, 100), *samples(LGG, 7)], of_each=10)
    assert [sum(sample.source == source for sample in chosen) for source in (CHENG, LGG)] == [10, 7]
    assert {sample.path.stem for sample in chosen if sample.source == CHENG} >= {"0", "99"}


def test_texture_tells_smooth_from_rough_whatever_the_size() -> None:
    smooth = (np.add.outer(np.arange(200), np.arange(200)) // 2 + 20).astype(np.uint8)
    rough = RANDOM.integers(20, 220, (200, 200)).astype(np.uint8)
    for size in (64, 128):
        pair = np.stack([prepare(pixels, size).input for pixels in (smooth, rough)])
        described = texture(pair)
        assert described.shape == (2, 29)
        np.testing.assert_allclose((described[:, :16] ** 2).sum(axis=1), 1, rtol=1e-5)
        assert described[1, -3:].mean() > described[0, -3:].mean() + 1


def test_out_of_distribution_pictures_are_the_same_every_time_and_of_every_kind() -> None:
    first, second = out_of_distribution(), out_of_distribution()
    kinds = {kind for kind, _ in first}
    assert {"noise", "text page", "photo", "CT", "ultrasound", "other body part"} <= kinds
    for (_, one), (_, other) in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
