"""Training goes on after an interruption as if nothing had happened, and learns."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.unit.training import tiny
from training.fitting import checkpoint, loop
from training.fitting.batches import EpochBatches, TrainingBatch
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.optimizer import WeightAverage
from training.fitting.pace import Pace
from training.fitting.validation import recompute_batch_norms
from training.model.network import build

ROOT = Path(__file__).parents[4]
SETTINGS = Hyperparameters(
    size=tiny.SIZE,
    batch_size=4,
    slices_per_epoch=12,
    epochs=2,
    decay=0.5,
    warmup_steps=2,
    learning_rate=0.01,
    checkpoint_minutes=1e-9,
)
SHORT = SETTINGS.model_copy(update={"epochs": 1})

RUN_AND_DIE = f"""
import os, signal, sys
import tensorflow as tf
tf.config.run_functions_eagerly(True)
from pathlib import Path
from tests.unit.training import tiny
from tests.unit.training.fitting import test_loop
from training.fitting import loop

usual = loop.add_to
done = 0
def dying(sums, losses):
    global done
    done += 1
    if done == 5:
        os.kill(os.getpid(), signal.{signal.SIGKILL.name})
    usual(sums, losses)
loop.add_to = dying
test_loop.run(Path(sys.argv[1]))
"""


@pytest.fixture(scope="module", autouse=True)
def without_compiling() -> Iterator[None]:
    """A few steps of a tiny network are done before TensorFlow has compiled one."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def run(folder: Path, settings: Hyperparameters = SETTINGS) -> tuple[keras.Model, loop.TrainingProgress]:
    model = tiny.network()
    keras.utils.set_random_seed(settings.seed)
    return model, loop.Training(model, tiny.slices(), tiny.slices(8, seed=1), settings, folder).fit()


def values(model: keras.Model) -> list[np.ndarray]:
    # Copies: on TensorFlow an array may be the variable's own memory.
    return [np.array(variable) for variable in model.variables]


@dataclass(frozen=True)
class Done:
    """A run, and what it left."""

    folder: Path
    model: keras.Model
    progress: loop.TrainingProgress


@pytest.fixture(scope="module")
def whole(without_compiling: None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("whole")
    return Done(folder, *run(folder))


@pytest.fixture(scope="module")
def short(without_compiling: None, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("short")
    return Done(folder, *run(folder, SHORT))


def test_a_run_killed_within_an_epoch_ends_as_if_it_had_not_been(tmp_path: Path, whole: Done) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/brainscan'}"}
    killed = subprocess.run([sys.executable, "-c", RUN_AND_DIE, str(tmp_path)], cwd=ROOT, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    found = checkpoint.latest(tmp_path)
    assert found is not None
    state = checkpoint.read_state(found)
    assert (state["epochs_done"], state["step"], state["steps"]) == (1, 1, 4)

    model, progress = run(tmp_path)

    assert [epoch["loss"] for epoch in progress.history] == pytest.approx(
        [epoch["loss"] for epoch in whole.progress.history], rel=1e-4
    )
    assert progress.seconds > float(str(state["seconds"])) > 0
    for own, other in zip(values(model), values(whole.model), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-3, atol=1e-4)


def test_a_finished_run_is_not_run_again(short: Done) -> None:
    again, repeated = run(short.folder, SHORT)

    assert repeated == short.progress
    for own, other in zip(values(again), values(short.model), strict=True):
        np.testing.assert_array_equal(own, other)


def test_training_brings_the_loss_down(whole: Done) -> None:
    losses = [epoch["loss"] for epoch in whole.progress.history]
    assert losses[-1] < losses[0]


def test_an_evaluation_leaves_the_run_untouched(whole: Done) -> None:
    found = checkpoint.latest(whole.folder)
    assert found is not None
    checkpoint.restore(found, whole.model)
    before = values(whole.model)
    average = WeightAverage(whole.model, 0.9)
    average.restore(checkpoint.load_values(found / loop.AVERAGE), whole.progress.steps)
    with loop.averaged_weights(whole.model, average):
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


def test_a_checkpoint_of_another_network_is_refused(short: Done) -> None:
    inputs = keras.Input((4,))
    other = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    other.compile(optimizer="adam", loss="mse")
    found = checkpoint.latest(short.folder)
    assert found is not None
    with pytest.raises(ValueError, match="holds"):
        checkpoint.restore(found, other)


def test_a_run_with_a_time_limit_ends_by_it_with_its_rate_fallen_whatever_the_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates, sides = [], []
    clock = iter(range(0, 10_000))  # a second between any two looks at the clock
    monkeypatch.setattr("training.fitting.loop.Pace", partial(Pace, clock=lambda: float(next(clock))))
    usual = loop.one_step

    def watched(model: keras.Model) -> loop.Step:
        learn = usual(model)

        def step(batch: TrainingBatch) -> dict[str, float]:
            rates.append(float(model.optimizer.learning_rate))
            sides.append(batch.inputs.shape[1])
            return learn(batch)

        return step

    monkeypatch.setattr(loop, "one_step", watched)
    changes = {"time_limit": 0.75, "decay": 1.0, "epochs": 1, "size": 64, "stages": {32: 0.5}}
    model = build(None, weights=None, encoder=tiny.encoder)
    progress = loop.Training(model, tiny.slices(), tiny.slices(0), SETTINGS.model_copy(update=changes), tmp_path).fit()

    assert progress.epochs_done > 1
    assert 45 <= progress.seconds < 60
    assert rates[-1] < 0.05 * max(rates)
    assert sides == sorted(sides)
    assert set(sides) == {32, 64}
    assert progress.history[-1]["slices"] == 4 * len(rates)


def test_a_run_learns_from_every_slice_where_none_are_kept_for_validation(short: Done, tmp_path: Path) -> None:
    model = tiny.network()
    progress = loop.Training(model, tiny.slices(), tiny.slices(0), SHORT, tmp_path).fit()
    assert "score" not in progress.history[0]
    assert progress.score == -progress.history[0]["loss"]
    assert short.progress.score == short.progress.history[0]["score"]


def test_a_step_moves_every_weight_of_the_real_network() -> None:
    model = build(tiny.SIZE, weights=None)
    loop.compile_for(model, SETTINGS)
    model.optimizer.learning_rate.assign(0.01)
    before = values(model)
    losses = loop.one_step(model)(EpochBatches(tiny.slices(), SETTINGS, 0).make(0, tiny.SIZE))
    assert np.isfinite(list(losses.values())).all()
    same = [
        weight.path
        for weight, old in zip(model.variables, before, strict=True)
        if weight.trainable and np.array_equal(np.asarray(weight), old)
    ]
    assert same == []


def test_a_compiled_step_takes_slices_of_another_side(without_compiling: None) -> None:
    tf.config.run_functions_eagerly(False)
    try:
        model = build(None, weights=None, encoder=tiny.encoder)
        loop.compile_for(model, SETTINGS)
        step, batches = loop.one_step(model), EpochBatches(tiny.slices(), SETTINGS, 0)
        losses = [step(batches.make(index, side))["loss"] for index, side in enumerate((32, 32, 64))]
    finally:
        tf.config.run_functions_eagerly(True)
    assert np.isfinite(losses).all()
