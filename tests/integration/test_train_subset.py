"""The training command on 200 real slices: from data to an artifact that serves."""

import csv
import os
import subprocess
import sys
from itertools import cycle
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("BRAINSCAN_SHARED", ROOT.parent / "shared")).resolve()
TRAIN_SLICES, TEST_SLICES = 160, 40

pytestmark = pytest.mark.skipif(
    not (SHARED / "weights").is_dir(), reason="the public images and the weights to start from are not there"
)


@pytest.fixture(scope="module")
def subset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every source's files and a table that names 200 slices, source and label in turn."""
    root = tmp_path_factory.mktemp("data")
    for entry in (SHARED / "data").iterdir():
        if entry.name != "splits.csv":
            (root / entry.name).symlink_to(entry)
    with (SHARED / "data/splits.csv").open() as file:
        rows = list(csv.DictReader(file))
    chosen = [
        row for part, count in (("train", TRAIN_SLICES), ("test", TEST_SLICES)) for row in _mixed(rows, part, count)
    ]
    with (root / "splits.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(chosen)
    return root


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


@pytest.mark.timeout(1200)
def test_two_hundred_slices_become_an_artifact_that_serves(
    subset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [
        *(sys.executable, "-m", "training.train", "--data", str(subset), "--init", str(SHARED / "weights")),
        *("--model-dir", str(tmp_path / "model"), "--output-dir", str(tmp_path / "output"), "--revision", "a-test"),
        *("--epochs", "1", "--slices-per-epoch", "160", "--batch-size", "32", "--size", "64"),
    ]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'layers/brainscan'}:{ROOT}"}
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert "epoch=0;" in ran.stdout
    assert (tmp_path / "model/model.tar.gz").stat().st_size > 40_000_000

    scans = [str(subset / row["path"]) for row in csv.DictReader((subset / "splits.csv").open())][-8:]
    monkeypatch.setenv("BRAINSCAN_MODEL_DIR", str(tmp_path / "model"))
    served = CliRunner().invoke(app, ["analyze", *scans, "--out", str(tmp_path / "answers")])
    assert served.exit_code == 0, served.output
    assert len((tmp_path / "answers/results.jsonl").read_text().splitlines()) == len(scans)
