"""Fits the network epoch by epoch, by steps or by time, and goes on after an interruption."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import keras
import numpy as np

from training.datasets.prepared import PreparedSlices
from training.fitting import checkpoint
from training.fitting.batches import EpochBatches, TrainingBatch
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.losses import AllowedClasses, KnownMask
from training.fitting.optimizer import WeightAverage, freeze, learning_rate, make_optimizer
from training.fitting.pace import Pace, Reporter
from training.fitting.validation import figures, recompute_batch_norms
from training.sagemaker.distribute import distributed_step

if TYPE_CHECKING:
    from training.sagemaker.distribute import Strategy

AVERAGE: Final = "average.npz"
"""The moving average of the weights, in a checkpoint."""
STATISTICS_BATCHES: Final = 24
"""Batches over which batch norms are recomputed for the averaged weights."""

Step = Callable[[TrainingBatch], dict[str, float]]
"""Learns from a batch; gives its losses."""


@dataclass
class TrainingProgress:
    """How far a run is.

    `step` counts the batches of the epoch in progress, `steps` all; `seconds` is the time spent training;
    `loss_sums` are over the epoch in progress; `history` holds the figures of every epoch done.
    """

    epochs_done: int = 0
    step: int = 0
    steps: int = 0
    seconds: float = 0.0
    loss_sums: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def score(self) -> float:
        """The last epoch's on validation slices; without any, its loss below 0."""
        last = self.history[-1]
        return last.get("score", -last["loss"])


@dataclass(frozen=True)
class Training:
    """One training of one model.

    Args:
        model: from `network.build` or `trainable`, with the weights to start from; made in the strategy's scope if
            there is one.
        fitted: slices to train on.
        validation: slices of other patients; figures alone, they pick nothing.
        settings: all knobs.
        checkpoints: folder of the checkpoints; survives an interruption.
        strategy: TensorFlow's, for several devices.
        leader: whether this worker looks at validation slices, prints and writes.
    """

    model: keras.Model
    fitted: PreparedSlices
    validation: PreparedSlices
    settings: Hyperparameters
    checkpoints: Path
    strategy: "Strategy | None" = None
    leader: bool = True

    def fit(self) -> TrainingProgress:
        """Trains until the settings' epochs or time are over, from the newest checkpoint on if there is one.

        Every epoch ends with figures of the averaged weights, a line on standard output that SageMaker's metric
        definitions parse, and a checkpoint; within an epoch there is one every few minutes. The leader's model ends
        with the averaged weights, batch norms recomputed for them.
        """
        compile_for(self.model, self.settings, self.strategy)
        average = WeightAverage(self.model, self.settings.ema)
        progress = self._restored(average)
        pace = Pace(self.settings, progress.seconds, progress.steps)
        step = one_step(self.model) if self.strategy is None else distributed_step(self.model, self.strategy)
        while not pace.is_over:
            self._epoch(progress, pace, average, step)
        if self.leader:
            average.apply_average()
            self._recompute(EpochBatches(self.fitted, self.settings, progress.epochs_done))
        return progress

    def _epoch(self, progress: TrainingProgress, pace: Pace, average: WeightAverage, step: Step) -> None:
        """The rest of the epoch in progress, or as much of it as there is time for."""
        batches = EpochBatches(self.fitted, self.settings, progress.epochs_done)
        reporter, saved = Reporter(pace, self.settings), time.monotonic()
        before = pace.steps - progress.step
        for batch in batches.ahead(progress.step, lambda index: self.settings.side_at(pace.done(before + index))):
            rate = learning_rate(self.settings, pace.done(), pace.steps)
            self.model.optimizer.learning_rate.assign(rate)
            add_to(progress.loss_sums, step(batch))
            progress.step, pace.steps = progress.step + 1, pace.steps + 1
            average.follow(pace.steps)
            if self.leader:
                means = {name: total / progress.step for name, total in progress.loss_sums.items()}
                reporter.step(progress.epochs_done, progress.step, rate, batch.inputs.shape[1], means)
            if pace.is_over:
                break
            if time.monotonic() - saved > 60 * self.settings.checkpoint_minutes:
                self._save(progress, pace, average)
                saved = time.monotonic()
        self._close_epoch(batches, progress, pace, average)

    def _close_epoch(
        self, batches: EpochBatches, progress: TrainingProgress, pace: Pace, average: WeightAverage
    ) -> None:
        results = {"epoch": float(progress.epochs_done), "slices": float(pace.steps * self.settings.batch_size)}
        results |= {name: total / progress.step for name, total in progress.loss_sums.items()}
        progress.epochs_done, progress.step, progress.loss_sums = progress.epochs_done + 1, 0, {}
        average.follow(pace.steps, at_once=True)
        if self.leader and len(self.validation):
            with averaged_weights(self.model, average):
                self._recompute(batches)
                results |= figures(self.model, self.validation)
        results["seconds"] = pace.seconds
        progress.history.append(results)
        if self.leader:
            print(metric_line(results), flush=True)
        self._save(progress, pace, average)

    def _recompute(self, batches: EpochBatches) -> None:
        count = min(STATISTICS_BATCHES, len(batches))
        recompute_batch_norms(self.model, (batches.make(i, self.settings.size).inputs for i in range(count)))

    def _save(self, progress: TrainingProgress, pace: Pace, average: WeightAverage) -> None:
        progress.steps, progress.seconds = pace.steps, pace.seconds
        average.follow(pace.steps, at_once=True)
        if self.leader:
            checkpoint.save(self.checkpoints, self.model, asdict(progress), {AVERAGE: average.values})

    def _restored(self, average: WeightAverage) -> TrainingProgress:
        found = checkpoint.latest(self.checkpoints)
        if found is None:
            return TrainingProgress()
        checkpoint.restore(found, self.model)
        progress = TrainingProgress(**checkpoint.read_state(found))  # type: ignore[arg-type]
        average.restore(checkpoint.load_values(found / AVERAGE), progress.steps)
        return progress


