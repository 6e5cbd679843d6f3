"""A search stops and goes on, and looks in the space that the cloud's tuning job has."""

from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from training.fitting.hyperparameters import Hyperparameters
from training.search import SPACE, read_space, search

BASE = Hyperparameters(epochs=1)


class Stop(BaseException):
    """An interruption, such as a kill, that no handler of exceptions sees."""


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_every_range_is_of_a_hyperparameter_and_within_what_it_may_be(tmp_path: Path) -> None:
    tried: list[Hyperparameters] = []

    def score(settings: Hyperparameters, folder: Path) -> float:
        tried.append(settings)
        return settings.pixel_weight

    study = search(score, BASE, tmp_path, 5, read_space(SPACE))

    assert len(tried) == 5
    assert len({settings.learning_rate for settings in tried}) == 5
    assert study.best_value == max(settings.pixel_weight for settings in tried)
    assert all(settings.epochs == 1 for settings in tried)


def test_a_search_that_was_interrupted_tries_the_interrupted_trial_again_and_repeats_no_other(tmp_path: Path) -> None:
    seen: list[tuple[float, Path]] = []

    def dies_in_the_third(settings: Hyperparameters, folder: Path) -> float:
        seen.append((settings.learning_rate, folder))
        if len(seen) == 3:
            raise Stop
        return settings.learning_rate

    with pytest.raises(Stop):
        search(dies_in_the_third, BASE, tmp_path, 4, read_space(SPACE))
    study = search(dies_in_the_third, BASE, tmp_path, 4, read_space(SPACE))

    assert len(seen) == 5
    assert seen[3] == seen[2]  # the same values, and the same folder with its checkpoints
    assert len({rate for rate, _ in seen}) == 4
    assert len(study.get_trials(states=(TrialState.COMPLETE,))) == 4


def test_a_finished_search_does_nothing(tmp_path: Path) -> None:
    search(lambda settings, folder: 1.0, BASE, tmp_path, 2, read_space(SPACE))

    def never(settings: Hyperparameters, folder: Path) -> float:
        raise AssertionError

    assert search(never, BASE, tmp_path, 2, read_space(SPACE)).best_value == 1.0
