"""A canary: names, ids and dates planted wherever senders put them reach nothing that brainscan writes or says."""

import io
import logging
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

from brainscan.domain import Export
from brainscan.observability import logger, metrics
from brainscan.pipeline import files, listing
from brainscan.services import services
from brainscan.store.upload import Upload
from brainscan_local.stack import LocalStack
from tests.making import png
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient
from tests.unit.pipeline.test_dicom_intake import directory

CANARIES = ("CANARYNAME", "CANARYID", "CANARYACC", "CANARYFILE", "CANARYKEY", "19610203")
RESEARCH_BUCKET_ONLY = ("sources/",)
"""Where the uploaded bytes themselves are staged: the one prefix that holds what the sender wrote."""


def planted(**elements: Any) -> bytes:
    """A DICOM image that names its patient in known, nested and private attributes."""
    known = {
        "PatientName": "CANARYNAME^JANE",
        "PatientID": "CANARYID",
        "IssuerOfPatientID": "CANARYID",
        "PatientBirthDate": "19610203",
        "StudyDate": "19610203",
        "AccessionNumber": "CANARYACC",
        "StudyInstanceUID": "1.2.19610203.1",
        "SeriesInstanceUID": "1.2.19610203.2",
        "SOPInstanceUID": "1.2.19610203.3",
        "SeriesDescription": "CANARYNAME localizer",
        "BodyPartExamined": "CANARYNAME",
        "ImagePositionPatient": [0, 0, 0],
    }
    dataset = dicom_object(gradient(48, 48), **known | elements)
    dataset.private_block(0x0011, "CANARYNAME", create=True).add_new(0x01, "LO", "CANARYNAME")
    return dicom_bytes(dataset)


def uploads() -> dict[str, bytes]:
    """Good, bad and hostile files; every one of them names the patient."""
    good = planted()
    wrong = {
        "count": planted(NumberOfFrames="1").replace(b"IS\x02\x001 ", b"IS\x02\x00CA"),
        "spacing": planted(PixelSpacing=[1, 1]).replace(b"1\\1 ", b"CANA"),
        "photometric": good.replace(b"MONOCHROME2 ", b"CANARYNAME  "),
        "cut": good[:-2000],
        "vr": good.replace(b"PN", b"QQ"),
    }
    disc = io.BytesIO()
    with zipfile.ZipFile(disc, "w") as archive:
        archive.comment = b"CANARYNAME 19610203"
        archive.writestr("DICOMDIR", directory(("PATIENT", []), ("IMAGE", ["CANARYFILE", "LOST"]), ("PRIVATE", [])))
        for name, data in {
            "good": good,
            "../escape": good,
            "text.dcm": b"CANARYNAME",
            "junk.exe": b"MZ",
            **wrong,
        }.items():
            entry = zipfile.ZipInfo(f"CANARYFILE/{name}")
            entry.comment = b"CANARYNAME"
            archive.writestr(entry, data)
    loose = {
        f"in/CANARYKEY {name}": data for name, data in {"good.dcm": good, "text.png": b"CANARYNAME", **wrong}.items()
    }
    return loose | {"in/CANARYKEY disc.zip": disc.getvalue(), "in/CANARYKEY.png": png(48)}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Everything that is logged at any level, by whichever library, and every request to AWS that carries our words."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(f"log {record.name} {record.getMessage()} {record.__dict__} {record.exc_info}")

    ear = Ear(logging.DEBUG)
    root = logging.getLogger()
    level, own_level = root.level, logger.log_level
    root.addHandler(ear)
    logger.addHandler(ear)
    root.setLevel(logging.DEBUG)
    logger.setLevel(logging.DEBUG)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield said
    said.append(capfd.readouterr().out)
    root.removeHandler(ear)
    logging.getLogger(logger.name).removeHandler(ear)
    root.setLevel(level)
    logger.setLevel(own_level)


def listen(said: list[str], stack: LocalStack) -> None:
    """Note what goes to SQS, DynamoDB and the results bucket, short of the staged bytes."""

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        if params.get("Bucket") == stack.uploads_bucket:
            return
        if str(params.get("Key", "")).startswith(RESEARCH_BUCKET_ONLY):
            params = {name: value for name, value in params.items() if name != "Body"}
        said.append(f"request {model.name} {params}")

    events = boto3._get_default_session().events
    for service in ("sqs", "dynamodb", "s3", "events", "sns", "cloudwatch"):
        events.register(f"provide-client-params.{service}", note)


