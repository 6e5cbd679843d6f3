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
