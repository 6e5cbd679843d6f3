"""What became of each file of an upload that is done: its listing, and the scans that it names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brainscan.domain import Outcome, ScanRecord
from brainscan.store.objects import Results, files_key
from brainscan.store.table import Table


@dataclass(frozen=True)
class FileResult:
    """What became of a file: analyzed where one of its scans is, else the outcome and reasons of its scans.

    `index` is its place in the upload, None where it is the upload, or where a DICOMDIR names it and it is not there;
    `inner`, its place in an archive at that place.
    """

    index: int | None
    inner: int | None
    outcome: Outcome
    reasons: tuple[str, ...] = ()


def file_results(
    export_id: str, table: Table, results: Results, first: int = 0, limit: int | None = None
) -> tuple[list[FileResult], int | None]:
    """Results of an export's files in the order in which they lie there.

    Args:
        first: How many to leave out.
        limit: How many to give at most; default: all.

    Returns:
        The results, and what `first` has to be for those that follow; None at the end.

    Raises:
        ObjectGoneError: the export has no listing, or not yet.
    """
    lines = listing_of(export_id, table, results).splitlines()
    behind = len(lines) if limit is None else min(len(lines), first + limit)
    wanted: list[dict[str, Any]] = [json.loads(line) for line in lines[first:behind]]
    scans = table.scans.get_many([scan_id for line in wanted for scan_id in line["scan_ids"]])
    return [_result(line, scans) for line in wanted], behind if behind < len(lines) else None


def listing_of(export_id: str, table: Table, results: Results) -> bytes:
    """The files of an export, a JSON line each: from the marker of its only part, if they are few, or its object.

    Raises:
        ObjectGoneError: the export has no listing, or not yet.
    """
    only = next(iter(table.exports.parts(export_id)), None)
    return only.listing.encode() if only and only.listing else results.get(files_key(export_id))


def aggregate_outcomes(outcomes: Sequence[tuple[Outcome, Sequence[str]]]) -> tuple[Outcome, tuple[str, ...]]:
    """What several outcomes with their reasons make of one file: analyzed if one is, else their reasons together."""
    if any(outcome is Outcome.ANALYZED for outcome, _ in outcomes):
        return Outcome.ANALYZED, ()
    return outcomes[0][0], tuple(dict.fromkeys(reason for _, reasons in outcomes for reason in reasons))


def _result(line: Mapping[str, Any], scans: Mapping[str, ScanRecord]) -> FileResult:
    records = [scans[scan_id] for scan_id in line["scan_ids"] if scan_id in scans]
    outcomes = [(record.outcome, tuple(map(str, record.reasons))) for record in records]
    outcome, reasons = aggregate_outcomes(outcomes or [(Outcome(line["outcome"]), line["reasons"])])
    return FileResult(line["index"], line["inner"], outcome, reasons)
