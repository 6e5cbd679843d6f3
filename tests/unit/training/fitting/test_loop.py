"""Training goes on after an interruption as if nothing had happened, and learns."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.unit.training import tiny
from training.fitting import checkpoint, loop
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.validation import recompute_batch_norms

ROOT = Path(__file__).parents[4]
SETTINGS = Hyperparameters(
    size=tiny.SIZE,
    batch_size=4,
    slices_per_epoch=12,
    epochs=3,
    heads_epochs=1,
    decay=0.5,
    warmup_steps=2,
    learning_rate=0.01,
)
HEADS_ALONE = SETTINGS.model_copy(update={"epochs": 1, "decay": 0.0})

RUN_AND_DIE = f"""
import os, signal, sys
import tensorflow as tf
tf.config.run_functions_eagerly(True)
from pathlib import Path
from tests.unit.training import tiny
from tests.unit.training.fitting import test_loop
from training.fitting import batches

usual = batches.EpochBatches.__getitem__
def dying(self, index):
    if self._epoch == 2 and index == 1:
        os.kill(os.getpid(), signal.{signal.SIGKILL.name})
    return usual(self, index)
batches.EpochBatches.__getitem__ = dying
test_loop.run(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module", autouse=True)
def without_compiling() -> Iterator[None]:
    """A few steps of a tiny network are done before TensorFlow has compiled one."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def run(folder: Path, settings: Hyperparameters = SETTINGS) -> tuple[keras.Model, loop.Progress]:
    model = tiny.network()
    keras.utils.set_random_seed(settings.seed)
    return model, loop.Run(model, tiny.slices(), tiny.slices(8, seed=1), settings, folder).fit()


def values(model: keras.Model) -> list[np.ndarray]:
    # Copies: on TensorFlow an array may be the variable's own memory.
    return [np.array(variable) for variable in model.variables]


@dataclass(frozen=True)
class Done:
    """A whole run: two phases of three epochs, and what it left."""

    folder: Path
    model: keras.Model
    progress: loop.Progress


@pytest.fixture(scope="module")
def whole(without_compiling: None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("whole")
    return Done(folder, *run(folder))


@pytest.fixture(scope="module")
def heads_alone(without_compiling: None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("heads")
    return Done(folder, *run(folder, HEADS_ALONE))


def test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been(tmp_path: Path, whole: Done) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/brainscan'}"}
    killed = subprocess.run([sys.executable, "-c", RUN_AND_DIE, str(tmp_path)], cwd=ROOT, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    found = checkpoint.latest(tmp_path)
    assert found is not None
    assert checkpoint.read_state(found)["epochs_done"] == 2

    model, progress = run(tmp_path)

    assert [epoch["loss"] for epoch in progress.history] == pytest.approx(
        [epoch["loss"] for epoch in whole.progress.history], rel=1e-4
    )
    assert progress.best_epoch == whole.progress.best_epoch
    for own, other in zip(values(model), values(whole.model), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-4)


def test_a_finished_run_is_not_run_again(heads_alone: Done) -> None:
    again, repeated = run(heads_alone.folder, HEADS_ALONE)

    assert repeated == heads_alone.progress
    for own, other in zip(values(again), values(heads_alone.model), strict=True):
        np.testing.assert_array_equal(own, other)


def test_the_first_phase_leaves_the_encoder_and_its_statistics_alone(heads_alone: Done) -> None:
    before = {weight.path: np.asarray(weight) for weight in tiny.network().weights}
    changed = {
        weight.path
        for weight in heads_alone.model.weights
        if not np.array_equal(np.asarray(weight), before[weight.path])
    }
    assert changed
    assert all(path.startswith(loop.HEADS) for path in changed)


def test_training_brings_the_loss_down(whole: Done) -> None:
    losses = [epoch["loss"] for epoch in whole.progress.history]
    assert losses[-1] < losses[0]


def test_an_evaluation_leaves_the_run_untouched(whole: Done) -> None:
    found = checkpoint.latest(whole.folder)
    assert found is not None
    checkpoint.restore(found, whole.model)
    before = values(whole.model)
    with loop.averaged_weights(whole.model):
        assert any(not np.array_equal(a, b) for a, b in zip(before, values(whole.model), strict=True))
    for own, other in zip(before, values(whole.model), strict=True):
        np.testing.assert_array_equal(own, other)


def test_recomputed_batch_norms_hold_the_batches_own_statistics() -> None:
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(inputs))
    random = np.random.default_rng(0)
    batches = [random.normal(3, 2, (16, 8, 8, 1)).astype(np.float32) for _ in range(4)]

    recompute_batch_norms(model, batches)

    norm = model.layers[-1]
    np.testing.assert_allclose(np.asarray(norm.moving_mean), np.mean(batches), rtol=1e-4)
    np.testing.assert_allclose(np.asarray(norm.moving_variance), np.mean([b.var() for b in batches]), rtol=1e-3)


def test_a_checkpoint_of_another_network_is_refused(heads_alone: Done) -> None:
    inputs = keras.Input((4,))
    other = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    other.compile(optimizer="adam", loss="mse")
    found = checkpoint.latest(heads_alone.folder)
    assert found is not None
    with pytest.raises(ValueError, match="holds"):
        checkpoint.restore(found, other)
