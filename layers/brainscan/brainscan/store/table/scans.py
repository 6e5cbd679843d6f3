"""Scans in the table: registering, committing, superseding and reviewing them, each once."""

from collections.abc import Sequence

from brainscan.domain import (
    ANSWERED,
    ONE_READER,
    BrainscanError,
    Opinion,
    Outcome,
    Reason,
    Review,
    ReviewRules,
    ScanRecord,
    TumorClass,
    Verdict,
)
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient, Write
from brainscan.store.table.exports import Exports
from brainscan.store.table.items import Item, review_item, review_of, scan_item, scan_record
from brainscan.store.table.query import all_pages
from brainscan.store.table.scan_queries import ScanQueries
from brainscan.store.table.statistics import Statistics
from brainscan.store.table.versions import forget_superseded_uploads, make_latest_uploads


class ReviewConflictError(BrainscanError):
    """The scan is not as the reader saw it: somebody else reviewed it, or a newer version replaced it."""


class NotReviewableError(BrainscanError):
    """There is nothing in this scan to review: it has no finding, or none to confirm."""


def current_scans(table: TableClient, scan_ids: Sequence[str]) -> dict[str, ScanRecord]:
    """Those of the scans that exist, as they are now, by id."""
    found = table.get_batch([keys.scan(scan_id) for scan_id in dict.fromkeys(scan_ids)])
    return {record.scan_id: record for record in map(scan_record, found)}


class Scans:
    """The scans of the single table."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._marked_days: set[str] = set()

    def get(self, scan_id: str) -> ScanRecord | None:
        """Scan by id."""
        found = self._table.get(keys.scan(scan_id))
        return scan_record(found) if found else None

    def get_many(self, scan_ids: Sequence[str]) -> dict[str, ScanRecord]:
        """Those of the scans that exist, by id."""
        return current_scans(self._table, scan_ids)

    def history(self, scan_id: str) -> list[Review]:
        """All reviews of a scan, the first one first."""
        values = {":pk": keys.scan(scan_id)["pk"], ":reviews": keys.REVIEWS}
        return list(map(review_of, self._table.query("pk = :pk AND begins_with(sk, :reviews)", values)))

    def register(self, records: Sequence[ScanRecord]) -> list[bool]:
        """Write scans that are new; a scan that is known stays as it is.

        An instance of a series that was uploaded before is in the series once: its latest upload is, the others are
        superseded.

        Returns:
            For each record whether it was new.
        """
        self._mark_days({record.day for record in records})  # first: no scan is ever on a day without its marker
        new = self._table.put_all([Write(self._item(record), "attribute_not_exists(pk)") for record in records])
        latest = make_latest_uploads(self._table, records)
        self._supersede(latest.superseded)
        forget_superseded_uploads(self._table, latest)
        return new

    def commit(self, records: Sequence[ScanRecord], before: Sequence[Outcome]) -> list[bool]:
        """Give scans their final outcome, each by itself and once.

        Args:
            records: Final records, one a scan.
            before: The outcome that each scan had when it was read; a scan that changed since is left alone.

        Returns:
            For each record whether it was written; False is a repeat, which changes nothing, or an answer that was
            lost after the write.
        """
        pairs = zip(records, before, strict=True)
        return self._table.put_all([self._replacement(record, was, 0) for record, was in pairs])

    def exchange(self, before: ScanRecord, after: ScanRecord) -> bool:
        """Put another model's answer to a scan in the place of the one that stands, unless the scan changed since."""
        write = self._replacement(after, before.outcome, before.revision)
        condition = f"{write.condition} AND model_id = :model"
        return self._table.put(write.item, condition, {**write.values, ":model": before.model_id})

    def supersede(self, export_id: str) -> int:
        """Take an older version's scans out of the worklists; those not yet analyzed will not be.

        Returns:
            How many scans this call changed.
        """
        Exports(self._table).mark_superseded(export_id)
        queries = ScanQueries(self._table)
        records = all_pages(lambda size, cursor: queries.of_export(export_id, size, cursor))
        return self._supersede([record.scan_id for record in records])

    def _supersede(self, scan_ids: Sequence[str]) -> int:
        changed = 0
        while scan_ids:
            current = [record for record in self.get_many(scan_ids).values() if not record.superseded]
            held = self._table.put_all(
                [self._replacement(_superseded(each), each.outcome, each.revision) for each in current]
            )
            changed += sum(held)
            # What was analyzed or reviewed in between is read again and superseded as it is now.
            scan_ids = [record.scan_id for record, done in zip(current, held, strict=True) if not done]
        return changed

    def review(
        self,
        scan_id: str,
        seen_revision: int,
        opinion: Opinion,
        rules: ReviewRules = ONE_READER,
    ) -> ScanRecord | None:
        """Add a reader's verdict to a scan's history, and see what all verdicts come to.

        Args:
            scan_id: The scan.
            seen_revision: `revision` of the record that the reader looked at.
            opinion: What the reader says, under a name from a source that the reader cannot choose. Who judges again
                without drawing keeps the mask drawn before, if the class is still the same.
            rules: How many read each case, and whether this reader is an adjudicator.

        Returns:
            The scan as it is now; None if there is no such scan.

        Raises:
            ReviewConflictError: the scan has changed since `seen_revision`.
            NotReviewableError: the scan has no finding, or none to confirm.
            AdjudicatorNeededError, NothingToWithdrawError: see `Reviewed.adjudicates`.
        """
        before = self.get(scan_id)
        if before is None:
            return None
        review = Review.of(opinion, seen_revision, adjudicates=admit(before, seen_revision, opinion, rules))
        if review.drawn_key is None and not review.is_withdrawn:
            review = _with_mask_of(before.review_by(review.reader), review, before.predicted)
        open_again = review.is_withdrawn and bool(before.review_reasons)
        after = before.model_copy(update=before.with_review(review, rules) | {"needs_review": open_again})
        write = self._replacement(after, before.outcome, before.revision)
        if not self._table.put_together(write, review_item(scan_id, review, self._table.expires_at)):
            raise ReviewConflictError("the scan has just been reviewed by someone else; read it again")
        return after

    def _mark_days(self, days: set[str]) -> None:
        """Mark days that this process has not marked yet."""
        for day in sorted(days - self._marked_days):
            Statistics(self._table).mark_arrival(day)
            self._marked_days.add(day)

    def _replacement(self, record: ScanRecord, was: Outcome, revision: int) -> Write:
        """Write a scan anew, unless it changed since it was read."""
        condition = "outcome = :was AND superseded = :no AND revision = :revision"
        return Write(self._item(record), condition, {":was": was, ":no": False, ":revision": revision})

    def _item(self, record: ScanRecord) -> Item:
        return scan_item(record, self._table.expires_at)


