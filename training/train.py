"""`python -m training.train`: from data to weights; runs on a laptop and, unchanged, as a SageMaker training job."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import keras
import numpy as np

from training import export
from training.datasets.prepared import PreparedSlices, prepare_all
from training.datasets.samples import with_views
from training.datasets.splits import grouped, read_data, split_validation
from training.fitting import loop, precision
from training.fitting.batches import network_input
from training.fitting.hyperparameters import HyperparameterError, Hyperparameters, parse_hyperparameters
from training.model.network import WeightsUnavailableError, build, load_npz, save_float16, save_npz
from training.model.rounded import int8_ranges, rounded
from training.model.served_file import estimate_moments, load_served
from training.model.trainable import trainable
from training.sagemaker.distribute import strategy_for
from training.sagemaker.environment import Environment, read_environment

STATISTICS_BATCHES: Final = 12
STATISTICS_SLICES: Final = 8
"""Slices by which a served file's batch norms get moments and int8 its ranges: evenly from all, a few at a time."""


def main(arguments: Sequence[str]) -> int:
    """Runs one training; 1 if int8 falls behind float32, 2 if hyperparameters are refused, 3 without weights."""
    environment = read_environment(arguments)
    try:
        settings = parse_hyperparameters(environment.hyperparameters)
        if settings.time_limit and len(environment.hosts) > 1:
            raise HyperparameterError("time_limit: the clocks of several hosts differ, set epochs")
    except HyperparameterError as error:
        print(error, file=sys.stderr)
        return 2
    strategy = strategy_for(environment)
    keras.utils.set_random_seed(settings.seed)
    keras.config.set_dtype_policy(precision.choose_dtype(settings.precision))
    try:
        fitted, validation = load_data(environment, settings)
    except HyperparameterError as error:
        print(error, file=sys.stderr)
        return 2
    print(
        f"fitted_slices={len(fitted)}; validation_slices={len(validation)}; {keras.config.dtype_policy().name}",
        flush=True,
    )
    try:
        with nullcontext() if strategy is None else strategy.scope():
            model = trainable(starting_model(environment, settings, fitted), settings.path_drop)
            if settings.rounding:
                model = rounded(model, int8_ranges(model, some_inputs(fitted)))
    except WeightsUnavailableError as error:
        print(error, file=sys.stderr)
        return 3
    step = max(1, -(-len(validation) // max(1, settings.validation_slices)))
    run = loop.Training(
        model=model,
        fitted=fitted,
        validation=validation.subset(range(0, len(validation), step)),
        settings=settings,
        checkpoints=environment.checkpoints,
        strategy=strategy,
        leader=environment.is_leader,
    )
    progress = run.fit()
    if not environment.is_leader:
        return 0
    loop.save_history(progress, settings, environment.output_dir / "history.json")
    return write_artifact(environment, settings, model)


def write_artifact(environment: Environment, settings: Hyperparameters, model: keras.Model) -> int:
    """Weights, and the artifact that `training.export` makes of them, into the model folder; its exit code."""
    environment.model_dir.mkdir(parents=True, exist_ok=True)
    weights = environment.model_dir / "weights.npz"
    save_npz(model, weights)
    save_float16(model, environment.model_dir / "weights.float16.npz")
    if environment.weights_only:
        return 0
    keras.config.set_dtype_policy("float32")  # whatever the layers were trained in, they are served from float32
    options = {
        "--weights": weights,
        "--data": environment.data,
        "--out": environment.model_dir,
        "--size": settings.size,
        "--revision": environment.revision,
    }
    words = [str(word) for flag, value in options.items() if value is not None for word in (flag, value)]
    return export.main(words)


def load_data(environment: Environment, settings: Hyperparameters) -> tuple[PreparedSlices, PreparedSlices]:
    """(fitted, validation), both from the train part, prepared at the settings' size; sets left out are in the latter.

    Raises:
        HyperparameterError: a set is to be left out that the data do not have.
    """
    samples = [sample for sample in read_data(environment.data) if sample.part == "train"]
    if unknown := set(settings.leave_out) - (sources := {sample.source for sample in samples}):
        raise HyperparameterError(f"leave_out: no set {', '.join(sorted(unknown))} among {', '.join(sorted(sources))}")
    seen = [sample for sample in samples if sample.source not in settings.leave_out]
    learned, kept = split_validation(grouped(seen)) if settings.validation == "groups" else (seen, [])
    kept = [*kept, *(sample for sample in samples if sample.source in settings.leave_out)]
    fitted, validation = (prepare_all(with_views(part), settings.size, environment.cache) for part in (learned, kept))
    return fitted, validation


def starting_model(environment: Environment, settings: Hyperparameters, fitted: PreparedSlices) -> keras.Model:
    """The network, open in size, with the weights that the run starts from.

    Args:
        environment: a weights file, the folder of one, a served `model.tflite`, or none.
        settings: what the encoder starts from where there is none.
        fitted: slices by which a served file's batch norms get moments.

    Raises:
        WeightsUnavailableError: ImageNet's cannot be downloaded; the text names the remedy.
    """
    if environment.init is None:
        return build(None, weights=None if settings.weights == "none" else settings.weights)
    model = build(None, weights=None)
    found = environment.init if environment.init.is_file() else next(Path(environment.init).glob("*.npz"))
    if found.suffix != ".tflite":
        load_npz(model, found)
        return model
    load_served(model, found)
    estimate_moments(model, some_inputs(fitted))
    return model


def some_inputs(fitted: PreparedSlices) -> list[np.ndarray]:
    """Batches of slices, evenly from all, as the network is given them."""
    chosen = np.linspace(0, len(fitted) - 1, STATISTICS_BATCHES * STATISTICS_SLICES).astype(int)
    return [network_input(fitted.images[part]) for part in np.split(chosen, STATISTICS_BATCHES)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
