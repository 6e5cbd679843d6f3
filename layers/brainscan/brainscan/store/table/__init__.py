"""The single table, put together from its parts: one for each family of questions."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from brainscan.store.table.chosen_pseudonyms import ChosenPseudonyms
from brainscan.store.table.client import TableClient
from brainscan.store.table.counts import Counts, ScanChange
from brainscan.store.table.erasing import Erasing
from brainscan.store.table.exports import Exports
from brainscan.store.table.models import Models
from brainscan.store.table.reports import Reports
from brainscan.store.table.retention import Retention
from brainscan.store.table.runs import Runs
from brainscan.store.table.scan_queries import ScanQueries
from brainscan.store.table.scans import Scans
from brainscan.store.table.series import SeriesItems
from brainscan.store.table.statistics import Statistics
from brainscan.store.table.summaries import Summaries
from brainscan.store.table.versions import Versions
from brainscan.store.table.worklist import Worklist

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

__all__ = [
    "ChosenPseudonyms",
    "Counts",
    "Erasing",
    "Exports",
    "Models",
    "Reports",
    "Retention",
    "Runs",
    "ScanChange",
    "ScanQueries",
    "Scans",
    "SeriesItems",
    "Statistics",
    "Summaries",
    "Table",
    "Versions",
    "Worklist",
]


@dataclass(frozen=True)
class Table:
    """All that may be asked of the table, and written to it."""

    scans: Scans
    queries: ScanQueries
    exports: Exports
    series: SeriesItems
    statistics: Statistics
    counts: Counts
    versions: Versions
    reports: Reports
    summaries: Summaries
    worklist: Worklist
    models: Models
    runs: Runs
    retention: Retention
    erasing: Erasing
    pseudonyms: ChosenPseudonyms

    @classmethod
    def over(cls, client: "DynamoDBClient", name: str, retention_days: int = 0) -> "Table":
        """The table of that name."""
        table = TableClient(client, name, retention_days)
        return cls(
            scans=Scans(table),
            queries=ScanQueries(table),
            exports=Exports(table),
            series=SeriesItems(table),
            statistics=Statistics(table),
            counts=Counts(table),
            versions=Versions(table),
            reports=Reports(table),
            summaries=Summaries(table),
            worklist=Worklist(table),
            models=Models(table),
            runs=Runs(table),
            retention=Retention(table),
            erasing=Erasing(table),
            pseudonyms=ChosenPseudonyms(table),
        )
