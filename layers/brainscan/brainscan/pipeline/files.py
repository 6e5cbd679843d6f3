"""The files of an upload, and the scans of a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from brainscan import archive
from brainscan.archive import File, recognized
from brainscan.dicom.header import read_header
from brainscan.domain import Finding, Kind, Outcome, Reason, Scan, ScanError, ScanRecord, Source
from brainscan.identity import Pseudonyms
from brainscan.imaging.decode import count_frames
from brainscan.imaging.sniff import HEAD_BYTES, sniff
from brainscan.settings import Limits
from brainscan.store.objects import staged_key


@dataclass(frozen=True)
class Origin:
    """What all scans of an upload share."""

    export_id: str
    bucket: str
    key_digest: str
    version_id: str
    received_at: datetime


def upload_kind(content: IO[bytes]) -> Kind:
    """What an uploaded object is, by its first bytes."""
    kind = sniff(content.read(HEAD_BYTES))
    content.seek(0)
    return kind


def upload_files(content: IO[bytes], kind: Kind, path: str, size: int, limits: Limits) -> Iterator[File]:
    """Every file of an upload: the object itself, or the entries of an archive.

    Args:
        content: The object, seekable and at its beginning.
        kind: What `upload_kind` said of it.
        path: Its name, which goes no further than into digests.
        size: Its size in bytes.
    """
    is_archive = kind is Kind.ZIP
    if size > (limits.archive_bytes if is_archive else limits.scan_bytes):
        yield File(path, None, kind=kind, problem=Reason.OBJECT_TOO_LARGE)
    elif not is_archive:
        yield recognized(path, content.read(), loose=True)
    else:
        try:
            yield from archive.files(content, limits)
        except ScanError as refused:
            yield File(path, None, kind=kind, problem=refused.reason)


def scans_of(file: File, origin: Origin, pseudonyms: Pseudonyms, limits: Limits) -> list[ScanRecord]:
    """The scans of one file: one a frame, queued; or a single one, rejected, where the file cannot be used.

    A skipped file has none.
    """
    if file.skipped:
        return []
    entry = None if file.index is None else f"{file.index}:{file.path}"
    file_id = pseudonyms.file_id(origin.export_id, entry)
    source = Source(
        bucket=origin.bucket,
        key_digest=origin.key_digest,
        version_id=origin.version_id,
        entry_digest=None if entry is None else pseudonyms.digest("entry", file.path),
        entry_index=file.index,
    )
    scan = Scan(
        scan_id=pseudonyms.scan_id(file_id, None),
        export_id=origin.export_id,
        source=source,
        kind=file.kind,
        staged_key=staged_key(file_id),
        received_at=origin.received_at,
    )
    if file.problem:
        return [_rejected(scan, file.problem)]
    try:
        frames = count_frames(file.data, file.kind, limits)
        placed = scan.model_copy(update=_place(file, pseudonyms))
    except ScanError as refused:
        return [_rejected(scan, refused.reason)]
    queued = Finding(outcome=Outcome.QUEUED)
    if frames == 1:
        return [ScanRecord.of(placed, queued)]
    return [ScanRecord.of(_frame(placed, file_id, frame, pseudonyms), queued) for frame in range(frames)]


def _frame(scan: Scan, file_id: str, frame: int, pseudonyms: Pseudonyms) -> Scan:
    changes = {
        "scan_id": pseudonyms.scan_id(file_id, frame),
        "source": scan.source.model_copy(update={"frame": frame}),
        "order": scan.order + frame,
    }
    return scan.model_copy(update=changes)


def _place(file: File, pseudonyms: Pseudonyms) -> dict[str, object]:
    """Series, study, patient and order of a DICOM instance; other files have none of their own."""
    if file.kind is not Kind.DICOM:
        return {}
    header = read_header(file.data)
    place: dict[str, object] = {"order": header.instance_number}
    if header.series_uid:
        place["series_id"] = pseudonyms.digest("series", header.series_uid)
    if header.study_uid:
        place["study_id"] = pseudonyms.digest("study", header.study_uid)
    if header.patient_id:
        place["patient_id"] = pseudonyms.digest("patient", header.patient_id_issuer, header.patient_id)
    return place


def _rejected(scan: Scan, reason: Reason) -> ScanRecord:
    finding = Finding(outcome=Outcome.REJECTED, reasons=(reason,))
    return ScanRecord.of(scan, finding, finished_at=scan.received_at)
