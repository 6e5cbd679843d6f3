"""Fits the network in two phases, epoch by epoch, and can stop and go on at any epoch."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from training.datasets.prepared import Prepared
from training.fitting import checkpoint
from training.fitting.batches import EpochBatches, steps_per_epoch
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.losses import AllowedClasses, KnownMask
from training.fitting.optimizer import SlowEncoderAdamW, WarmHoldDecay
from training.fitting.validation import figures, recompute_batch_norms
from training.sagemaker.distribute import run_epoch

if TYPE_CHECKING:
    from training.sagemaker.distribute import Strategy

BEST: Final = "best.npz"
"""The averaged weights of the epoch with the best score."""
HEADS: Final = ("decoder", "cls", "seg")
"""How the names of layers outside the encoder begin."""
STATISTICS_BATCHES: Final = 16
"""Batches over which batch norms are recomputed before an evaluation."""


@dataclass
class Progress:
    """How far a run is: epochs done, their figures, and which was best."""

    epochs_done: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best_score: float = -math.inf


@dataclass(frozen=True)
class Run:
    """One training of one model.

    Args:
        model: from `network.build`, with the weights to start from; made in the strategy's scope if there is one.
        fitted: slices to train on.
        held: slices of other patients.
        settings: all knobs.
        checkpoints: folder of the checkpoints; survives an interruption.
        strategy: TensorFlow's, for several devices.
        leader: whether this worker looks at held-out slices, prints and writes.
        verbose: show Keras's progress bar.
    """

    model: keras.Model
    fitted: Prepared
    held: Prepared
    settings: Hyperparameters
    checkpoints: Path
    strategy: "Strategy | None" = None
    leader: bool = True
    verbose: bool = False

    def fit(self) -> Progress:
        """Trains until `settings.epochs`, from the newest checkpoint on if there is one.

        Every epoch ends with figures of the averaged weights on `held`, a line on standard output that SageMaker's
        metric definitions parse, and a checkpoint. The leader's model ends with the averaged weights of the epoch
        with the best score.
        """
        found = checkpoint.latest(self.checkpoints)
        progress = Progress() if found is None else Progress(**checkpoint.read_state(found))  # type: ignore[arg-type]
        first, heads_epochs = progress.epochs_done, self.settings.heads_epochs
        for epoch in range(first, self.settings.epochs):
            if epoch in (first, heads_epochs):
                start_phase(self.model, self.settings, epoch < heads_epochs, self.strategy)
            if found is not None and epoch == first:
                # The first phase's optimizer knows nothing of the encoder; the second starts with a fresh one.
                checkpoint.restore(found, self.model, with_optimizer=epoch != heads_epochs)
            self._epoch(epoch, progress)
        if self.leader and progress.best_epoch >= 0:
            checkpoint.load_arrays(self.checkpoints / BEST, self.model.variables)
        return progress

    def _epoch(self, epoch: int, progress: Progress) -> None:
        started = time.monotonic()
        batches = EpochBatches(self.fitted, self.settings, epoch)
        if self.strategy is None:
            fresh = self.model.fit(batches, epochs=1, shuffle=False, verbose=1 if self.verbose else 0)
            losses = {name: float(values[-1]) for name, values in fresh.history.items()}
        else:
            losses = run_epoch(self.model, batches, self.strategy)
        progress.epochs_done = epoch + 1
        if not self.leader:
            return
        results = {"epoch": epoch, **losses, **self._look(batches, epoch, progress, -losses["loss"])}
        results["seconds"] = time.monotonic() - started
        progress.history.append(results)
        checkpoint.save(self.checkpoints, self.model, vars(progress))
        print(metric_line(results), flush=True)

    def _look(self, batches: EpochBatches, epoch: int, progress: Progress, otherwise: float) -> dict[str, float]:
        """Figures of the averaged weights, which are kept if they are the best so far.

        Without held-out slices there are no figures, and `otherwise` is the score.
        """
        with averaged_weights(self.model):
            recompute_batch_norms(self.model, (batches[i][0] for i in range(min(STATISTICS_BATCHES, len(batches)))))
            results = figures(self.model, self.held) if len(self.held) else {}
            score = results.get("score", otherwise)
            if score > progress.best_score:
                progress.best_score, progress.best_epoch = score, epoch
                self.checkpoints.mkdir(parents=True, exist_ok=True)
                checkpoint.save_arrays(self.checkpoints / BEST, self.model.variables)
        return results


def metric_line(results: dict[str, float]) -> str:
    """One epoch's figures as `name=value; name=value;`, which the job definition's regular expressions read."""
    return " ".join(f"{name}={value:.6g};" for name, value in results.items())


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Within the block `model` has the moving average of its weights; after it, all variables are as before."""
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables]
    model.optimizer.take_average(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)


def start_phase(
    model: keras.Model, settings: Hyperparameters, heads_only: bool, strategy: "Strategy | None" = None
) -> None:
    """Freezes or frees the encoder and compiles. A frozen batch norm keeps its statistics, as Keras has it."""
    slow = []
    for layer in model.layers:
        if not layer.name.startswith(HEADS):
            layer.trainable = not heads_only
            slow.extend(variable.path for variable in layer.trainable_variables)
    with nullcontext() if strategy is None else strategy.scope():
        model.compile(
            optimizer=_optimizer(settings, heads_only, slow),
            loss={"cls": AllowedClasses(settings.label_smoothing), "seg": KnownMask()},
            loss_weights={"cls": 1.0, "seg": settings.mask_weight},
            jit_compile=False,  # on processors XLA's convolutions are the slower ones
        )


def _optimizer(settings: Hyperparameters, heads_only: bool, slow: list[str]) -> SlowEncoderAdamW:
    epochs = settings.heads_epochs if heads_only else settings.epochs - settings.heads_epochs
    steps = steps_per_epoch(settings)
    decay = 0 if heads_only else round(settings.decay * epochs * steps)
    optimizer = SlowEncoderAdamW(
        learning_rate=WarmHoldDecay(settings.learning_rate, epochs * steps, settings.warmup_steps, decay),
        weight_decay=settings.weight_decay,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=settings.ema,
        slow=slow,
        slow_rate=settings.encoder_rate,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def save_history(progress: Progress, settings: Hyperparameters, path: Path) -> None:
    """Writes the figures of all epochs, and the hyperparameters that they came of, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"settings": settings.model_dump(), **vars(progress)}, indent=1))
