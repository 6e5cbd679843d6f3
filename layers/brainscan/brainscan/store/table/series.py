"""Series in the table: how many slices are expected and how many remain, and the slices themselves."""

from brainscan.domain import ScanRecord, Series
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.items import series_of
from brainscan.store.table.query import all_pages
from brainscan.store.table.scan_queries import ScanQueries
from brainscan.store.table.scans import current_scans


class SeriesItems:
    """What is known of series."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def get(self, series_id: str) -> Series | None:
        """A series with its live counts."""
        pk, sk = keys.series(series_id)
        found = self._table.get({"pk": pk, "sk": sk})
        return series_of(found) if found else None

    def slices(self, series: Series) -> list[ScanRecord] | None:
        """All scans of a series as they are now; None while the index does not show every one of them yet."""
        queries = ScanQueries(self._table)
        pages = all_pages(lambda size, cursor: queries.of_series(series.series_id, size, cursor))
        found = [record.scan_id for record in pages]
        current = current_scans(self._table, found)
        slices = [current[scan_id] for scan_id in found if scan_id in current and not current[scan_id].superseded]
        return slices if len(slices) == series.expected else None
