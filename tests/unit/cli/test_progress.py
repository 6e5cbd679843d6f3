"""In a file or a pipe, what takes long tells now and then how far it is."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from rich.console import Console
from typer.testing import CliRunner

from brainscan.cli import progress
from brainscan.cli.main import app
from brainscan.domain import Export, ExportState, Kind, Outcome, TumorClass, Verdict
from brainscan.store import Table
from tests.conftest import TABLE
from tests.making import a_record, analyzed, opinion, png


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then is at every step."""
    monkeypatch.setattr(progress, "LINE_S", 0)


def run(*arguments: Any) -> list[str]:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


@pytest.fixture
def judged(table: Table) -> str:
    """A slice of an export that arrived today, with its image, which a reader confirmed; the export's id."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="results")
    waiting = a_record(received_at=datetime.now(UTC))
    keys = {"image_key": "image.png", "mask_key": None}
    record = analyzed(waiting, TumorClass.GLIOMA, 0.9).model_copy(update=keys)
    s3.put_object(Bucket="results", Key="image.png", Body=png(48, 1))
    table.scans.register([waiting])
    table.scans.commit([record], [Outcome.QUEUED])
    table.scans.review(record.scan_id, 0, opinion(Verdict.CONFIRMED))
    told: dict[str, Any] = {"kind": Kind.ZIP, "received_at": record.received_at, "expected": 1}
    table.exports.conclude(Export(export_id=record.export_id, state=ExportState.EXPANDED, **told))
    return record.export_id


def test_analyze(tmp_path: Path) -> None:
    scans = [tmp_path / f"{seed}.png" for seed in range(2)]
    for seed, path in enumerate(scans):
        path.write_bytes(png(48, seed))
    told = [line for line in run("analyze", *scans, "--out", tmp_path / "out") if line.startswith("analyzing: ")]
    assert [line.split(",")[0] for line in told] == ["analyzing: 1 scans", "analyzing: 2 scans"]


def test_export_status(judged: str) -> None:
    assert run("export", "status", judged, "--watch", "--table", TABLE)[0].startswith("analyzing: 1 of 1 scans, ")


def test_export_corrections(judged: str, tmp_path: Path) -> None:
    told = run("export", "corrections", "--table", TABLE, "--bucket", "results", "--out", tmp_path / "set")
    assert told[0].startswith("writing: 1 of 1 slices, ")


def test_a_rate_says_what_is_left_where_that_is_known() -> None:
    clock = iter((0.0, 2.0))
    written = io.StringIO()
    with progress.ProgressReporter("sending", 8, Console(file=written), "files", lambda: next(clock)) as reporter:
        reporter.advance(4)
    assert written.getvalue() == "sending: 4 of 8 files, 2.0 a second, 2 s left\n"
