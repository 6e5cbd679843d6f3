"""Features that know the data set give it away, features that do not are told at chance."""

from pathlib import Path

import numpy as np

from training.datasets.samples import BR35H, CHENG, KAGGLE, Sample
from training.evaluation.predictions import ServedPrediction
from training.evaluation.source_classifier import ALL, source_accuracies


def predictions(hint: float, source_of_hint: bool = True) -> list[ServedPrediction]:
    """Two sets of ten groups with three scans each; the first feature differs by `hint` between sets or groups."""
    random = np.random.default_rng(0)
    made = []
    for source in (CHENG, KAGGLE):
        for group in range(10):
            for place in range(3):
                features = random.normal(size=16).astype(np.float32)
                features[0] += hint * (source == CHENG if source_of_hint else group % 2)
                sample = Sample(Path(f"{source}{group}{place}.png"), "glioma", None, source, f"{source}{group}", "test")
                made.append(ServedPrediction(sample, (8, 8), features=features))
    return made


def test_features_that_differ_between_sets_tell_them_apart_in_unseen_groups() -> None:
    told = source_accuracies(predictions(hint=8))
    assert told[ALL]["value"] > 0.9
    assert told["glioma"] == told[ALL]
    assert (told[ALL]["chance"], told[ALL]["n"], told[ALL]["groups"]) == (0.5, 60, 20)
    assert told[ALL]["low"] <= told[ALL]["value"] <= told[ALL]["high"]


def test_features_that_differ_between_patients_only_stay_near_chance() -> None:
    assert source_accuracies(predictions(hint=8, source_of_hint=False))[ALL]["value"] < 0.7


def test_a_set_of_few_groups_is_left_out_and_one_set_alone_tells_nothing() -> None:
    lone = ServedPrediction(
        Sample(Path("x.png"), "glioma", None, BR35H, "x", "test"), (8, 8), features=np.zeros(16, np.float32)
    )
    assert set(source_accuracies([*predictions(hint=8), lone])[ALL]["sets"]) == {"cheng", "kaggle"}
    assert source_accuracies([each for each in predictions(8) if each.sample.source == CHENG]) == {}
