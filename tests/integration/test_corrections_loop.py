"""What readers correct becomes the next model, by commands: reviewed, exported, trained, compared, served."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import CLASSES
from brainscan.inference.manifest import MODEL_FILE, Manifest
from brainscan_local.stack import LocalStack
from tests.integration.tiny_training import exported
from tests.unit.training import tiny
from training import train


def picture(seed: int) -> bytes:
    """A head of its own: no two look alike."""
    small = Image.fromarray(np.random.default_rng(seed).integers(60, 250, (8, 8)).astype(np.uint8))
    out = io.BytesIO()
    small.resize((96, 96), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """What the model before was trained on: of each class four slices to learn from and two to be tested on."""
    (tmp_path / "data/kaggle_sartaj").mkdir(parents=True)
    with (tmp_path / "data/splits.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "label", "mask", "part"))
        for number in range(24):
            name = f"kaggle_sartaj/{number}.png"
            (tmp_path / "data" / name).write_bytes(picture(100 + number))
            rows.writerow((name, CLASSES[number % 4], "", "test" if number >= 16 else "train"))
    return tmp_path / "data"


def put(stack: LocalStack, *seeds: int) -> None:
    for seed in seeds:
        stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=f"{seed}.png", Body=picture(seed))
    stack.drain(timeout_s=120)


def command(stack: LocalStack, *arguments: str) -> str:
    places = {"BRAINSCAN_TABLE_NAME": stack.table_name, "BRAINSCAN_RESULTS_BUCKET": stack.results_bucket}
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "400", **places})
    assert done.exit_code == 0, done.output
    return done.output


def results(stack: LocalStack) -> list[dict[str, Any]]:
    return [json.loads(line) for line in command(stack, "results", "--format", "json").splitlines()]


def trained(data: Path, init: Path, out: Path) -> str:
    """The training job as SageMaker runs it: from the served model, on base data and corrections; the model's id."""
    job = [
        *(
            "--data",
            str(data),
            "--init",
            str(init),
            "--model-dir",
            str(out),
            "--output-dir",
            str(out.parent / "output"),
        ),
        *("--epochs", "1", "--slices-per-epoch", "16", "--batch-size", "16", "--size", str(tiny.SIZE)),
        *("--precision", "float32", "--revision", "a-test"),
    ]
    assert train.main(job) == 0
    return Manifest.read(out).model_id


@pytest.mark.usefixtures("tiny_network")
def test_corrections_become_a_model_that_answers(stack: LocalStack, base: Path, tmp_path: Path) -> None:
    first = exported(base, tmp_path / "first")
    command(stack, "model", "add", str(tmp_path / "first"))
    command(stack, "model", "serve", first[:12], "--override", "--reason", "the model before")
    put(stack, 1, 2, 3, 4)
    for place, scan in enumerate(results(stack)):
        assert scan["model_id"] == first
        command(stack, "review", scan["scan_id"], "--correct", str(CLASSES[place % 4]))
    told = command(stack, "export", "corrections", "--out", str(base / "corrections"))
    assert "4 slices" in told

    candidate = trained(base, tmp_path / "first" / MODEL_FILE, tmp_path / "second")
    assert candidate != first

    command(stack, "model", "add", str(tmp_path / "second"), "--reason", "corrections of May")
    command(stack, "model", "shadow", candidate[:12], "--share", "1")
    put(stack, 5, 6)
    command(stack, "model", "diff", candidate[:12], "--out", str(tmp_path / "diff"))
    found = json.loads((tmp_path / "diff/diff.json").read_text())
    assert (found["candidate"], found["served"], found["scans"]) == (candidate, [first], 2)

    command(stack, "model", "serve", candidate[:12], "--override", "--reason", "a test of the loop")
    put(stack, 7)
    assert {each["model_id"] for each in results(stack)} == {first, candidate}
