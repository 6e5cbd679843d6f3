"""What a run may be told, by flags, by SageMaker, and what is refused."""

import pytest

from training.fitting.hyperparameters import HyperparameterError, Hyperparameters, parse_hyperparameters
from training.sagemaker.environment import read_environment


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"epoch": 3}, "epoch"),
        ({"size": 100}, "size"),
        ({"batch_size": 7}, "multiple"),
        ({"stages": "96"}, "stages"),
        ({"stages": "100:0.5"}, "stages"),
        ({"stages": "96:0.5,128:0.4"}, "stages"),
        ({"draw_weights": "cheng_figshare:-1"}, "draw_weights"),
        ({"path_drop": "1"}, "path_drop"),
        ({"learning_rate": "inf"}, "learning_rate"),
        ({"learning_rate": "nan"}, "learning_rate"),
        ({"learning_rate": "1e400"}, "learning_rate"),
        ({"learning_rate": "1e9"}, "learning_rate"),
        ({"epochs": "9999999999"}, "epochs"),
        ({"draw_weights": "cheng_figshare:inf"}, "draw_weights"),
        ({"clip_norm": "inf"}, "clip_norm"),
        ({"seed": str(2**32)}, "seed"),
    ],
)
def test_a_hyperparameter_that_makes_no_sense_is_refused_by_name(values: dict[str, object], named: str) -> None:
    with pytest.raises(HyperparameterError, match=named):
        parse_hyperparameters(values)


def test_texts_as_sagemaker_passes_them_are_understood() -> None:
    settings = parse_hyperparameters(
        {"epochs": "30", "learning_rate": "1e-3", "stages": "96:0.25,128:0.5", "draw_weights": "a:2,b/luma:0.5"}
    )
    assert (settings.epochs, settings.learning_rate) == (30, 0.001)
    assert settings.stages == {96: 0.25, 128: 0.5}
    assert [settings.draw_weight(*name) for name in (("a", "luma"), ("b", "luma"), ("b", "post"))] == [2, 0.5, 1]


def test_settings_survive_being_written_out_and_read_again() -> None:
    settings = Hyperparameters(stages="64:0.5", draw_weights="a:2")
    assert parse_hyperparameters(settings.model_dump()) == settings


def test_the_side_grows_with_the_run() -> None:
    settings = Hyperparameters(size=160, stages="96:0.35,128:0.8")
    assert [settings.side_at(done) for done in (0, 0.34, 0.35, 0.79, 0.8, 1)] == [96, 96, 128, 128, 160, 160]
    assert Hyperparameters(stages="").side_at(0) == 160
    assert Hyperparameters(size=96, stages="64:0.5,128:0.8").side_at(0.6) == 96


def test_sagemakers_variables_are_read_and_flags_come_first() -> None:
    variables = {
        "SM_CHANNEL_TRAINING": "/opt/ml/input/data/training",
        "SM_CHANNEL_INIT": "/opt/ml/input/data/init",
        "SM_MODEL_DIR": "/opt/ml/model",
        "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
        "SM_HPS": '{"epochs": 4, "seed": 1}',
        "SM_HOSTS": '["algo-1", "algo-2"]',
        "SM_CURRENT_HOST": "algo-2",
        "SM_NUM_GPUS": "4",
    }
    told = read_environment(["--epochs", "7", "--batch-size=8", "--model-dir", "here"], variables)
    assert str(told.data) == "/opt/ml/input/data/training"
    assert str(told.model_dir) == "here"
    assert dict(told.hyperparameters) == {"epochs": "7", "seed": 1, "batch_size": "8"}
    assert (told.gpus, told.is_leader) == (4, False)
    assert read_environment([], {}).is_leader


def test_checkpoints_lie_beside_the_model_that_they_are_of() -> None:
    assert str(read_environment([], {"SM_MODEL_DIR": "/opt/ml/model"}).checkpoints) == "/opt/ml/checkpoints"
    assert str(read_environment(["--model-dir", "runs/second/model"], {}).checkpoints) == "runs/second/checkpoints"
    assert str(read_environment(["--checkpoints", "kept"], {}).checkpoints) == "kept"
