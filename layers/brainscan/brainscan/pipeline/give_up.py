"""Scans and uploads whose retries are over -> `failed`, without a look at bytes that may have ended every process."""

from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import ClientError

from brainscan.domain import Export, Finding, Kind, Outcome, Part, PartDone, Reason, Scan, ScanRecord
from brainscan.pipeline.attempt import commit, new_attempt
from brainscan.pipeline.exports import UNFINISHED, conclude, current, export_of, record_unread, staged_upload
from brainscan.services import Services
from brainscan.store import ObjectGoneError
from brainscan.store.retry import is_transient
from brainscan.store.upload import Upload
from brainscan.store.uploaded_objects import Head


def give_up(scan: Scan, services: Services) -> ScanRecord | None:
    """Commit that a scan failed; one that comes back after that is analyzed again.

    Returns:
        The failed scan; None if its outcome was final before, or there is no such scan.

    Raises:
        ScanChangedError, botocore.exceptions.ClientError: to be repeated.
    """
    known = services.table.scans.get(scan.scan_id)
    if known is None or known.outcome is not Outcome.QUEUED:
        return None
    finding = Finding(outcome=Outcome.FAILED, reasons=(Reason.RETRIES_EXHAUSTED,))
    failed = ScanRecord.of(known, finding, finished_at=datetime.now(UTC))
    result = commit(known, services.results.put_record(failed, new_attempt()), services)
    if result.error is not None:
        raise result.error
    return None if result.repeat else result.record


def give_up_upload(work: Upload | Part, services: Services) -> Export | None:
    """Say of an upload, or of a part of one, that it could not be taken in, without a look at its content.

    What was taken in of it stays, and all else comes in where it is sent again.

    Returns:
        The export as it stands now; None if there is none.

    Raises:
        botocore.exceptions.ClientError: AWS refused; to be repeated.
    """
    if isinstance(work, Part):
        known = services.table.exports.get(work.export_id)
        if known is None:
            return None
        upload = staged_upload(work.export_id, services)
        return _fail(work, upload, known, services)
    try:
        head = _head_if_allowed(work, services)
    except ObjectGoneError:
        return record_unread(work, Reason.OBJECT_GONE, services)
    export = export_of(work, head.version_id, services, head.token)
    if export.state in UNFINISHED:
        services.table.exports.begin(export)
    upload = replace(work, version_id=head.version_id, sequencer=work.sequencer or head.sequencer)
    return _fail(Part(export_id=export.export_id), upload, export, services)


def _head_if_allowed(upload: Upload, services: Services) -> Head:
    """What S3 says of an object; what its event says where S3 refuses, which may be why nothing came of it.

    Raises:
        ObjectGoneError: no such object or version.
        botocore.exceptions.ClientError: S3 may answer a moment later.
    """
    try:
        return services.uploads.head(upload.bucket, upload.key, upload.version_id)
    except ClientError as refused:
        if is_transient(refused):
            raise
        return Head(upload.version_id or "null", size=0, sequencer=upload.sequencer or "")


def _fail(part: Part, upload: Upload, export: Export, services: Services) -> Export:
    """Mark a part as given up, unless it is done, and conclude if it was the last one missing."""
    if export.state not in UNFINISHED:
        return current(upload, export, services)
    marker = PartDone(number=part.number, last=part.last, kind=Kind.OTHER, files=1, skipped=0, failed=True)
    services.table.exports.fail_part(part.export_id, marker)
    conclude(upload, export, services)
    return current(upload, export, services)