def admit(seen: ScanRecord, seen_revision: int, opinion: Opinion, rules: ReviewRules) -> bool:
    """Refuse a verdict that a scan, as it is now, cannot take.

    Returns:
        Whether it decides between two readers.

    Raises:
        ReviewConflictError: the scan has changed since `seen_revision`.
        NotReviewableError: the scan has no finding, or none to confirm.
        AdjudicatorNeededError, NothingToWithdrawError: see `Reviewed.adjudicates`.
    """
    if seen.superseded or seen.revision != seen_revision:
        raise ReviewConflictError("the scan has changed since it was read; read it again before reviewing")
    if seen.outcome not in ANSWERED or (opinion.verdict is Verdict.CONFIRMED and seen.predicted is None):
        raise NotReviewableError("the scan has no finding that this verdict could be about")
    return seen.adjudicates(opinion, rules)


def _with_mask_of(before: Review | None, review: Review, predicted: TumorClass | None) -> Review:
    """The review with the mask of the same reader's verdict before, if that named the same class."""
    if before is None or before.named_class(predicted) is not review.named_class(predicted):
        return review
    return review.model_copy(update={"drawn_key": before.drawn_key, "dice": before.dice})


def _superseded(record: ScanRecord) -> ScanRecord:
    changes: dict[str, object] = {"superseded": True}
    if record.outcome == Outcome.QUEUED:
        changes |= {"outcome": Outcome.SKIPPED, "reasons": (Reason.SUPERSEDED,)}
    return record.model_copy(update=changes)
