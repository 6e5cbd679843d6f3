"""`brainscan review` takes a mask with a verdict, and refuses one that is none of the scan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import Outcome, TumorClass, Verdict
from brainscan.imaging.mask import encode_mask
from brainscan.imaging.reader_mask import tumor_pixels
from brainscan.store import Table
from tests.conftest import TABLE
from tests.making import a_record, analyzed, present
from tests.summaries import DAY, STUDY, a_series


@pytest.fixture
def scan(table: Table) -> Any:
    """A scan of 32 rows and 40 columns that the network calls a glioma."""
    boto3.client("s3").create_bucket(Bucket="results")
    waiting = a_record()
    table.scans.register([waiting])
    final = analyzed(waiting, TumorClass.GLIOMA, 0.6).model_copy(update={"rows": 32, "columns": 40})
    table.scans.commit([final], [Outcome.QUEUED])
    return final


@pytest.fixture
def review(scan: Any, tmp_path: Path) -> Callable[..., Any]:
    """Review the scan with a mask of some shape."""

    def reviewing(shape: Any, *told: Any, bucket: Any = ("--bucket", "results")) -> Any:
        mask = np.zeros(shape, np.bool_)
        mask[4:8, 4:8] = True
        (tmp_path / "mine.png").write_bytes(encode_mask(mask))
        asked = ["review", scan.scan_id, "--table", TABLE, *bucket, "--mask", str(tmp_path / "mine.png"), *told]
        return CliRunner().invoke(app, asked)

    return reviewing


def test_a_mask_comes_with_a_verdict(review: Callable[..., Any], scan: Any, table: Table) -> None:
    assert review((32, 40), "--correct", "pituitary").exit_code == 0
    said = present(table.scans.get(scan.scan_id)).review
    assert (present(said).verdict, present(said).corrected) == (Verdict.CORRECTED, TumorClass.PITUITARY)
    assert (
        tumor_pixels(
            boto3.client("s3").get_object(Bucket="results", Key=present(present(said).drawn_key))["Body"].read()
        )
        == 16
    )


def test_a_mask_of_something_else_is_refused_and_nothing_recorded(
    review: Callable[..., Any], scan: Any, table: Table
) -> None:
    refused = review((40, 32), "--confirm")
    assert refused.exit_code == 4
    assert "the scan 32 and 40" in " ".join(refused.output.split())
    assert review((32, 40), "--reject").exit_code == 2
    assert review((32, 40), "--confirm", bucket=()).exit_code == 2
    assert present(table.scans.get(scan.scan_id)).review is None


def judge(*told: str) -> Any:
    return CliRunner().invoke(app, ["review", *told, "--table", TABLE])


@pytest.mark.parametrize("kind", ["series", "study"])
def test_a_series_and_a_study_are_judged_as_a_whole_and_that_is_taken_back(table: Table, kind: str) -> None:
    summary = a_series(0)
    table.statistics.mark_arrival(DAY)
    table.summaries.put(summary)
    of_it = (f"--{kind}", summary.series_id if kind == "series" else STUDY)

    def now() -> Any:
        return table.summaries.series(summary.series_id) if kind == "series" else table.summaries.study(STUDY)

    assert judge(*of_it, "--withdraw").exit_code == 4
    corrected = judge(of_it[0], of_it[1][:8], "--day", DAY, "--correct", "pituitary", "--comment", "beside the sella")
    assert corrected.exit_code == 0, corrected.output
    assert (now().finding, now().review.comment) == (TumorClass.PITUITARY, "beside the sella")
    assert judge(*of_it, "--reject", "--revision", "0").exit_code == 4
    assert judge(*of_it, "--withdraw").exit_code == 0
    assert (now().finding, now().decisive_review) == (TumorClass.GLIOMA, None)
    assert judge(of_it[0], "0" * 32, "--confirm").exit_code == 1


def test_a_verdict_on_a_scan_is_taken_back(scan: Any, table: Table) -> None:
    assert judge(scan.scan_id, "--reject").exit_code == 0
    assert judge(scan.scan_id, "--withdraw").exit_code == 0
    assert present(table.scans.get(scan.scan_id)).decisive_review is None


def test_one_thing_is_judged_at_a_time_and_a_mask_is_of_a_scan(scan: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_bytes(b"")
    mask = ("--mask", str(tmp_path / "mine.png"), "--bucket", "results")
    assert judge("--confirm").exit_code == 2
    assert judge(scan.scan_id, "--series", "1" * 32, "--confirm").exit_code == 2
    assert judge("--series", "1" * 32, "--confirm", *mask).exit_code == 2
    assert judge(scan.scan_id, "--withdraw", *mask).exit_code == 2
