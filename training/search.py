"""`python -m training.search`: looks for better hyperparameters; stops and goes on as often as one likes.

The space is that of the cloud's tuning job, `infra/tuning-job.json`: small, and written once. A study is a file; every
finished trial stays in it, and a search that is started again on it adds only what is missing.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import keras
import optuna
from optuna.trial import Trial, TrialState

from training.fitting import loop, precision
from training.fitting.hyperparameters import Hyperparameters, parse_hyperparameters
from training.model.trainable import trainable
from training.sagemaker.environment import read_environment
from training.train import load_data, starting_model

SPACE: Final = Path(__file__).parents[1] / "infra/tuning-job.json"
STUDY: Final = "brainscan"

Objective = Callable[[Hyperparameters, Path], float]
"""Hyperparameters, and a folder for the trial's checkpoints -> the score to raise."""


def main(arguments: Sequence[str]) -> int:
    """Searches until the study has as many finished trials as asked for, and prints the best."""
    options, rest = _parser().parse_known_args(arguments)
    environment = read_environment(rest)
    base = parse_hyperparameters(environment.hyperparameters)
    keras.config.set_dtype_policy(precision.choose_dtype(base.precision))
    fitted, validation = load_data(environment, base)

    def score(settings: Hyperparameters, folder: Path) -> float:
        keras.utils.clear_session()
        keras.utils.set_random_seed(settings.seed)
        model = trainable(starting_model(environment, settings, fitted), settings.path_drop)
        return loop.Training(model, fitted, validation, settings, folder).fit().score

    study = search(score, base, options.study, options.trials, read_space(options.space))
    print(f"best score {study.best_value:.4f} with {json.dumps(study.best_params)}")
    return 0


def search(
    objective: Objective, base: Hyperparameters, folder: Path, trials: int, ranges: Mapping[str, Any]
) -> optuna.Study:
    """Adds trials to the study in `folder` until `trials` are finished.

    A trial that was interrupted is taken up again first: its hyperparameters are tried anew, and its training goes
    on from the checkpoint that it left.

    Args:
        objective: what to raise.
        base: the hyperparameters that are not searched.
        folder: holds the study's file and the trials' checkpoints.
        trials: finished trials that the study shall have.
        ranges: `ParameterRanges` of a tuning job.
    """
    folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{folder / 'study.db'}",
        study_name=STUDY,
        direction="maximize",
        load_if_exists=True,
    )
    # A sampler does not outlive its process: with the same seed again it would propose the same trials again.
    study.sampler = optuna.samplers.TPESampler(seed=base.seed + len(study.trials))
    for left in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(left.number, state=TrialState.FAIL)
        study.enqueue_trial(left.params)

    def one(trial: Trial) -> float:
        chosen = suggest(trial, ranges)
        name = "-".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in chosen.values())
        return objective(parse_hyperparameters({**base.model_dump(), **chosen}), folder / name)

    while (done := len(study.get_trials(states=(TrialState.COMPLETE,)))) < trials:
        study.optimize(one, n_trials=trials - done)
    return study


def suggest(trial: Trial, ranges: Mapping[str, Any]) -> dict[str, Any]:
    """One value for each range of a tuning job."""
    chosen: dict[str, Any] = {}
    for each in ranges.get("ContinuousParameterRanges", []):
        low, high = float(each["MinValue"]), float(each["MaxValue"])
        chosen[each["Name"]] = trial.suggest_float(each["Name"], low, high, log=each["ScalingType"] == "Logarithmic")
    for each in ranges.get("IntegerParameterRanges", []):
        low, high = int(each["MinValue"]), int(each["MaxValue"])
        chosen[each["Name"]] = trial.suggest_int(each["Name"], low, high, log=each["ScalingType"] == "Logarithmic")
    for each in ranges.get("CategoricalParameterRanges", []):
        chosen[each["Name"]] = trial.suggest_categorical(each["Name"], each["Values"])
    return chosen


def read_space(path: Path) -> dict[str, Any]:
    """`ParameterRanges` of a tuning job's definition."""
    return dict(json.loads(path.read_text())["HyperParameterTuningJobConfig"]["ParameterRanges"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.search",
        description="Search hyperparameters; all flags of training.train apply to every trial.",
        allow_abbrev=False,
    )
    parser.add_argument("--trials", type=int, default=20, help="finished trials that the study shall have")
    parser.add_argument("--study", type=Path, default=Path("out/search"), help="folder of the study; kept between runs")
    parser.add_argument("--space", type=Path, default=SPACE, help="a tuning job's definition")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
