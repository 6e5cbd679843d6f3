"""Scans by what they belong to: an export, a study, a patient; each answers from an index."""

from brainscan.domain import ScanRecord
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.items import scan_record
from brainscan.store.table.query import Page, Query, run, shards


class ScanQueries:
    """Scans page by page; none of these reads the whole table."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def of_export(self, export_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of an export, in the order of its files."""
        return self._scans(Query(keys.Index.EXPORT, shards(export_id, keys.EXPORT_SHARDS)), limit, cursor)

    def of_study(self, study_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a study, series by series."""
        return self._scans(Query(keys.Index.STUDY, [study_id]), limit, cursor)

    def of_patient(self, patient_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a patient, latest first."""
        return self._scans(Query(keys.Index.PATIENT, [patient_id], descending=True), limit, cursor)

    def _scans(self, query: Query, limit: int, cursor: str | None) -> Page[ScanRecord]:
        page = run(self._table, query, limit, cursor)
        wanted = [{name: item[name]["S"] for name in ("pk", "sk")} for item in page.items]
        found = {item["pk"]["S"]: item for item in self._table.get_batch(wanted)}
        return Page(tuple(scan_record(found[key["pk"]]) for key in wanted if key["pk"] in found), page.cursor)
