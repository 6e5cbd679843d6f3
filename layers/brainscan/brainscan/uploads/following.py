"""Bundles in the bucket -> what the stack made of each of their files, by the paths that they have here."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from brainscan.domain import Export, Outcome, ScanRecord
from brainscan.store import Results, Table
from brainscan.store.objects import files_key
from brainscan.store.table.query import all_pages
from brainscan.uploads.ledger import Bundle, BundleState, Ledger


@dataclass(frozen=True)
class FileResult:
    """What became of a file: the worst of its scans' outcomes, and why."""

    path: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a bundle is in the stack; `finished` of `scans` have their outcome."""

    bundle: Bundle
    scans: int = 0
    finished: int = 0
    done: bool = False


def progress_of(bundle: Bundle, ledger: Ledger, table: Table) -> Progress:
    """How far a bundle is; one that intake has not seen yet has no scans."""
    export = _export_of(bundle, ledger, table)
    if export is None:
        return Progress(bundle)
    finished = export.scans - export.counts.get(Outcome.QUEUED, 0)
    return Progress(bundle, max(export.expected, export.scans), finished, export.done)


def file_results(bundle: Bundle, ledger: Ledger, table: Table, results: Results) -> Iterator[FileResult]:
    """Each file of a bundle that is done, with its outcome, in the order in which they lie there."""
    [known] = [each for each in ledger.bundles(BundleState.SENT) if each.bundle_id == bundle.bundle_id]
    if known.export_id is None:
        return
    scans: dict[int, list[ScanRecord]] = {}
    export_id = known.export_id
    for record in all_pages(lambda size, cursor: table.queries.of_export(export_id, size, cursor)):
        scans.setdefault(record.source.entry_index or 0, []).append(record)
    skipped = {line["index"]: line["reasons"] for line in _listing(export_id, results) if not line["scan_ids"]}
    for place, path in ledger.paths(bundle.bundle_id).items():
        if place in scans:
            yield _result(path, scans[place])
        else:
            yield FileResult(path, Outcome.SKIPPED, tuple(skipped.get(place, ())))


def series_of(bundle: Bundle, table: Table) -> set[str]:
    """The series that scans of a bundle are of."""
    export_id = bundle.export_id
    if export_id is None:
        return set()
    records = all_pages(lambda size, cursor: table.queries.of_export(export_id, size, cursor))
    return {record.series_id for record in records if record.series_id}


def _export_of(bundle: Bundle, ledger: Ledger, table: Table) -> Export | None:
    if bundle.export_id is not None:
        return table.exports.get(bundle.export_id)
    sent = datetime.fromisoformat(bundle.sent_at or "").date()
    for day in (sent, sent + timedelta(days=1), sent - timedelta(days=1)):
        if found := _by_token(bundle.bundle_id, day, table):
            ledger.set_export(bundle, found.export_id)
            return table.exports.get(found.export_id)
    return None


def _by_token(token: str, day: date, table: Table) -> Export | None:
    exports = all_pages(lambda size, cursor: table.exports.of_day(day.isoformat(), size, cursor))
    return next((export for export in exports if export.token == token), None)


def _listing(export_id: str, results: Results) -> list[dict[str, Any]]:
    return [json.loads(line) for line in results.get(files_key(export_id)).splitlines()]


def _result(path: str, records: Sequence[ScanRecord]) -> FileResult:
    """One analyzed frame makes a file analyzed; else its frames' reasons together."""
    analyzed = next((record for record in records if record.outcome is Outcome.ANALYZED), None)
    if analyzed is not None:
        return FileResult(path, Outcome.ANALYZED)
    reasons = dict.fromkeys(str(reason) for record in records for reason in record.reasons)
    return FileResult(path, records[0].outcome, tuple(reasons))
