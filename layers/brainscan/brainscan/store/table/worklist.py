"""The worklist: one question over days, answered from the narrowest index that fits."""

from datetime import date, timedelta
from functools import partial
from typing import Final

from pydantic import Field

from brainscan.domain import FrozenModel, Outcome, Probability, ReviewState, ScanRecord, TumorClass
from brainscan.store.table import Table
from brainscan.store.table.query import Page, concatenated, filtered

MOST_DAYS: Final = 36_525
"""Days of one question, a century: those on which nothing arrived cost nothing, and a typing error should say so."""


class ScanFilter(FrozenModel):
    """What to look for. All that is given must hold."""

    days: tuple[str, ...] = Field(min_length=1, max_length=MOST_DAYS, description="UTC days of arrival, in this order")
    finding: TumorClass | None = Field(
        default=None, description="the class that stands, a reader's before the network's"
    )
    outcome: Outcome | None = None
    review: ReviewState | None = None
    model_id: str | None = None
    min_confidence: Probability = Field(default=0.0, description="the network's confidence in the class that stands")

    second_reader: str | None = Field(default=None, description="who asks, and is not told of what they read first")

    def matches(self, record: ScanRecord) -> bool:
        """Whether a scan is one of those looked for."""
        return (
            record.day in self.days
            and (self.finding is None or record.finding is self.finding)
            and (self.outcome is None or record.outcome is self.outcome)
            and (
                self.review is None
                or (record.review_state is self.review and not record.read_first_by(self.second_reader))
            )
            and (self.model_id is None or record.model_id == self.model_id)
            and finding_confidence(record) >= self.min_confidence
        )


def finding_confidence(record: ScanRecord) -> float:
    """The network's confidence in the class that stands, or in its own; 0 without any."""
    if record.finding and record.probabilities:
        return record.probabilities[record.finding]
    return record.confidence or 0.0


def days_between(first: date, last: date) -> tuple[str, ...]:
    """UTC days from the last to the first, both included.

    Raises:
        ValueError: they are more than `MOST_DAYS`, or in the wrong order.
    """
    count = (last - first).days + 1
    if not 1 <= count <= MOST_DAYS:
        raise ValueError(f"ask for 1 to {MOST_DAYS} days, the first before the last")
    return tuple((last - timedelta(days=back)).isoformat() for back in range(count))


def worklist(table: Table, wanted: ScanFilter, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
    """The next scans that were asked for, day by day; a page may be shorter than `limit` and still have a cursor.

    Of several days only those are read on which scans arrived: an empty one would cost 8 to 40 read units.

    Raises:
        CursorError: the cursor is not one of this question's.
    """
    days = wanted.days
    filled = table.statistics.arrival_days(min(days), max(days)) if len(days) > 1 else days
    asks = [partial(_of_day, table, wanted, day) if day in filled else _nothing for day in days]
    return filtered(lambda size, inner: concatenated(asks, size, inner), wanted.matches, limit, cursor)


def _nothing(_limit: int, _cursor: str | None) -> Page[ScanRecord]:
    """The answer of a day on which nothing arrived."""
    return Page((), None)


def _of_day(table: Table, wanted: ScanFilter, day: str, limit: int, cursor: str | None) -> Page[ScanRecord]:
    if wanted.review is not None:
        return table.queries.by_review(wanted.review, day, limit, cursor)
    if wanted.finding is not None:
        return table.queries.by_finding(wanted.finding, day, wanted.min_confidence, limit, cursor)
    if wanted.model_id is not None:
        return table.queries.by_model(wanted.model_id, day, limit, cursor)
    if wanted.outcome is not None:
        return table.queries.by_outcome(wanted.outcome, day, limit, cursor)
    return table.queries.of_day(day, limit, cursor)
