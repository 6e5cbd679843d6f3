"""A folder is uploaded to the laptop stack and followed to the last outcome; the second time, nothing is sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan_local.phantom import write_export
from brainscan_local.stack import LocalStack


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_export(tmp_path_factory.mktemp("hospital") / "study", size=128, slices=4)


def upload(stack: LocalStack, state: Any, *arguments: Any) -> Any:
    names = {
        "BRAINSCAN_UPLOADS_BUCKET": stack.uploads_bucket,
        "BRAINSCAN_TABLE_NAME": stack.table_name,
        "BRAINSCAN_RESULTS_BUCKET": stack.results_bucket,
    }
    return CliRunner().invoke(app, ["upload", *map(str, arguments), "--state", str(state)], env=names)


def uploaded(stack: LocalStack) -> list[str]:
    listed = stack.client("s3").list_object_versions(Bucket=stack.uploads_bucket).get("Versions", [])
    return [version["Key"] for version in listed]


def test_a_folder_is_followed_until_every_file_has_its_outcome_and_is_sent_once(
    stack: LocalStack, folder: Path, tmp_path: Path
) -> None:
    done = upload(stack, tmp_path / "state", folder)
    assert done.exit_code == 1, done.output
    lines = done.output.splitlines()
    assert "15 files sent" in done.output
    assert any("DICOMDIR" in line and "not an image" in line for line in lines)
    assert any("VIEWER.EXE" in line for line in lines)
    localizers = [line for line in lines if line.startswith("skipped: ") and line.endswith(": localizer")]
    assert len(localizers) == 3
    assert all(str(folder) in line for line in localizers)
    [summary] = [line for line in lines if " files analyzed, " in line]
    analyzed, bad = (int(word) for word in summary.replace(",", "").split() if word.rstrip(".").isdigit())
    assert analyzed + bad == 15
    not_analyzed = [line for line in lines if line.split(":")[0] in {"skipped", "abstained", "rejected", "failed"}]
    assert len(not_analyzed) == bad >= 3
    before = uploaded(stack)
    assert len(before) == 1
    again = upload(stack, tmp_path / "state", folder)
    assert "0 files sent" in again.output
    assert "15 sent before" in again.output
    assert "all that was sent was followed before" in again.output
    assert "analyzed" not in again.output
    assert uploaded(stack) == before
    records = CliRunner().invoke(app, ["results", "--format", "json"], env={"BRAINSCAN_TABLE_NAME": stack.table_name})
    assert len(records.stdout.splitlines()) == 12
    assert "PHANTOM" not in records.stdout


def test_pictures_are_followed_as_well_where_they_are_sent_as_they_are(
    stack: LocalStack, folder: Path, tmp_path: Path
) -> None:
    done = upload(stack, tmp_path / "state", folder / "PNG", "--no-deidentify")
    assert done.exit_code == 1, done.output
    assert "5 files sent" in done.output
    assert any(line.startswith("rejected: ") and "cut-off.png: unreadable" in line for line in done.output.splitlines())
