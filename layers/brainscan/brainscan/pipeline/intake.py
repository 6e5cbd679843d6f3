"""Uploaded object -> registered, staged and queued scans; every file of it gets an outcome.

A large ZIP is split into parts that several invocations expand at a time, a large tar into parts that follow each
other. A part leaves its own listing and its own marker in the table; whoever finds all markers there concludes.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from brainscan.archive import File, Stretch, is_archive, stretches, upload_files
from brainscan.domain import BrainscanError, Export, ExportState, Kind, Model, Outcome, Part, PartDone, ScanRecord
from brainscan.imaging.sniff import HEAD_BYTES, sniff
from brainscan.pipeline import listing
from brainscan.pipeline.files import Fate, Origin, fate_of
from brainscan.services import WORKERS, Services
from brainscan.settings import MIB
from brainscan.store import ObjectGoneError
from brainscan.store.objects import Head, files_key, part_key, upload_key

CHUNK_FILES = 32
CHUNK_BYTES = 64 * MIB
"""Files that are staged and registered together: enough for S3's latency to overlap, few enough for memory."""


class UnknownExportError(BrainscanError):
    """A message speaks of a part of an export that intake never registered."""


class Upload(Model):
    """One object that S3 says was created. `key` may hold a patient's name: it is never logged."""

    bucket: str
    key: str
    received_at: datetime
    version_id: str | None = None
    sequencer: str | None = None

    def __repr__(self) -> str:
        return "Upload()"


@dataclass
class Tally:
    """What intake has seen of a part so far."""

    kind: Kind = Kind.OTHER
    files: int = 0
    skipped: int = 0
    lines: list[listing.Line] = field(default_factory=list)
    rest: Stretch | None = None


def intake(upload: Upload, services: Services) -> Export:
    """Register one uploaded object and everything in it, and queue its scans.

    A repeat changes nothing; an interrupted intake is completed by the next one. An object that a newer version has
    replaced leaves no scans in the worklists. An upload of several parts is still `EXPANDING` when this returns.

    Raises:
        botocore.exceptions.ClientError, QueueError: AWS refused; the upload's message is to be retried.
    """
    try:
        head = services.uploads.head(upload.bucket, upload.key, upload.version_id)
    except ObjectGoneError:
        return _gone(upload, services)
    export = _export(upload, head.version_id, services)
    if export.state != ExportState.EXPANDING:
        return export
    upload = upload.model_copy(
        update={"version_id": head.version_id, "sequencer": upload.sequencer or head.sequencer}
    )
    object_id = services.pseudonyms.object_id(upload.bucket, upload.key)
    claim = services.scans.claim(object_id, upload.sequencer or "", export.export_id)
    services.scans.put_export(export)
    if claim.won:
        parts = _parts(upload, head, export, services)
        if len(parts) > 1:
            _send(upload, parts, services)
        else:
            _take(parts[0], upload, head, export, services)
    return _settled(upload, export, services)


def intake_part(part: Part, services: Services) -> Export:
    """Expand one part of an upload; a repeat changes nothing.

    Raises:
        UnknownExportError: no such export.
        botocore.exceptions.ClientError, QueueError: AWS refused; the part's message is to be retried.
    """
    export = services.scans.export(part.export_id)
    if export is None:
        raise UnknownExportError("the part's export is not in the table; upload the archive again")
    if export.state != ExportState.EXPANDING:
        return export
    upload = Upload.model_validate_json(services.results.get(upload_key(part.export_id)))
    try:
        head = services.uploads.head(upload.bucket, upload.key, upload.version_id)
    except ObjectGoneError:
        return _gone(upload, services)
    _take(part, upload, head, export, services)
    return _settled(upload, export, services)


def _export(upload: Upload, version_id: str, services: Services) -> Export:
    """The export as the table knows it, or a new one."""
    export_id = services.pseudonyms.export_id(upload.bucket, upload.key, version_id)
    new = Export(export_id=export_id, state=ExportState.EXPANDING, received_at=upload.received_at)
    return services.scans.export(export_id) or new


def _gone(upload: Upload, services: Services) -> Export:
    """What is left to say of an upload that no longer exists."""
    export = _export(upload, upload.version_id or "null", services)
    done = PartDone(number=0, last=True, kind=Kind.OTHER, files=1, skipped=1)
    return _write_whole(export, [listing.gone()], [done], services)


def _parts(upload: Upload, head: Head, export: Export, services: Services) -> list[Part]:
    """How the upload is split; the same upload is always split alike."""
    with services.uploads.open(upload.bucket, upload.key, head) as content:
        kind = sniff(content.read(HEAD_BYTES))
        content.seek(0)
        if head.size > services.limits.archive_bytes or not is_archive(content, kind):
            return [Part(export_id=export.export_id)]
        found = stretches(content, kind, services.limits)
    last = len(found) - 1
    return [
        Part(export_id=export.export_id, number=number, first=each.first, stop=each.stop, last=number == last)
        for number, each in enumerate(found)
    ]


