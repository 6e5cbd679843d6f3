"""A comment comes with a verdict, and goes nowhere but to who reads that verdict."""

import csv
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import Outcome, ScanRecord, TumorClass
from brainscan.store import Table
from tests.conftest import TABLE
from tests.making import a_record, analyzed, png
from tests.summaries import STUDY, a_series
from tests.unit.api.conftest import Ask

SAID = "dural tail, canary beside the falx"


@pytest.fixture
def scan(api: None, table: Table) -> ScanRecord:
    """A scan that the network calls a glioma."""
    waiting = a_record()
    final = analyzed(waiting, TumorClass.GLIOMA, 0.6, needs_review=True)
    key = f"results/{waiting.scan_id}/0/image.png"
    boto3.client("s3").put_object(Bucket="results", Key=key, Body=png())
    table.scans.register([waiting])
    table.scans.commit([final.model_copy(update={"image_key": key})], [Outcome.QUEUED])
    return final


def test_who_reads_the_verdict_reads_its_comment(ask: Ask, table: Table, scan: ScanRecord) -> None:
    table.summaries.put(a_series(0))
    for path in (f"/v1/scans/{scan.scan_id}", f"/v1/studies/{STUDY}", f"/v1/series/{a_series(0).series_id}"):
        given = ask("POST", f"{path}/reviews", body={"verdict": "confirmed", "revision": 0, "comment": f" {SAID} "})
        assert (given.status, given.json["review"]["comment"]) == (201, SAID)
        assert [each["comment"] for each in ask("GET", f"{path}/reviews").json["items"]] == [SAID]


def test_what_could_tell_who_a_patient_is_is_refused_by_its_kind(ask: Ask, table: Table, scan: ScanRecord) -> None:
    path = f"/v1/scans/{scan.scan_id}/reviews"
    for comment, kind in (("born 12.03.1975", "a date"), ("MRN 4711001", "a long number"), ("x" * 501, "")):
        refused = ask("POST", path, body={"verdict": "confirmed", "revision": 0, "comment": comment})
        assert refused.status == 422
        assert kind in refused.json["detail"]
        assert comment not in refused.body
    assert table.scans.get(scan.scan_id) == scan.model_copy(update={"image_key": f"results/{scan.scan_id}/0/image.png"})


def test_neither_logs_nor_exports_nor_training_data_hold_it(
    ask: Ask, table: Table, scan: ScanRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"verdict": "confirmed", "revision": 0, "comment": SAID}
    ask("POST", f"/v1/scans/{scan.scan_id}/reviews", body=body)
    ask("POST", f"/v1/scans/{scan.scan_id}/reviews", body=body)  # a conflict
    told = capsys.readouterr()
    assert "canary" not in told.out + told.err
    common = ["--table", TABLE, "--from", scan.day, "--to", scan.day]
    out = tmp_path / "rows.csv"
    assert CliRunner().invoke(app, ["results", *common, "--format", "csv", "--out", str(out)]).exit_code == 0
    exported = ["export", "corrections", *common, "--bucket", "results", "--out", str(tmp_path / "set")]
    assert CliRunner().invoke(app, exported).exit_code == 0
    assert len(list(csv.DictReader(out.open()))) == 1
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 5
    assert not [path for path in files if b"canary" in path.read_bytes()]
