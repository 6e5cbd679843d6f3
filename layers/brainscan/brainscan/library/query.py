"""Scans of a deployed or local stack's table, by what was found in them, when they arrived or what they belong to."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from itertools import islice
from typing import Final

import boto3

from brainscan.domain import Outcome, ReviewState, ScanRecord, TumorClass
from brainscan.store import Page, Table
from brainscan.store.table.query import FIRST_PAGE, LARGEST_PAGE, all_pages
from brainscan.store.table.worklist import ScanFilter, days_between, worklist

TABLE_VARIABLE: Final = "BRAINSCAN_TABLE_NAME"

Group = Callable[[str, int, str | None], Page[ScanRecord]]
"""Asks for a page of scans that belong together, by what they belong to."""


def query(
    table: str | Table | None = None,
    *,
    finding: TumorClass | str | None = None,
    first: date | None = None,
    last: date | None = None,
    export: str | None = None,
    series: str | None = None,
    study: str | None = None,
    patient: str | None = None,
    outcome: Outcome | str | None = None,
    review: ReviewState | str | None = None,
    model: str | None = None,
    min_confidence: float = 0.0,
    limit: int = 0,
) -> Iterator[ScanRecord]:
    """Find scans in a stack's table, with the AWS credentials of this process. All that is given must hold.

    Args:
        table: The table's name; default: what `BRAINSCAN_TABLE_NAME` says.
        finding: The class that stands: a reader's, or the network's.
        first, last: UTC days of arrival, in any number; default: today, or any day of a group.
        export, series, study, patient: Scans of one group, by its pseudonymous id.
        outcome: What became of the scan.
        review: Where the scan stands with its readers.
        model: The model that answered, by its id.
        min_confidence: Confidence in the class that stands, 0 to 1.
        limit: Most records to give; 0 gives all.

    Returns:
        Records as they are found, however many there are.

    Raises:
        ValueError: no table is named, a value is none of its kind, or the days are too many.
        botocore.exceptions.ClientError: while records are taken, if the table cannot be read.

    Example:
        >>> import brainscan
        >>> brainscan.query("scans", finding="astrocytoma")
        Traceback (most recent call last):
        ...
        ValueError: 'astrocytoma' is not a valid TumorClass
    """
    until = last or first or datetime.now(UTC).date()
    wanted = ScanFilter(
        days=days_between(first or until, until),
        finding=TumorClass(finding) if finding else None,
        outcome=Outcome(outcome) if outcome else None,
        review=ReviewState(review) if review else None,
        model_id=model,
        min_confidence=min_confidence,
    )
    scans_table = table if isinstance(table, Table) else _opened(table)
    groups: tuple[tuple[str | None, Group], ...] = (
        (export, scans_table.queries.of_export),
        (series, scans_table.series.scans),
        (study, scans_table.queries.of_study),
        (patient, scans_table.queries.of_patient),
    )
    for group_id, ask in groups:
        if group_id:
            found = _of_group(ask, group_id, wanted, dated=first is not None or last is not None)
            return islice(found, limit or None)
    return islice(_day_by_day(scans_table, wanted, limit), limit or None)


def _day_by_day(scans_table: Table, wanted: ScanFilter, limit: int) -> Iterator[ScanRecord]:
    """Scans of each day before the next day is asked; the first page is small: somebody waits for the first rows."""
    days = wanted.days
    filled = scans_table.statistics.arrival_days(min(days), max(days)) if len(days) > 1 else days
    size = limit or FIRST_PAGE
    for day in (day for day in days if day in filled):
        yield from all_pages(partial(worklist, scans_table, wanted.model_copy(update={"days": (day,)})), size)
        size = limit or LARGEST_PAGE


def _opened(name: str | None) -> Table:
    chosen = name or os.environ.get(TABLE_VARIABLE)
    if not chosen:
        raise ValueError(f"name the table, or set {TABLE_VARIABLE}")
    return Table.over(boto3.client("dynamodb"), chosen)


def _of_group(ask: Group, group_id: str, wanted: ScanFilter, *, dated: bool) -> Iterator[ScanRecord]:
    """Scans that belong together, on any day unless days were asked for."""
    for record in all_pages(partial(ask, group_id)):
        on_days = wanted if dated else wanted.model_copy(update={"days": (record.day,)})
        if on_days.matches(record):
            yield record