def one_step(model: keras.Model) -> Step:
    """Learning on a single device, by a function compiled anew for every side of the slices.

    A function for any side would be the slower one, and TensorFlow cannot resize maps of unknown size.
    """
    side = 0

    def step(batch: TrainingBatch) -> dict[str, float]:
        nonlocal side
        if batch.inputs.shape[1] != side:
            side = batch.inputs.shape[1]
            model.make_train_function(force=True)
        model.reset_metrics()
        said = model.train_on_batch(batch.inputs, batch.targets, return_dict=True)
        return {name: float(value) for name, value in said.items()}

    return step


def add_to(sums: dict[str, float], losses: dict[str, float]) -> None:
    """Adds a step's losses to the epoch's."""
    totals = defaultdict(float, sums)
    sums.update({name: totals[name] + value for name, value in losses.items()})


def metric_line(results: dict[str, float]) -> str:
    """One epoch's figures as `name=value; name=value;`, which the job definition's regular expressions read."""
    return " ".join(f"{name}={value:.6g};" for name, value in results.items())


@contextmanager
def averaged_weights(model: keras.Model, average: WeightAverage) -> Iterator[None]:
    """Within the block `model` has the moving average of its weights; after it, all variables are as before."""
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables]
    average.apply_average()
    try:
        yield
    finally:
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)


def compile_for(model: keras.Model, settings: Hyperparameters, strategy: "Strategy | None" = None) -> None:
    """Gives the model its optimizer and losses, and freezes what has no share of the learning rate."""
    freeze(model, settings)
    with nullcontext() if strategy is None else strategy.scope():
        model.compile(
            optimizer=make_optimizer(settings, model),
            loss={
                "cls": AllowedClasses(settings.label_smoothing),
                "seg": KnownMask(settings.pixel_weight, settings.dice_weight, settings.miss_share),
            },
            jit_compile=False,  # on processors XLA's convolutions are the slower ones
        )


def save_history(progress: TrainingProgress, settings: Hyperparameters, path: Path) -> None:
    """Writes the figures of all epochs, and the hyperparameters that they came of, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state: dict[str, Any] = {"settings": settings.model_dump(), **asdict(progress)}
    path.write_text(json.dumps(state, indent=1))
