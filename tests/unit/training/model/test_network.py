"""The network: its contract, its weights file, and what happens when starting weights cannot be had."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from brainscan.domain import CLASSES
from tests.unit.training import tiny
from training.model.network import SKIPS, WeightsUnavailableError, build, load_npz, save_float16, save_npz


@pytest.fixture(scope="module")
def real() -> Any:
    """The real network, untrained, open in size."""
    return build(None, weights=None)


def test_outputs_are_class_logits_mask_logits_and_features(real: Any) -> None:
    said = real(np.zeros((2, 64, 96, 1), np.float32), training=False)
    assert said["cls"].shape == (2, len(CLASSES))
    assert said["seg"].shape == (2, 64, 96, 1)
    assert said["features"].shape == (2, 2048)


def test_skips_stand_at_half_to_a_sixteenth_of_the_input(real: Any) -> None:
    skips = keras.Model(real.input, [real.get_layer(name).output for name in SKIPS])
    shapes = skips.compute_output_shape((1, 64, 64, 1))
    assert [shape[1] for shape in shapes] == [4, 8, 16, 32]


def test_a_size_that_the_skips_cannot_match_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        build(100, weights=None)


def test_weights_survive_the_file_within_half_a_step_of_int8(tmp_path: Path) -> None:
    model, other = tiny.network(seed=1), tiny.network(seed=2)
    save_npz(model, tmp_path / "weights.npz")
    load_npz(other, tmp_path / "weights.npz")
    for before, after in zip(model.weights, other.weights, strict=True):
        b, a = np.asarray(before), np.asarray(after)
        tolerance = np.abs(b).max() / 127 / 2 if before.name == "kernel" else 0
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance + 1e-7)


def test_a_second_trip_through_the_file_changes_nothing(tmp_path: Path) -> None:
    model = tiny.network()
    save_npz(model, tmp_path / "first.npz")
    load_npz(model, tmp_path / "first.npz")
    once = model.get_weights()
    save_npz(model, tmp_path / "second.npz")
    load_npz(model, tmp_path / "second.npz")
    for before, after in zip(once, model.weights, strict=True):
        np.testing.assert_allclose(np.asarray(after), before, rtol=1e-6)


def test_a_float16_file_loses_a_thousandth_and_is_read_like_the_other(tmp_path: Path) -> None:
    model, other = tiny.network(seed=1), tiny.network(seed=2)
    save_float16(model, tmp_path / "weights.npz")
    load_npz(other, tmp_path / "weights.npz")
    for before, after in zip(model.weights, other.weights, strict=True):
        np.testing.assert_allclose(np.asarray(after), np.asarray(before), rtol=1e-3, atol=1e-7)
        assert after.dtype == "float32"
    assert (tmp_path / "weights.npz").stat().st_size < 4 * model.count_params()


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    save_npz(tiny.network(), tmp_path / "weights.npz")
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="another")])
    with pytest.raises(ValueError, match="another/bias"):
        load_npz(other, tmp_path / "weights.npz")


def test_a_failed_download_says_what_to_do() -> None:
    def offline(**_: Any) -> None:
        raise Exception("URL fetch failure on https://storage.example/resnet.h5: None")

    with pytest.raises(WeightsUnavailableError, match=r"'imagenet'.*URL fetch failure.*internet once"):
        build(64, encoder=offline)
