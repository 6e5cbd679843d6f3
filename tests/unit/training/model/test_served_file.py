"""A served file is enough to go on from: what comes of it does what the file does, to within int8."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.unit.training import tiny
from training.fitting.batches import network_input
from training.model.fuse import fuse
from training.model.network import build
from training.model.quantize import to_int8
from training.model.served_file import estimate_moments, load_served, rebase


def trained() -> keras.Model:
    """A network whose norms have moments, scales and shifts of their own."""
    model = tiny.network(seed=3)
    random = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape[0]
            layer.set_weights([random.uniform(low, high, size) for low, high in ((0.5, 2), (-1, 1), (-1, 1), (0.5, 2))])
    return model


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    fuse(trained()).export(folder / "1", verbose=False)
    (folder / "model.tflite").write_bytes(to_int8(folder / "1"))
    return folder / "model.tflite"


def answers(model: keras.Model) -> dict[str, np.ndarray]:
    said = model(network_input(tiny.slices().images), training=False)
    return {name: np.asarray(value) for name, value in said.items()}


def test_the_network_does_what_the_file_was_made_of_to_within_int8(served: Path) -> None:
    model = build(tiny.SIZE, weights=None, encoder=tiny.encoder)
    load_served(model, served)
    for name, before in answers(trained()).items():
        error = np.abs(answers(model)[name] - before)
        assert error.max() < 0.03 * np.ptp(before), name
        assert error.max() > 0, name


def test_moments_of_their_own_change_nothing_in_use_and_training_begins_where_serving_ended(served: Path) -> None:
    model = build(tiny.SIZE, weights=None, encoder=tiny.encoder)
    load_served(model, served)
    before, scans = answers(model), network_input(tiny.slices().images)

    estimate_moments(model, [scans])

    for name, value in answers(model).items():
        np.testing.assert_allclose(value, before[name], rtol=1e-3, atol=1e-4)
    learning = model(scans, training=True)
    np.testing.assert_allclose(np.asarray(learning["seg"]), before["seg"], rtol=0.02, atol=0.02)


def test_a_norm_on_other_moments_does_the_same() -> None:
    norm = keras.layers.BatchNormalization()
    norm.build((None, 4))
    norm.set_weights([np.full(4, 2.0), np.full(4, 1.0), np.full(4, 3.0), np.full(4, 4.0)])
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    before = np.asarray(norm(x))
    rebase(norm, np.full(4, -1.0), np.full(4, 0.5))
    np.testing.assert_allclose(np.asarray(norm(x)), before, rtol=1e-5)
    np.testing.assert_array_equal(norm.get_weights()[2], -1)


def test_the_file_of_another_network_is_refused_by_the_layer_it_lacks(served: Path) -> None:
    inputs = keras.Input((8, 8, 1))
    other = keras.Model(inputs, keras.layers.Conv2D(2, 3, name="another")(inputs))
    with pytest.raises(ValueError, match="another"):
        load_served(other, served)
