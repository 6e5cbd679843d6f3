"""Small real things that tests are made of: records, events, images and archives."""

import io
import json
import tarfile
import zipfile
from datetime import UTC, datetime
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from brainscan.domain import Finding, Kind, Opinion, Outcome, ScanRecord, Source, TumorClass, Verdict
from brainscan.identity import Pseudonyms

PSEUDONYMS = Pseudonyms(b"tests")
T = TypeVar("T")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def present(value: T | None) -> T:
    """What a test knows to be there."""
    assert value is not None
    return value


def a_record(number: int = 0, export: str = "an export", **changes: Any) -> ScanRecord:
    """A queued scan; `number` makes it one of many."""
    export_id = PSEUDONYMS.export_id("uploads", export, "v1")
    fields: dict[str, Any] = {
        "scan_id": PSEUDONYMS.digest("scan", export_id, number),
        "export_id": export_id,
        "source": Source(bucket="uploads", key_digest="0" * 32, version_id="v1", entry_index=number),
        "kind": Kind.PNG,
        "staged_key": f"sources/{export_id}",
        "received_at": NOON,
        "outcome": Outcome.QUEUED,
    }
    return ScanRecord(**fields | changes)


def analyzed(record: ScanRecord, predicted: TumorClass, confidence: float, *, needs_review: bool = False) -> ScanRecord:
    """The same scan with a finding."""
    rest = (1 - confidence) / 3
    probabilities = {each: confidence if each is predicted else rest for each in TumorClass}
    finding = Finding(
        outcome=Outcome.ANALYZED,
        predicted=predicted,
        probabilities=probabilities,
        confidence=confidence,
        needs_review=needs_review,
    )
    return ScanRecord.of(record, finding, model_id="f" * 64, finished_at=NOON)


def opinion(
    verdict: Verdict, corrected: TumorClass | None = None, reader: str = "a reader", seconds: float | None = None
) -> Opinion:
    """What a reader says."""
    return Opinion(verdict=verdict, corrected=corrected, reader=reader, seconds=seconds)


def s3_event(
    bucket: str,
    encoded_key: str,
    version_id: str | None = None,
    sequencer: str | None = None,
    name: str = "ObjectCreated:Put",
    at: datetime = NOON,
) -> str:
    """A notification as S3 writes it; `encoded_key` is what stands in it, already encoded."""
    found: dict[str, Any] = {"key": encoded_key, "size": 1, "eTag": "0" * 32}
    if version_id:
        found["versionId"] = version_id
    if sequencer:
        found["sequencer"] = sequencer
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventName": name,
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": found},
    }
    return json.dumps({"Records": [record]})


def png(side: int = 64, seed: int = 0) -> bytes:
    """A gray blob on black, with texture, so that no two seeds are alike."""
    rows, columns = np.mgrid[:side, :side] - side / 2
    blob = np.hypot(rows, columns) < side * 0.4
    noise = np.random.default_rng(seed).integers(0, 60, (side, side))
    out = io.BytesIO()
    Image.fromarray((blob * (120 + noise)).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of files by path."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return out.getvalue()


def tarred(files: dict[str, bytes], compression: str = "", form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of files by path; `compression` is "" or "gz"."""
    out = io.BytesIO()
    mode: Any = f"w:{compression}"
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()
