"""The table's item of each series' latest report: a higher revision replaces a lower one, never the reverse."""

from collections.abc import Sequence

from brainscan.domain import Report
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.items import report_item, report_of


class Reports:
    """What is known of reported series; their files are in the results bucket."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def latest(self, series_id: str) -> Report | None:
        """The report of a series, if it has one."""
        found = self._table.get(keys.report(series_id))
        return report_of(found) if found else None

    def latest_of(self, series_ids: Sequence[str]) -> dict[str, Report]:
        """The reports of those series that have one, by the series' id."""
        found = map(report_of, self._table.get_batch([keys.report(series_id) for series_id in series_ids]))
        return {report.series_id: report for report in found}

    def commit(self, report: Report) -> bool:
        """Make a report the latest of its series; False if one of a higher revision is, or this one is announced."""
        if self._put(report, "attribute_not_exists(pk) OR revision < :revision"):
            return True
        latest = self.latest(report.series_id)  # it may be this one, of a write whose answer was lost
        return latest is not None and latest.revision == report.revision and not latest.announced

    def mark_announced(self, report: Report) -> None:
        """Remember that a report's event was sent, unless a later report has taken its place."""
        self._put(report.model_copy(update={"announced": True}), "revision = :revision")

    def _put(self, report: Report, condition: str) -> bool:
        item = report_item(report, self._table.expires_at)
        return self._table.put(item, condition, {":revision": report.revision})