def _send(upload: Upload, parts: Sequence[Part], services: Services) -> None:
    """Queue parts. What the upload is called stays in the results bucket: a message must not hold it."""
    body = upload.model_dump_json().encode()
    services.results.put(upload_key(parts[0].export_id), body, "application/json")
    services.parts.send(parts)


def _take(part: Part, upload: Upload, head: Head, export: Export, services: Services) -> None:
    """Expand a part unless that is done, leave its marker, and conclude if it was the last one missing."""
    done = {each.number: each for each in services.scans.parts(part.export_id)}
    if part.number not in done:
        tally = _expand(part, upload, head, export, services)
        if tally.rest is not None:
            following = part.model_copy(
                update={"number": part.number + 1, "first": tally.rest.first, "offset": tally.rest.offset}
            )
            _send(upload, [following], services)
        lines = listing.encoded(tally.lines)
        services.results.put(part_key(part.export_id, part.number), lines, "application/jsonl")
        marker = PartDone(
            number=part.number,
            last=part.last and tally.rest is None,
            kind=tally.kind,
            files=tally.files,
            skipped=tally.skipped,
        )
        services.scans.put_part(part.export_id, marker)
    _conclude(upload, export, services)


def _expand(part: Part, upload: Upload, head: Head, export: Export, services: Services) -> Tally:
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
        kind = sniff(content.read(HEAD_BYTES))
        content.seek(0)
        tally = Tally(kind)
        stretch = Stretch(part.first, part.stop, part.offset)
        found = upload_files(content, kind, upload.key, head.size, services.limits, stretch)
        for chunk in _chunks(_bounded(found, stretch, tally, services)):
            fates = list(pool.map(lambda file: _stage(file, origin, services), chunk))
            _register([record for fate in fates for record in fate.records], services)
            for file, fate in zip(chunk, fates, strict=True):
                tally.files += 1
                tally.skipped += not fate.records
                tally.lines.append(listing.line(file, fate, services.pseudonyms))
    return tally


def _bounded(files: Iterator[File], stretch: Stretch, tally: Tally, services: Services) -> Iterator[File]:
    """The files of one part of a tar: up to its bounds, and the rest is noted; other uploads were split before."""
    behind: File | None = None
    for file in files:
        if behind is not None and behind.index != file.index and behind.after is not None:
            taken = (behind.index or 0) + 1 - stretch.first
            grown = behind.after - stretch.offset
            if taken >= services.limits.part_files or grown >= services.limits.part_bytes:
                tally.rest = Stretch(first=file.index or 0, offset=behind.after)
                return
        behind = file
        yield file


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


def _stage(file: File, origin: Origin, services: Services) -> Fate:
    """Keep a file's bytes for analysis, or say why there will be none: before the table speaks of its scans."""
    fate = fate_of(file, origin, services.pseudonyms, services.limits)
    if fate.queued:
        services.results.put(fate.records[0].staged_key, file.data, "application/octet-stream")
    for record in fate.records:
        if record.outcome != Outcome.QUEUED:
            services.results.put_record(record)
    return fate


def _register(records: Sequence[ScanRecord], services: Services) -> None:
    """Register, then queue what waits: the new scans, and known ones whose message may have been lost."""
    new = services.scans.register(records)
    repeats = [record.scan_id for record, is_new in zip(records, new, strict=True) if not is_new]
    known = services.scans.get_many(repeats)
    current = [known.get(record.scan_id, record) for record in records]
    services.queue.send([record for record in current if record.outcome == Outcome.QUEUED])


def _conclude(upload: Upload, export: Export, services: Services) -> None:
    """If every part is done, join their listings and say that the export is whole; older versions make way."""
    done = services.scans.parts(export.export_id)
    if not (done and done[-1].last and len(done) == done[-1].number + 1):
        return
    object_id = services.pseudonyms.object_id(upload.bucket, upload.key)
    for replaced in services.scans.claim(object_id, upload.sequencer or "", export.export_id).previous:
        services.scans.supersede(replaced)
    services.scans.settle(object_id, export.export_id)
    keys = [part_key(export.export_id, part.number) for part in done]
    lines = listing.whole(listing.decoded(services.results.get(key)) for key in keys)
    _write_whole(export, lines, done, services)


def _write_whole(
    export: Export, lines: Iterable[listing.Line], done: Sequence[PartDone], services: Services
) -> Export:
    services.results.put(files_key(export.export_id), listing.encoded(lines), "application/jsonl")
    fixed = {
        "state": ExportState.EXPANDED,
        "kind": done[0].kind,
        "files": sum(part.files for part in done),
        "skipped": sum(part.skipped for part in done),
    }
    export = export.model_copy(update=fixed)
    services.scans.put_export(export)
    return export


def _settled(upload: Upload, export: Export, services: Services) -> Export:
    """The export as it stands now, out of the worklists if a newer version of its object has come meanwhile."""
    object_id = services.pseudonyms.object_id(upload.bucket, upload.key)
    if services.scans.latest(object_id) != export.export_id:
        services.scans.supersede(export.export_id)
    return services.scans.export(export.export_id) or export
