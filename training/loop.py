"""Fits the network in two phases, epoch by epoch, and can stop and go on at any epoch."""

import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import keras
import numpy as np

from training import checkpoint
from training.batches import EpochBatches, steps_per_epoch
from training.held_out import figures, recompute_batch_norms
from training.hyperparameters import Hyperparameters
from training.losses import AllowedClasses, KnownMask
from training.optimizer import SlowEncoderAdamW, WarmHoldDecay
from training.prepared import Prepared

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


def fit(
    model: keras.Model,
    fitted: Prepared,
    held: Prepared,
    settings: Hyperparameters,
    checkpoints: Path,
    verbose: bool = False,
) -> Progress:
    """Trains `model` until `settings.epochs`, from the newest checkpoint on if there is one.

    Every epoch ends with figures of the averaged weights on `held`, a line on standard output that SageMaker's metric
    definitions parse, and a checkpoint. `model` ends with the averaged weights of the epoch with the best score.

    Args:
        model: from `network.build`, with the weights to start from.
        fitted: slices to train on.
        held: slices of other patients.
        settings: all knobs.
        checkpoints: folder of the checkpoints; survives an interruption.
        verbose: show Keras's progress bar.
    """
    progress = Progress()
    found = checkpoint.latest(checkpoints)
    if found is not None:
        progress = Progress(**checkpoint.read_state(found))  # type: ignore[arg-type]
    first = progress.epochs_done
    for epoch in range(first, settings.epochs):
        if epoch in (first, settings.heads_epochs):
            _start_phase(model, settings, heads_only=epoch < settings.heads_epochs)
        if found is not None and epoch == first:
            # The first phase's optimizer knows nothing of the encoder; the second starts with a fresh one.
            checkpoint.restore(found, model, with_optimizer=epoch != settings.heads_epochs)
        _one_epoch(model, fitted, held, settings, epoch, progress, checkpoints, verbose)
    if progress.best_epoch >= 0:
        checkpoint.load_arrays(checkpoints / "best.npz", model.variables)
    return progress


def _one_epoch(
    model: keras.Model,
    fitted: Prepared,
    held: Prepared,
    settings: Hyperparameters,
    epoch: int,
    progress: Progress,
    checkpoints: Path,
    verbose: bool,
) -> None:
    started = time.monotonic()
    fresh = model.fit(EpochBatches(fitted, settings, epoch), epochs=1, shuffle=False, verbose=1 if verbose else 0)
    losses = {name: float(values[-1]) for name, values in fresh.history.items()}
    with averaged_weights(model):
        recompute_batch_norms(model, _statistics_batches(fitted, settings, epoch))
        results = {"epoch": epoch, **losses, **(figures(model, held) if len(held) else {})}
        score = results.get("score", -losses["loss"])
        if score > progress.best_score:
            progress.best_score, progress.best_epoch = score, epoch
            checkpoints.mkdir(parents=True, exist_ok=True)
            checkpoint.save_arrays(checkpoints / "best.npz", model.variables)
    results["seconds"] = time.monotonic() - started
    progress.history.append(results)
    progress.epochs_done = epoch + 1
    checkpoint.save(checkpoints, model, vars(progress))
    print(metric_line(results), flush=True)


def metric_line(results: dict[str, float]) -> str:
    """One epoch's figures as `name=value; name=value;`, which the job definition's regular expressions read."""
    return " ".join(f"{name}={value:.6g};" for name, value in results.items())


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Within the block `model` has the moving average of its weights; after it, all variables are as before."""
    before = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in model.variables]
    model.optimizer.finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.variables, before, strict=True):
            variable.assign(value)


def _start_phase(model: keras.Model, settings: Hyperparameters, heads_only: bool) -> None:
    """Freezes or frees the encoder and compiles. A frozen batch norm keeps its statistics, as Keras has it."""
    slow = []
    for layer in model.layers:
        if not layer.name.startswith(HEADS):
            layer.trainable = not heads_only
            slow.extend(variable.path for variable in layer.trainable_variables)
    epochs = settings.heads_epochs if heads_only else settings.epochs - settings.heads_epochs
    steps = steps_per_epoch(settings)
    schedule = WarmHoldDecay(
        settings.learning_rate,
        epochs * steps,
        settings.warmup_steps,
        0 if heads_only else settings.decay_epochs * steps,
    )
    optimizer = SlowEncoderAdamW(
        learning_rate=schedule,
        weight_decay=settings.weight_decay,
        clipnorm=None,
        global_clipnorm=1.0,
        use_ema=True,
        ema_momentum=settings.ema,
        slow=slow,
        slow_rate=settings.encoder_rate,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(
        optimizer=optimizer,
        loss={"cls": AllowedClasses(settings.label_smoothing), "seg": KnownMask()},
        loss_weights={"cls": 1.0, "seg": settings.mask_weight},
        jit_compile=False,
    )


def _statistics_batches(fitted: Prepared, settings: Hyperparameters, epoch: int) -> Iterator[np.ndarray]:
    batches = EpochBatches(fitted, settings, epoch)
    for index in range(min(STATISTICS_BATCHES, len(batches))):
        yield batches[index][0]


def save_history(progress: Progress, path: Path) -> None:
    """Writes the figures of all epochs as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(vars(progress), indent=1))
