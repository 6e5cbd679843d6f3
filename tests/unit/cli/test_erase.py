"""`brainscan erase`: shows by default, erases when told to, takes a key or a PatientID, and repeats no identifier."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import ExportState
from brainscan.identity import Keyring, Pseudonyms
from brainscan.pipeline.files import patient_key
from brainscan.pipeline.intake import intake
from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.conftest import ROOT, World
from tests.making import NOON, PSEUDONYMS, present, zipped

KEY = patient_key("PHANTOM-ONE", "", PSEUDONYMS)
PAGE = (ROOT / "docs/erasure-and-restore.md").read_text()

Run = Callable[..., str]


@pytest.fixture
def secret(aws: None) -> str:
    """The deployment's secret, as its stack keeps it."""
    return boto3.client("secretsmanager").create_secret(Name="pseudonyms", SecretString=PSEUDONYMS.secret.decode())[
        "ARN"
    ]


@pytest.fixture
def export(world: World) -> None:
    """Two patients in one archive, and one of them in an upload of its own."""
    one, two = (to_dicom(head(seed=1, lesion=GLIOMA, size=64, slices=2), name) for name in ("ONE", "TWO"))
    intake(world.upload("Doe.zip", zipped({"ONE": one[0], "TWO": two[0]})), world.services)
    intake(world.upload("Doe.dcm", one[0]), world.services)


@pytest.fixture
def erase(world: World, secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("brainscan.pipeline.erase_files.WORKERS", 1)  # moto lists a bucket while no thread writes to it

    def run(*arguments: str, expected: int = 0, **how: Any) -> str:
        told = {"BRAINSCAN_TABLE_NAME": "scans", "BRAINSCAN_RESULTS_BUCKET": "results"}
        told |= {"BRAINSCAN_PSEUDONYM_SECRET_ARN": secret, "COLUMNS": "200"}
        done = CliRunner().invoke(app, ["erase", *arguments], env=told, **how)
        assert done.exit_code == expected, done.output
        return done.output

    return run


def rows(output: str) -> dict[str, int]:
    """The numbers of the table that is shown."""
    return {what.strip(): int(n) for what, n in re.findall(r"^ (\S.*?)  +(\d+) *$", output, re.MULTILINE)}


def test_without_yes_it_shows_what_there_is_and_changes_nothing(
    erase: Run, export: None, world: World, dynamodb: Any, tmp_path: Path
) -> None:
    before = dynamodb.scan(TableName="scans")["Items"]
    told = erase(KEY)
    assert (rows(told)["scans"], rows(told)["uploads"]) == (2, 1)
    assert "1 uploads also hold images of others, or of nobody known: they stay." in told
    assert "Nothing was changed: say --yes to erase." in told
    assert dynamodb.scan(TableName="scans")["Items"] == before
    assert list(tmp_path.iterdir()) == []


def test_with_yes_it_erases_and_writes_a_receipt(erase: Run, export: None, world: World, tmp_path: Path) -> None:
    told = erase(KEY, "--yes", "--receipt", "receipt.json")
    receipt = json.loads((tmp_path / "receipt.json").read_text())
    assert (receipt["patient_id"], receipt["erased"]["scans"], receipt["erased"]["uploads"]) == (KEY, 2, 1)
    assert "Receipt: receipt.json" in told
    assert "point-in-time backups of the table" in told
    again = erase(KEY, "--yes", "--with-archives")
    [second] = tmp_path.glob(f"erasure-{KEY[:8]}-*.json")
    assert json.loads(second.read_text())["erased_before"] == 2
    assert rows(again)["uploads"] == 1
    assert not list(world.services.versions.under("uploads"))


def test_a_patient_id_is_read_from_the_input_and_told_nowhere(erase: Run, export: None, tmp_path: Path) -> None:
    told = erase("--patient-id", "--yes", "--receipt", "receipt.json", input="  PHANTOM-ONE \n")
    assert f"Patient {KEY} is erased" in told
    assert "PHANTOM" not in told + (tmp_path / "receipt.json").read_text()


def test_a_patient_who_was_first_seen_after_a_rotation_is_found_by_patient_id(
    erase: Run, export: None, world: World, secret: str
) -> None:
    keyring = Keyring.parse(PSEUDONYMS.secret.decode())
    text = keyring.rotated("second", NOON - timedelta(hours=1))
    boto3.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=text)
    late = to_dicom(head(seed=3, lesion=GLIOMA, size=64, slices=2), "LATE")
    services = replace(world.services, secret=lambda: text)
    intake(world.upload("Late.zip", zipped({"LATE": late[0]})), services)
    key = patient_key("PHANTOM-LATE", "", Pseudonyms(b"second"))
    told = erase("--patient-id", "--yes", input="PHANTOM-LATE\n")
    assert f"Patient {key} is erased" in told
    assert (rows(told)["scans"], rows(told)["uploads"]) == (1, 1)
    assert f"Patient {KEY} is erased" in erase("--patient-id", "--yes", input="PHANTOM-ONE\n")


