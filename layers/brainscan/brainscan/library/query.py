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
from brainscan.store.table.query import FIRST_PAGE, all_pages
from brainscan.store.table.worklist_filter import ScanSort, Sort, WorklistFilter, days_between

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
    reader: str | None = None,
    min_confidence: float = 0.0,
    sort: ScanSort | str | None = None,
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
        reader: Whose verdict is the latest.
        min_confidence: Confidence in the class that stands, 0 to 1.
        sort: What comes first: the latest (`arrival`), likely tumors (`probability`), what needs review (`review`);
            default: the latest, and of a group its own order, of an export with scans that are still queued.
        limit: Most records to give; 0 gives all.

    Returns:
        Records as they are found, however many there are.

    Raises:
        ValueError: no table is named, a value is none of its kind, the days are too many, or a series, a study or a
            patient is to be sorted.
        botocore.exceptions.ClientError: while records are taken, if the table cannot be read.

    Example:
        >>> import brainscan
        >>> brainscan.query("scans", finding="astrocytoma")
        Traceback (most recent call last):
        ...
        ValueError: 'astrocytoma' is not a valid TumorClass
    """
    dated = first is not None or last is not None
    until = last or first or datetime.now(UTC).date()
    since = first or until
    if (export or series or study or patient) and not dated:
        since, until = date.min, date.max
    else:
        days_between(since, until)  # or says that a typing error is one
    if sort and (series or study or patient):
        raise ValueError("scans of a series, a study or a patient have an order of their own")
    wanted = WorklistFilter(
        first=since.isoformat(),
        last=until.isoformat(),
        finding=TumorClass(finding) if finding else None,
        outcome=Outcome(outcome) if outcome else None,
        review=ReviewState(review) if review else None,
        model_id=model,
        export_id=export,
        reader=reader,
        min_confidence=min_confidence,
        sort=Sort(ScanSort(sort)) if sort else Sort.ARRIVAL,
    )
    scans_table = table if isinstance(table, Table) else _opened(table)
    groups: tuple[tuple[str | None, Group], ...] = (
        (None if sort else export, scans_table.queries.of_export),
        (series, scans_table.series.scans),
        (study, scans_table.queries.of_study),
        (patient, scans_table.queries.of_patient),
    )
    for group_id, ask in groups:
        if group_id:
            found = all_pages(partial(ask, group_id))
            return islice((record for record in found if not wanted.unmet(record)), limit or None)
    found = all_pages(partial(scans_table.worklist.scans, wanted), limit or FIRST_PAGE)
    return islice(found, limit or None)


def _opened(name: str | None) -> Table:
    chosen = name or os.environ.get(TABLE_VARIABLE)
    if not chosen:
        raise ValueError(f"name the table, or set {TABLE_VARIABLE}")
    return Table.over(boto3.client("dynamodb"), chosen)
