"""The training command on real slices of every set: from data and a served file to an artifact that serves."""

import csv
import os
from itertools import cycle, islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.inference.manifest import MODEL_FILE
from tests.integration.tiny_training import exported
from tests.unit.training import tiny
from training import train

SHARED = Path(os.environ.get("BRAINSCAN_SHARED", Path(__file__).parents[3] / "shared")).resolve()
TRAIN_SLICES, TEST_SLICES = 64, 32
OF_EACH_INDEX = 4
"""Slices of each set that says by an index of its own what it holds."""

pytestmark = pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="the public images are not there")


@pytest.fixture(scope="module")
def subset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the files of every set, and tables that name a few: source and label in turn."""
    root = tmp_path_factory.mktemp("data")
    for entry in (SHARED / "data").iterdir():
        if (entry / "index.csv").is_file():
            _few_of_an_index(entry, root / entry.name)
        elif entry.name != "splits.csv":
            (root / entry.name).symlink_to(entry)
    with (SHARED / "data/splits.csv").open() as file:
        rows = list(csv.DictReader(file))
    _write(
        root / "splits.csv",
        [row for part, count in (("train", TRAIN_SLICES), ("test", TEST_SLICES)) for row in _mixed(rows, part, count)],
    )
    return root


def _few_of_an_index(source: Path, folder: Path) -> None:
    folder.mkdir()
    for entry in source.iterdir():
        if entry.name != "index.csv":
            (folder / entry.name).symlink_to(entry)
    with (source / "index.csv").open() as file:
        _write(folder / "index.csv", list(islice(csv.DictReader(file), OF_EACH_INDEX)))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def _mixed(rows: list[dict[str, str]], part: str, count: int) -> list[dict[str, str]]:
    strata: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        if row["part"] == part:
            strata.setdefault((row["path"].split("/")[0], row["label"]), []).append(row)
    chosen: list[dict[str, str]] = []
    for members in cycle(strata.values()):
        if len(chosen) == count:
            return chosen
        if members:
            chosen.append(members.pop(len(members) // 2))
    return chosen


@pytest.mark.usefixtures("tiny_network")
def test_slices_of_every_set_become_an_artifact_that_serves(
    subset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(subset, tmp_path / "before")
    artifact = tmp_path / "model"
    job = [
        *("--data", str(subset), "--init", str(tmp_path / "before" / MODEL_FILE)),
        *("--model-dir", str(artifact), "--output-dir", str(tmp_path / "output"), "--revision", "a-test"),
        *("--epochs", "1", "--slices-per-epoch", "64", "--batch-size", "32", "--size", str(tiny.SIZE)),
        *("--precision", "float32"),
    ]
    assert train.main(job) == 0
    assert "epoch=0;" in capsys.readouterr().out
    assert (artifact / "model.tar.gz").is_file()

    scans = [str(subset / row["path"]) for row in csv.DictReader((subset / "splits.csv").open())][-8:]
    monkeypatch.setenv("BRAINSCAN_MODEL_DIR", str(artifact))
    served = CliRunner().invoke(app, ["analyze", *scans, "--out", str(tmp_path / "answers")])
    assert served.exit_code == 0, served.output
    assert len((tmp_path / "answers/results.jsonl").read_text().splitlines()) == len(scans)