def test_a_patient_id_of_an_issuer_is_another_patient(erase: Run, export: None) -> None:
    told = erase("--patient-id", "--issuer", "Elsewhere", input="PHANTOM-ONE\n", expected=1)
    assert "nothing is known of patient" in told
    assert "another issuer" in " ".join(told.split())


@pytest.mark.parametrize(
    ("arguments", "given", "remedy"),
    [
        ([], None, "say --patient-id"),
        ([KEY, "--patient-id"], None, "say --patient-id"),
        (["PHANTOM-ONE"], None, "for a PatientID say"),
        (["--patient-id"], "\n", "no PatientID was given"),
        ([KEY, "--receipt", "nowhere/receipt.json"], None, "its folder does not"),
    ],
)
def test_wrong_usage_is_told_with_its_remedy_and_without_an_identifier(
    erase: Run, arguments: list[str], given: str | None, remedy: str
) -> None:
    told = " ".join(erase(*arguments, input=given, expected=2).replace("│", " ").split())
    assert remedy in told
    assert "PHANTOM" not in told


def test_a_receipt_is_never_written_over_another(erase: Run, export: None, tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_text("kept")
    erase(KEY, "--yes", "--receipt", "receipt.json", expected=2)
    assert (tmp_path / "receipt.json").read_text() == "kept"


def test_what_aws_refuses_is_told_without_its_message(erase: Run, export: None, world: World) -> None:
    told = erase(KEY, "--bucket", "elsewhere", expected=3)
    assert "AWS refused ListObjectVersions" in told
    assert "NoSuchBucket" in told


def test_a_secret_that_cannot_be_read_is_told(erase: Run, export: None) -> None:
    assert "--secret-arn" in erase(KEY, "--secret-arn", "arn:nothing", expected=3)


def test_an_upload_that_is_still_taken_in_has_an_exit_code_of_its_own(erase: Run, export: None, world: World) -> None:
    for export_id in {scan.export_id for scan in world.services.table.erasing.of_patient(KEY).scans}:
        known = present(world.services.table.exports.get(export_id))
        fixed = known.model_copy(update={"state": ExportState.EXPANDING, "counts": {}, "needs_review": 0})
        world.services.table.exports.conclude(fixed)
    assert "2 uploads of the patient are still being taken in" in erase(KEY, "--yes", expected=4)


def test_the_page_lists_the_rights_that_a_run_needs(
    erase: Run, export: None, aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = set()
    made: Any = boto3.client

    def client(name: str, **how: Any) -> Any:
        one = made(name, **how)
        one.meta.events.register("before-call.*.*", lambda model, **_: called.add((name, model.name)))
        return one

    monkeypatch.setattr(boto3, "client", client)
    erase(KEY, "--yes")
    actions = set(json.loads("[" + ",".join(re.findall(r'"\w+:\w+"', PAGE)) + "]"))
    renamed = {
        ("s3", "ListObjectVersions"): "s3:ListBucketVersions",
        ("s3", "DeleteObjects"): "s3:DeleteObjectVersion",
    }
    needed = {renamed.get(each, f"{each[0]}:{each[1]}") for each in called}
    assert needed - {"sts:GetCallerIdentity"} <= actions | {"secretsmanager:GetSecretValue"}
    assert "dynamodb:Scan" in needed
