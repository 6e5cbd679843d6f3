"""Messages as they come, parsed at the door: S3 notifications, and our own messages about scans and series."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote_plus

from pydantic import ConfigDict, Field, ValidationError

from brainscan.domain import BrainscanError, FrozenModel, GivenUpReport, Part, Report, Scan
from brainscan.store.table import ScanChange
from brainscan.store.table.items import scan_record
from brainscan.store.table.keys import META, series_id_of
from brainscan.store.upload import Upload

CREATED = "ObjectCreated:"


class MessageError(BrainscanError):
    """A message that is not what its queue is for. It ends in the dead-letter queue; its text is not repeated."""


class _Event(FrozenModel):
    """Of what AWS sends, the fields that are asked for."""

    model_config = ConfigDict(extra="ignore")


class _Bucket(_Event):
    name: str


class _Object(_Event):
    key: str
    version_id: str | None = Field(default=None, alias="versionId")
    sequencer: str | None = None


class _S3(_Event):
    bucket: _Bucket
    object: _Object


class _Record(_Event):
    event_name: str = Field(alias="eventName")
    event_time: datetime = Field(alias="eventTime")
    s3: _S3


class _Notification(_Event):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html"""

    records: list[_Record] = Field(alias="Records")


class _Announcement(_Event):
    """https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html"""

    detail_type: Literal["SeriesAnalyzed"] = Field(alias="detail-type")
    detail: Report


def parse_uploads(body: str) -> list[Upload]:
    """The uploads that an S3 notification speaks of; none for `s3:TestEvent` and for what creates nothing.

    What consoles and sync tools leave to show an empty folder is an upload like any other, of an empty file.

    Raises:
        MessageError: not an S3 notification.
    """
    try:
        parsed = json.loads(body)
        if isinstance(parsed, dict) and parsed.get("Event") == "s3:TestEvent":
            return []
        records = _Notification.model_validate(parsed).records
    except ValidationError as error:
        raise MessageError(_wrong("an S3 notification", error)) from None
    except ValueError:
        raise MessageError("the message is not JSON; only S3 and intake may send to this queue") from None
    created = [record for record in records if record.event_name.removeprefix("s3:").startswith(CREATED)]
    return [_upload(record) for record in created]


def parse_part(body: str) -> Part | None:
    """The part of an upload that a message of the UploadQueue speaks of; None for what may be S3's.

    Raises:
        MessageError: a part that is not whole.
    """
    try:
        parsed = json.loads(body)
        if not isinstance(parsed, dict) or "export_id" not in parsed:
            return None
        return Part.model_validate(parsed)
    except ValidationError as error:
        raise MessageError(_wrong("a part of an upload", error)) from None
    except ValueError:
        return None


def parse_scan(body: str) -> Scan:
    """The scan that a message of the ScanQueue speaks of.

    Raises:
        MessageError: not a scan.
    """
    try:
        return Scan.model_validate_json(body)
    except ValidationError as error:
        raise MessageError(_wrong("a scan", error)) from None


def parse_series_id(stream_keys: Mapping[str, Any]) -> str | None:
    """The series that a record of the table's stream is about, by its primary key; None for all other items."""
    pk, sk = stream_keys.get("pk"), stream_keys.get("sk")
    return series_id_of(str(pk)) if pk and sk == META else None


def parse_scan_changes(event: Mapping[str, Any]) -> tuple[str, list[ScanChange]]:
    """The shard and the changes of scans that a batch of the table's stream brings, in its order.

    Lambda names the shard where the mapping has a tumbling window
    (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html); an emulator that knows no windows has one
    shard a stream.
    """
    shard = event.get("shardId") or event["Records"][0]["eventSourceARN"]
    return shard, [_scan_change(record["dynamodb"]) for record in event["Records"]]


def _scan_change(change: Mapping[str, Any]) -> ScanChange:
    before, after = (change.get(name) for name in ("OldImage", "NewImage"))
    return ScanChange(
        sequence=change["SequenceNumber"],
        before=scan_record(before) if before else None,
        after=scan_record(after) if after else None,
    )


def parse_given_up_report(body: str) -> GivenUpReport:
    """The series that a message of the ReportDLQ speaks of.

    Raises:
        MessageError: it names none, as where Lambda left a place in the stream.
    """
    try:
        return GivenUpReport.model_validate_json(body)
    except ValidationError as error:
        raise MessageError(_wrong("a series", error)) from None


def parse_report(body: str) -> Report:
    """The report that a `SeriesAnalyzed` event in the DeliveryQueue speaks of.

    Raises:
        MessageError: not such an event.
    """
    try:
        return _Announcement.model_validate_json(body).detail
    except ValidationError as error:
        raise MessageError(_wrong("a SeriesAnalyzed event", error)) from None


def _upload(record: _Record) -> Upload:
    return Upload(
        bucket=record.s3.bucket.name,
        key=unquote_plus(record.s3.object.key),
        received_at=record.event_time,
        version_id=record.s3.object.version_id,
        sequencer=record.s3.object.sequencer,
    )


def _wrong(wanted: str, error: ValidationError) -> str:
    """Name the fields, never their values: those may be a patient's."""
    fields = sorted({".".join(map(str, problem["loc"])) or "the whole" for problem in error.errors()})
    return f"the message is not {wanted}: see {', '.join(fields)}"
