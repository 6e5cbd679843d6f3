"""Uploaded object -> registered, staged and queued scans; every file of it gets an outcome."""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from brainscan.archive import File
from brainscan.domain import Export, ExportState, Kind, Outcome, Reason, ScanRecord
from brainscan.pipeline.files import Origin, scans_of, upload_files, upload_kind
from brainscan.services import WORKERS, Services
from brainscan.settings import MIB
from brainscan.store import ObjectGoneError
from brainscan.store.objects import Head, files_key

CHUNK_FILES = 32
CHUNK_BYTES = 64 * MIB
"""Files that are staged and registered together: enough for S3's latency to overlap, few enough for memory."""


@dataclass(frozen=True, repr=False)
class Upload:
    """One object that S3 says was created. `key` may hold a patient's name: it is never logged."""

    bucket: str
    key: str
    received_at: datetime
    version_id: str | None = None
    sequencer: str | None = None


@dataclass
class Tally:
    """What intake has seen of an upload so far; `lines` is the listing of its files."""

    kind: Kind | None = None
    files: int = 0
    skipped: int = 0
    lines: list[str] = field(default_factory=list)


def intake(upload: Upload, services: Services) -> Export:
    """Register one uploaded object and everything in it, and queue its scans.

    A repeat changes nothing; an interrupted intake is completed by the next one. An object that a newer version has
    replaced leaves no scans in the worklists.

    Raises:
        botocore.exceptions.ClientError, QueueError: AWS refused; the upload's message is to be retried.
    """
    try:
        head = services.uploads.head(upload.bucket, upload.key, upload.version_id)
    except ObjectGoneError:
        return _conclude(_export(upload, upload.version_id or "null", services), _gone(), services)
    export = _export(upload, head.version_id, services)
    if export.state != ExportState.EXPANDING:
        return export
    object_id = services.pseudonyms.object_id(upload.bucket, upload.key)
    claim = services.scans.claim(object_id, upload.sequencer or head.sequencer, export.export_id)
    services.scans.put_export(export)
    if claim.won:
        tally = _expand(upload, head, export, services)
        for replaced in claim.previous:
            services.scans.supersede(replaced)
        services.scans.settle(object_id, export.export_id)
        _conclude(export, tally, services)
    if services.scans.latest(object_id) != export.export_id:
        services.scans.supersede(export.export_id)
    return services.scans.export(export.export_id) or export


def _export(upload: Upload, version_id: str, services: Services) -> Export:
    """The export as the table knows it, or a new one."""
    export_id = services.pseudonyms.export_id(upload.bucket, upload.key, version_id)
    new = Export(export_id=export_id, state=ExportState.EXPANDING, received_at=upload.received_at)
    return services.scans.export(export_id) or new


def _gone() -> Tally:
    return Tally(files=1, skipped=1, lines=[_line(None, [], Reason.OBJECT_GONE)])


def _expand(upload: Upload, head: Head, export: Export, services: Services) -> Tally:
    origin = Origin(
        export_id=export.export_id,
        bucket=upload.bucket,
        key_digest=services.pseudonyms.digest("key", upload.key),
        version_id=head.version_id,
        received_at=export.received_at,
    )
    with (
        services.uploads.open(upload.bucket, upload.key, head) as content,
        ThreadPoolExecutor(WORKERS) as pool,
    ):
        kind = upload_kind(content)
        tally = Tally(kind)
        for chunk in _chunks(upload_files(content, kind, upload.key, head.size, services.limits)):
            staged = list(pool.map(lambda file: _stage(file, origin, services), chunk))
            _register([record for records in staged for record in records], services)
            for file, records in zip(chunk, staged, strict=True):
                tally.files += 1
                tally.skipped += file.skipped
                tally.lines.append(_line(file.index, records, file.problem))
    return tally


def _chunks(files: Iterable[File]) -> Iterator[list[File]]:
    chunk: list[File] = []
    size = 0
    for file in files:
        chunk.append(file)
        size += len(file.data)
        if len(chunk) >= CHUNK_FILES or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _stage(file: File, origin: Origin, services: Services) -> list[ScanRecord]:
    """Keep a file's bytes for analysis, or say why there will be none: before the table speaks of its scans."""
    records = scans_of(file, origin, services.pseudonyms, services.limits)
    if any(record.outcome == Outcome.QUEUED for record in records):
        services.results.put(records[0].staged_key, file.data, "application/octet-stream")
    for record in records:
        if record.outcome != Outcome.QUEUED:
            services.results.put_record(record)
    return records


def _register(records: Sequence[ScanRecord], services: Services) -> None:
    """Register, then queue what waits: the new scans, and known ones whose message may have been lost."""
    new = services.scans.register(records)
    repeats = [record.scan_id for record, is_new in zip(records, new, strict=True) if not is_new]
    known = services.scans.get_many(repeats)
    current = [known.get(record.scan_id, record) for record in records]
    services.queue.send([record for record in current if record.outcome == Outcome.QUEUED])


def _conclude(export: Export, tally: Tally, services: Services) -> Export:
    """List every file's outcome, and say that the export is whole."""
    listing = "".join(f"{line}\n" for line in tally.lines).encode()
    services.results.put(files_key(export.export_id), listing, "application/jsonl")
    fixed = {
        "state": ExportState.EXPANDED,
        "kind": tally.kind,
        "files": tally.files,
        "skipped": tally.skipped,
    }
    export = export.model_copy(update=fixed)
    services.scans.put_export(export)
    return export


def _line(index: int | None, records: Sequence[ScanRecord], problem: Reason | None) -> str:
    """One file of the listing: found again by its place in the archive, since its name may be a patient's."""
    reasons: set[Reason | None] = {reason for record in records for reason in record.reasons} or {problem}
    line = {
        "index": index,
        "entry_digest": records[0].source.entry_digest if records else None,
        "outcome": records[0].outcome if records else Outcome.SKIPPED,
        "reasons": sorted(reason for reason in reasons if reason),
        "scan_ids": [record.scan_id for record in records],
    }
    return json.dumps(line)
