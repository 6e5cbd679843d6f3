"""Bundles in the bucket -> what the stack made of each of their files, by the paths that they have here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from brainscan.domain import Export, Outcome
from brainscan.store import Results, Table
from brainscan.store.file_results import aggregate_outcomes, file_results
from brainscan.store.table.query import all_pages
from brainscan.uploads.ledger import Bundle, BundleState, Ledger


@dataclass(frozen=True)
class PathResult:
    """What became of a file of this machine, and why."""

    path: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class BundleProgress:
    """How far a bundle is in the stack; `finished` of `scans` have their outcome."""

    bundle: Bundle
    scans: int = 0
    finished: int = 0
    done: bool = False


def progress_of(bundle: Bundle, ledger: Ledger, table: Table) -> BundleProgress:
    """How far a bundle is; one that intake has not seen yet has no scans."""
    export = _export_of(bundle, ledger, table)
    if export is None:
        return BundleProgress(bundle)
    finished = export.scans - export.counts.get(Outcome.QUEUED, 0)
    return BundleProgress(bundle, max(export.expected, export.scans), finished, export.done)


def path_results(bundle: Bundle, ledger: Ledger, table: Table, results: Results) -> Iterator[PathResult]:
    """Each file of a bundle that is done, with its outcome, in the order in which they lie there."""
    [known] = [each for each in ledger.bundles(BundleState.SENT) if each.bundle_id == bundle.bundle_id]
    if known.export_id is None:
        return
    found: dict[int | None, list[tuple[Outcome, Sequence[str]]]] = {}
    for result in file_results(known.export_id, table, results)[0]:
        found.setdefault(result.index, []).append((result.outcome, result.reasons))
    for place, path in ledger.paths(bundle.bundle_id).items():
        yield PathResult(path, *aggregate_outcomes(found.get(place, [(Outcome.SKIPPED, ())])))


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
    noticed = datetime.fromisoformat(bundle.sent_at or "")  # it may have been there for a while
    found = table.exports.by_token(bundle.bundle_id, noticed - timedelta(days=1))
    if found is not None:
        ledger.set_export(bundle, found.export_id)
    return found
