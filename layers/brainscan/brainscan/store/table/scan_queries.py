"""Every way to find scans by what they belong to or what was found in them; each answers from an index."""

from brainscan.domain import Outcome, ReviewState, ScanRecord, TumorClass
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.items import scan_record
from brainscan.store.table.query import Page, Query, run, shards

FINAL = tuple(outcome for outcome in Outcome if outcome is not Outcome.QUEUED)
"""Outcomes that the worklists know; queued scans are found through their export."""


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

    def by_finding(
        self,
        finding: TumorClass,
        day: str,
        min_confidence: float = 0.0,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[ScanRecord]:
        """The worklist: scans that arrived on a day and are called a class, by the network's confidence in that class.

        A reader's correction moves a scan to the corrected class; a rejection takes it out.
        """
        partitions = shards(keys.finding_day(finding, day), keys.DAY_SHARDS)
        since = keys.confidence_key(min_confidence)
        return self._scans(Query(keys.Index.FINDING, partitions, since, descending=True), limit, cursor)

    def by_outcome(self, outcome: Outcome, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans with a final outcome that arrived on a day, latest first."""
        partitions = shards(keys.outcome_day(outcome, day), keys.DAY_SHARDS)
        return self._scans(Query(keys.Index.OUTCOME, partitions, descending=True), limit, cursor)

    def of_day(self, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans with any final outcome that arrived on a day, latest first."""
        partitions = [pk for each in FINAL for pk in shards(keys.outcome_day(each, day), keys.DAY_SHARDS)]
        return self._scans(Query(keys.Index.OUTCOME, partitions, descending=True), limit, cursor)

    def by_review(self, state: ReviewState, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a day that stand so with their readers; the review queue is `NEEDED`, first come first."""
        partitions = shards(keys.review_day(state, day), keys.DAY_SHARDS)
        return self._scans(Query(keys.Index.REVIEW, partitions), limit, cursor)

    def by_model(self, model_id: str, day: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans that a model answered, of those that arrived on a day, latest first."""
        partitions = shards(keys.model_day(model_id, day), keys.DAY_SHARDS)
        return self._scans(Query(keys.Index.MODEL, partitions, descending=True), limit, cursor)

    def _scans(self, query: Query, limit: int, cursor: str | None) -> Page[ScanRecord]:
        page = run(self._table, query, limit, cursor)
        if query.index not in keys.KEYS_ONLY:
            return Page(tuple(map(scan_record, page.items)), page.cursor)
        wanted = [{name: item[name]["S"] for name in ("pk", "sk")} for item in page.items]
        found = {item["pk"]["S"]: item for item in self._table.get_batch(wanted)}
        return Page(tuple(scan_record(found[key["pk"]]) for key in wanted if key["pk"] in found), page.cursor)
