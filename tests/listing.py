"""Scans of a day as the worklist has them, for tests that are about something else."""

from typing import Any

from brainscan.domain import ScanRecord
from brainscan.store import Table
from brainscan.store.table.worklist_filter import WorklistFilter


def listed_scans(table: Table, day: str, **wanted: Any) -> tuple[ScanRecord, ...]:
    """At most 500 scans of a day that pass some filters, in the order of the list."""
    return table.worklist.scans(WorklistFilter(first=day, last=day, **wanted), 500).items