def dead_letters(stack: LocalStack) -> list[str]:
    found = []
    for queue in ("ScanDLQ", "UploadDLQ"):
        sqs, url = stack.client("sqs"), stack.queue_url(queue)
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [f"{queue} {message['Body']}" for message in messages]
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


@contextmanager
def running(said: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStack]:
    monkeypatch.setenv("BRAINSCAN_LIMIT_PART_FILES", "4")
    with LocalStack(retry_delay_s=0.02) as stack:
        monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
        monkeypatch.setattr(metrics, "namespace", "brainscan")
        monkeypatch.setattr(metrics, "service", "brainscan")
        services.cache_clear()
        listen(said, stack)
        yield stack


def take_all(stack: LocalStack, said: list[str]) -> None:
    """Upload everything, have one scan fail for good and one message that nobody understands, and collect the rest."""
    for key, data in uploads().items():
        stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=key, Body=data)
    stack.drain(timeout_s=240)
    [*_, last] = [each["Key"] for each in _objects(stack, "results/")]
    record = services().table.scans.get(last.split("/")[1])
    assert record is not None
    orphan = record.model_copy(update={"scan_id": "0" * 32})
    stack.client("sqs").send_message(QueueUrl=stack.queue_url("ScanQueue"), MessageBody=orphan.model_dump_json())
    for queue in ("ScanQueue", "UploadQueue"):
        for body in ('{"patient": "nobody"}', '{"export_id": 7, "offset": "x"}'):
            stack.client("sqs").send_message(QueueUrl=stack.queue_url(queue), MessageBody=body)
    stack.drain(timeout_s=120)
    said += dead_letters(stack)
    for page in stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.table_name):
        said += [f"item {item}" for item in page["Items"]]
    for each in _objects(stack, ""):
        said.append(f"key {each['Key']}")
        if not each["Key"].startswith(RESEARCH_BUCKET_ONLY) and not each["Key"].endswith(".png"):
            body = stack.client("s3").get_object(Bucket=stack.results_bucket, Key=each["Key"])["Body"].read()
            said.append(f"object {body!r}")


def _objects(stack: LocalStack, prefix: str) -> list[dict[str, Any]]:
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=stack.results_bucket, Prefix=prefix)
    return [each for page in pages for each in page.get("Contents", [])]


def leaks(said: list[str]) -> list[str]:
    """What was said that holds a canary, shortened around it."""
    found = []
    for text in said:
        for canary in CANARIES:
            if (at := text.find(canary)) >= 0:
                found.append(text[:60] + " ... " + text[max(0, at - 60) : at + 40])
    return found


def test_no_canary_is_ever_heard(heard: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with running(heard, monkeypatch) as stack:
        take_all(stack, heard)
    for kind in (
        "log ",
        "request PutItem",
        "request UpdateItem",
        "request SendMessageBatch",
        "item ",
        "object ",
        "ScanDLQ ",
        "UploadDLQ ",
    ):
        assert any(text.startswith(kind) for text in heard), f"nothing was listened to: {kind}"
    assert any('"number":1' in text for text in heard if text.startswith("request SendMessageBatch")), "no parts"
    assert leaks(heard) == []


def quoting(upload: Upload, *_: object) -> Export:
    """Trouble in a library that quotes what it choked on."""
    raise ValueError(upload.key)


@pytest.mark.parametrize("redaction", ["entry digests", "words of other libraries"])
def test_the_canary_is_heard_once_a_redaction_is_gone(
    heard: list[str], monkeypatch: pytest.MonkeyPatch, redaction: str
) -> None:
    if redaction == "entry digests":
        for module in (files, listing):
            monkeypatch.setattr(module, "entry_digest", lambda path, _: path)
    with running(heard, monkeypatch) as stack:
        if redaction != "entry digests":
            intake = sys.modules["brainscan_local_Intake"]
            monkeypatch.setattr(intake, "error_fields", lambda error: {"error_text": str(error)})
            monkeypatch.setattr(intake, "intake", quoting)
        for key, data in list(uploads().items())[-2:]:
            stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=key, Body=data)
        stack.drain(timeout_s=120)
    assert leaks(heard)
