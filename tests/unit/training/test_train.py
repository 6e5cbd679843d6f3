"""What a run learns from, and what it is judged on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.fitting.hyperparameters import Hyperparameters
from training.sagemaker.environment import read_environment
from training.train import load_data, main


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two sets of eight patients each, a slice a patient."""
    random = np.random.default_rng(0)
    rows = ["path,label,mask,part"]
    for source in ("kaggle_sartaj", "br35h"):
        (tmp_path / source).mkdir()
        for index in range(8):
            name = f"{source}/{index}.png"
            Image.fromarray(random.integers(60, 200, (48, 48)).astype(np.uint8)).save(tmp_path / name)
            rows.append(f"{name},no_tumor,,train")
    (tmp_path / "splits.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_a_set_left_out_is_looked_at_and_not_learned_from(data: Path) -> None:
    settings = Hyperparameters(size=32, leave_out="br35h")
    fitted, validation = load_data(read_environment(["--data", str(data)]), settings)
    assert {sample.source for sample in fitted.samples} == {"kaggle_sartaj"}
    assert sum(sample.source == "br35h" for sample in validation.samples) == 8


def test_a_set_that_is_not_there_cannot_be_left_out(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(data), "--leave_out", "kagle"]) == 2
    assert "no set kagle among br35h, kaggle_sartaj" in capsys.readouterr().err
