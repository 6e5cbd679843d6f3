"""A part range of an upload -> its files, staged and registered, each with its line in the listing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import IO

from brainscan.archive import File, PartRange, upload_files, upload_kind
from brainscan.domain import Kind, Outcome, ScanRecord
from brainscan.pipeline import listing, naming
from brainscan.pipeline.files import FileOutcome, Origin, file_outcome
from brainscan.services import WORKERS, Services
from brainscan.settings import MIB, Limits
from brainscan.store.retry import Threads

CHUNK_FILES = 32
CHUNK_BYTES = 64 * MIB
"""Files that are staged and registered together: enough for S3's latency to overlap, few enough for memory."""

INTAKE = "intake"
"""The attempt that writes the result of a scan which intake rejects: the same bytes, however often it is repeated."""


@dataclass
class Tally:
    """What came of a part range so far.

    `scans` counts all, `new` by outcome those that were not known before; `rest` is what a tar holds beyond the bounds
    of one part.
    """

    kind: Kind = Kind.OTHER
    files: int = 0
    skipped: int = 0
    scans: int = 0
    new: Counter[Outcome] = field(default_factory=Counter)
    lines: list[listing.Line] = field(default_factory=list)
    rest: PartRange | None = None


def expand(
    content: IO[bytes], path: str, size: int, part_range: PartRange, origin: Origin, services: Services
) -> Tally:
    """Stage, register and queue every file of a part range; memory holds one chunk of files at a time.

    Args:
        content: The uploaded object, seekable and at its beginning.
        path: Its name, which goes no further than into digests.
        size: Its size in bytes.
    """
    with Threads(WORKERS) as pool:
        kind = upload_kind(content)
        tally = Tally(kind)
        found = upload_files(content, kind, path, size, services.limits, part_range)
        for chunk in _chunks(_bounded(found, part_range, tally, services.limits)):
            outcomes = list(pool.map(lambda file: _stage(file, origin, services), chunk))
            tally.new += _register([record for each in outcomes for record in each.records], services)
            for file, outcome in zip(chunk, outcomes, strict=True):
                tally.files += 1
                tally.skipped += not outcome.records
                tally.scans += len(outcome.records)
                tally.lines.append(listing.file_line(file, outcome, origin.pseudonyms))
    return tally


def _bounded(files: Iterator[File], part_range: PartRange, tally: Tally, limits: Limits) -> Iterator[File]:
    """The files of one part of a tar: up to its bounds, and the rest is noted; other uploads were split before."""
    behind: File | None = None
    for file in files:
        if behind is not None and behind.index != file.index and behind.after is not None:
            taken = (behind.index or 0) + 1 - part_range.first
            grown = behind.after - part_range.offset
            if taken >= limits.part_files or grown >= limits.part_bytes:
                tally.rest = PartRange(first=file.index or 0, offset=behind.after)
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


def _stage(file: File, origin: Origin, services: Services) -> FileOutcome:
    """Keep a file's bytes for analysis, or say why there will be none: before the table speaks of its scans."""
    of_patient = partial(naming.pseudonyms_of_patient, received_at=origin.received_at, services=services)
    outcome = file_outcome(file, origin, services.limits, of_patient)
    if outcome.queued:
        services.results.put(outcome.records[0].staged_key, file.data, "application/octet-stream")
    records = (
        record if record.outcome is Outcome.QUEUED else services.results.put_record(record, INTAKE)
        for record in outcome.records
    )
    return replace(outcome, records=tuple(records))


def _register(records: Sequence[ScanRecord], services: Services) -> Counter[Outcome]:
    """Register, then queue what waits: the new scans, and known ones whose message may have been lost.

    Returns:
        How many scans are new, by outcome.
    """
    new = services.table.scans.register(records)
    repeats = [record.scan_id for record, is_new in zip(records, new, strict=True) if not is_new]
    known = services.table.scans.get_many(repeats)
    current = [known.get(record.scan_id, record) for record in records]
    services.queue.send([record for record in current if record.outcome == Outcome.QUEUED])
    return Counter(record.outcome for record, is_new in zip(records, new, strict=True) if is_new)
