"""`python -m training.train`: from data to weights; runs on a laptop and, unchanged, as a SageMaker training job."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import keras

from training import loop
from training.data import read_splits, with_channels
from training.distribute import strategy_for
from training.environment import Environment, read_environment
from training.hyperparameters import HyperparameterError, Hyperparameters, parse_hyperparameters
from training.network import build, load_npz, save_npz
from training.prepared import Prepared, prepare_all
from training.splits import grouped, hold_out


def main(arguments: Sequence[str]) -> int:
    """Runs one training; 2 if the hyperparameters are refused."""
    environment = read_environment(arguments)
    try:
        settings = parse_hyperparameters(environment.hyperparameters)
    except HyperparameterError as error:
        print(error, file=sys.stderr)
        return 2
    strategy = strategy_for(environment)
    keras.utils.set_random_seed(settings.seed)
    keras.config.set_dtype_policy(settings.precision)
    fitted, held = load_data(environment, settings)
    print(f"fitted_slices={len(fitted)}; held_out_slices={len(held)};", flush=True)
    with nullcontext() if strategy is None else strategy.scope():
        model = starting_model(environment, settings)
    step = max(1, -(-len(held) // max(1, settings.held_out_slices)))
    run = loop.Run(
        model=model,
        fitted=fitted,
        held=held.subset(range(0, len(held), step)),
        settings=settings,
        checkpoints=environment.checkpoints,
        strategy=strategy,
        leader=environment.is_leader,
        verbose=sys.stdout.isatty(),
    )
    progress = run.fit()
    if environment.is_leader:
        environment.model_dir.mkdir(parents=True, exist_ok=True)
        save_npz(model, environment.model_dir / "weights.npz")
        loop.save_history(progress, environment.output_dir / "history.json")
    return 0


def load_data(environment: Environment, settings: Hyperparameters) -> tuple[Prepared, Prepared]:
    """(fitted, held out), both from the train part, prepared at the settings' size."""
    samples = [sample for sample in read_splits(environment.data) if sample.part == "train"]
    return tuple(
        prepare_all(with_channels(part), settings.size, environment.cache) for part in hold_out(grouped(samples))
    )  # type: ignore[return-value]


def starting_model(environment: Environment, settings: Hyperparameters) -> keras.Model:
    """The network with the weights that the run starts from."""
    if environment.init is None:
        return build(settings.size)
    model = build(settings.size, weights=None)
    found = environment.init if environment.init.is_file() else next(Path(environment.init).glob("*.npz"))
    load_npz(model, found)
    return model


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
