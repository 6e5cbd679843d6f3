"""On the laptop stack, by commands: a candidate is added, shadows, is compared, refused, served, and rolled back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import TumorClass
from brainscan.inference.manifest import Manifest
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from brainscan_local.stack import LocalStack
from tests.conftest import ROOT
from tests.making import zipped
from tests.tiny_model import write_model

IMAGES_MODEL = Manifest.read(ROOT / "functions/analyze/model").model_id


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


@pytest.fixture(scope="module")
def slices() -> tuple[list[bytes], bytes]:
    """DICOM slices of one series, and one picture of no series."""
    phantom = head(seed=7, lesion=GLIOMA, size=96, slices=12)
    return to_dicom(phantom), to_png(phantom.volume[5])


def put(stack: LocalStack, name: str, data: bytes) -> None:
    stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=name, Body=data)
    stack.drain(timeout_s=120)


def command(stack: LocalStack, *arguments: str, expected: int = 0) -> str:
    places = {"BRAINSCAN_TABLE_NAME": stack.table_name, "BRAINSCAN_RESULTS_BUCKET": stack.results_bucket}
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "400", **places})
    assert done.exit_code == expected, done.output
    return done.output


def models(stack: LocalStack) -> dict[str | None, set[str]]:
    """Which models answered, by series; None for scans of no series."""
    found: dict[str | None, set[str]] = {}
    for line in command(stack, "results", "--format", "json").splitlines():
        scan = json.loads(line)
        found.setdefault(scan.get("series_id"), set()).add(scan["model_id"])
    return found


def test_a_candidate_goes_all_the_way_and_back(
    stack: LocalStack, slices: tuple[list[bytes], bytes], tmp_path: Path
) -> None:
    dicom, picture = slices
    candidate = write_model(tmp_path / "artifact", TumorClass.PITUITARY)
    command(stack, "model", "add", str(tmp_path / "artifact"))
    command(stack, "model", "shadow", candidate[:8], "--share", "1")
    put(stack, "begun.zip", zipped({f"IM{n}": each for n, each in enumerate(dicom[:6])}))
    [(series, answered)] = models(stack).items()
    assert answered == {IMAGES_MODEL}

    told = command(stack, "model", "diff", candidate[:8], "--out", str(tmp_path / "diff"))
    found = json.loads((tmp_path / "diff/diff.json").read_text())
    assert (found["candidate"], found["served"], found["scans"]) == (candidate, [IMAGES_MODEL], 6)
    assert "6 scans compared, 200 needed" in told
    assert "has not passed its gate" in command(stack, "model", "serve", candidate[:8], "--reason", "x", expected=4)

    command(stack, "model", "serve", candidate[:8], "--override", "--reason", "a test of the switch")
    put(stack, "rest.zip", zipped({f"IM{n}": each for n, each in enumerate(dicom[6:])}))
    put(stack, "switched.png", picture)
    assert models(stack) == {series: {IMAGES_MODEL}, None: {candidate}}
    [summary] = [json.loads(each) for each in command(stack, "series", "--format", "json").splitlines()]
    assert summary["model_ids"] == [IMAGES_MODEL]

    command(stack, "model", "serve", "--back", "--reason", "that will do")
    put(stack, "back.png", picture + b"\0")
    assert models(stack) == {series: {IMAGES_MODEL}, None: {candidate, IMAGES_MODEL}}
