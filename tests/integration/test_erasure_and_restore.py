"""On the laptop stack: a lost results bucket is re-made from the uploads, and a patient is erased by one command."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import Outcome
from brainscan.store import ObjectVersions, Table
from brainscan_local.phantom import GLIOMA, head, to_dicom
from brainscan_local.stack import LocalStack
from tests.making import present, zipped

SLICES = 3


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """Two patients in one archive, answered and reported."""
    with LocalStack() as running:
        files = {
            f"{name}/IM{n}": data
            for seed, name in enumerate(("ONE", "TWO"))
            for n, data in enumerate(to_dicom(head(seed=seed, lesion=GLIOMA, size=96, slices=SLICES), name))
        }
        running.client("s3").put_object(Bucket=running.uploads_bucket, Key="export.zip", Body=zipped(files))
        running.drain(timeout_s=240)
        yield running


def command(stack: LocalStack, *arguments: str, given: str | None = None) -> str:
    told = {"BRAINSCAN_TABLE_NAME": stack.table_name, "BRAINSCAN_RESULTS_BUCKET": stack.results_bucket}
    told |= {"BRAINSCAN_PSEUDONYM_SECRET_ARN": stack.secret_arn("PseudonymSecret"), "COLUMNS": "400"}
    done = CliRunner().invoke(app, arguments, env=told, input=given)
    assert done.exit_code == 0, done.output
    return done.output


def standing(stack: LocalStack) -> list[dict[str, Any]]:
    """Scans of the worklists, by patient and place."""
    scans = [json.loads(line) for line in command(stack, "results", "--format", "json").splitlines()]
    return sorted(scans, key=lambda scan: (scan["patient_id"], scan["order"]))


def versions(stack: LocalStack, bucket: str) -> dict[tuple[str, str], bytes]:
    """Every version of every object with its bytes; delete markers have none."""
    s3, found = stack.client("s3"), {}
    for each in ObjectVersions(s3).under(bucket):
        named = {"Bucket": bucket, "Key": each.key, "VersionId": each.version_id}
        found[each.key, each.version_id] = b"" if each.is_marker else s3.get_object(**named)["Body"].read()
    return found


def reported(stack: LocalStack) -> set[str]:
    """Series of which there is a report in the results bucket."""
    found = ObjectVersions(stack.client("s3")).under(stack.results_bucket, "reports/")
    return {each.key.split("/")[1] for each in found if each.key.endswith("/series.json") and not each.is_marker}


def test_a_lost_results_bucket_is_made_again_by_copying_the_uploads_over_themselves(stack: LocalStack) -> None:
    s3, before = stack.client("s3"), standing(stack)
    lost = ObjectVersions(s3)
    lost.delete(list(lost.under(stack.results_bucket)))
    place = {"Bucket": stack.uploads_bucket, "Key": "export.zip"}
    s3.copy_object(**place, CopySource=place, MetadataDirective="REPLACE")
    stack.run_until(lambda: reported(stack) == {scan["series_id"] for scan in before}, timeout_s=240)
    stack.drain(timeout_s=120)
    after = standing(stack)
    said = ("patient_id", "series_id", "outcome", "predicted", "probabilities")
    assert [[scan.get(name) for name in said] for scan in after] == [
        [scan.get(name) for name in said] for scan in before
    ]
    there = {key for key, _ in versions(stack, stack.results_bucket)}
    assert {scan[name] for scan in after for name in ("result_key", "mask_key") if scan.get(name)} <= there


def test_a_patient_is_erased_and_the_other_stays(stack: LocalStack, tmp_path: Path) -> None:
    before, receipt = standing(stack), str(tmp_path / "receipt.json")
    assert any(b"PHANTOM-ONE" in body for body in versions(stack, stack.results_bucket).values())
    asked = ("erase", "--patient-id")
    assert "Nothing was changed" in command(stack, *asked, given="PHANTOM-ONE\n")
    assert standing(stack) == before
    command(stack, *asked, "--yes", "--with-archives", "--receipt", receipt, given="PHANTOM-ONE\n")
    [export_id] = {scan["export_id"] for scan in standing(stack)}
    exports = Table.over(stack.client("dynamodb"), stack.table_name).exports
    # Counts follow the stream within seconds.
    stack.run_until(lambda: present(exports.get(export_id)).counts.get(Outcome.SKIPPED) == SLICES, timeout_s=120)
    assert present(exports.get(export_id)).done
    patient = json.loads(Path(receipt).read_text())["patient_id"]
    assert standing(stack) == [scan for scan in before if scan["patient_id"] != patient]
    assert not [key for key, body in versions(stack, stack.results_bucket).items() if b"PHANTOM-ONE" in body]
    assert versions(stack, stack.uploads_bucket) == {}  # both versions of the archive
