"""Lists of series and of studies: filtered, in four orders, page by page, and counted for every filter."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Final, TypeVar

from pydantic import Field

from brainscan.domain import FrozenModel, ReviewState, SeriesSummary, StudySummary, Summary, TumorClass
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.cursors import FOREIGN, CursorError, packed, unpacked
from brainscan.store.table.items import Item, from_item, series_summary_of, study_summary_of
from brainscan.store.table.query import Page, Query, merged
from brainscan.store.table.statistics import Statistics

S = TypeVar("S", SeriesSummary, StudySummary)

DAYS_AT_ONCE: Final = 16
"""Days that are asked together where a list goes back day by day."""

MOST_READ: Final = 1000
"""Items that a page reads at most for a filter that no index answers; it then is shorter, and has a cursor."""

MOST_COUNTED: Final = 20_000
"""Items that are counted at most."""

REVIEWED: Final = (ReviewState.CONFIRMED, ReviewState.CORRECTED, ReviewState.REJECTED)
STATES: Final = (ReviewState.NEEDED, ReviewState.SECOND, ReviewState.DISPUTED, keys.NOT_REVIEWED, *REVIEWED)
"""In the order of a list by review state."""
OF_TWO_READERS: Final = frozenset({ReviewState.SECOND, ReviewState.DISPUTED})
"""States that nothing has where one reads each case: their partitions are not asked for."""


class Sort(StrEnum):
    """The order of a list."""

    ARRIVAL = "arrival"
    PROBABILITY = "probability"
    VOLUME = "volume"
    REVIEW = "review"


_INDEX: Final = {
    Sort.ARRIVAL: keys.Index.OUTCOME,
    Sort.PROBABILITY: keys.Index.FINDING,
    Sort.VOLUME: keys.Index.VOLUME,
    Sort.REVIEW: keys.Index.REVIEW,
}


class SummaryFilter(FrozenModel):
    """Which series or studies to list, and how. All that is given must hold."""

    first: str = Field(description="first UTC day of arrival")
    last: str = Field(description="last UTC day of arrival")
    finding: TumorClass | None = Field(default=None, description="the class that stands")
    review: ReviewState | None = None
    model_id: str | None = None
    export_id: str | None = None
    reader: str | None = Field(default=None, description="whose verdict is the latest")
    sort: Sort = Sort.ARRIVAL
    second_reader: str | None = Field(default=None, description="who asks, and is not told of what they read first")

    def unmet(self, summary: Summary) -> frozenset[str]:
        """The filters that a series or study does not pass, by name."""
        review, mine = summary.decisive_review, summary.read_first_by(self.second_reader)
        passed = {
            "days": self.first <= summary.day <= self.last,
            "finding": self.finding is None or summary.finding is self.finding,
            "review": self.review is None or (summary.review_state is self.review and not mine),
            "model_id": self.model_id is None or summary.model_id == self.model_id,
            "export_id": self.export_id is None or self.export_id in summary.export_ids,
            "reader": self.reader is None or (review is not None and review.reader == self.reader),
        }
        return frozenset(name for name, holds in passed.items() if not holds)


class SummaryCounts(FrozenModel):
    """How many there are for each value of a filter, among those that pass all other filters."""

    total: int = Field(description="that pass all filters")
    findings: dict[str, int] = Field(description="by the class that stands; `none` without one")
    reviews: dict[str, int] = Field(description="by review state; `none` where nobody looked and nobody needs to")
    models: dict[str, int]
    readers: dict[str, int]
    complete: bool = Field(description="false where there are more than were counted")


@dataclass(frozen=True)
class _Group:
    """Partitions that are merged; lists go through groups one after the other."""

    name: str
    index: keys.Index
    partitions: Sequence[str]


class SummaryQueries:
    """Series and studies page by page; none of these reads the whole table."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def studies(self, wanted: SummaryFilter, limit: int = 50, cursor: str | None = None) -> Page[StudySummary]:
        """Studies that arrived on some days.

        Raises:
            CursorError: the cursor is not one of this question's.
        """
        page = self._page("study", wanted, limit, cursor)
        return Page(tuple(map(study_summary_of, page.items)), page.cursor)

    def series(self, wanted: SummaryFilter, limit: int = 50, cursor: str | None = None) -> Page[SeriesSummary]:
        """Series that arrived on some days.

        Raises:
            CursorError: the cursor is not one of this question's.
        """
        page = self._page("series", wanted, limit, cursor)
        return Page(tuple(map(series_summary_of, page.items)), page.cursor)

    def study_counts(self, wanted: SummaryFilter) -> SummaryCounts:
        """Studies by the values of each filter."""
        return self._counts("study", wanted)

    def series_counts(self, wanted: SummaryFilter) -> SummaryCounts:
        """Series by the values of each filter."""
        return self._counts("series", wanted)

    def studies_of_patient(self, patient_id: str) -> list[StudySummary]:
        """All studies of a patient, the first to arrive first."""
        query = Query(keys.Index.PATIENT, [f"study#{patient_id}"])
        wanted = [{"pk": item["pk"]["S"], "sk": item["sk"]["S"]} for _, item in merged(self._table, query, 100)]
        found = sorted(map(study_summary_of, self._table.get_batch(wanted)), key=lambda each: each.received_at)
        return [each for each in found if not each.withdrawn]

    def _page(self, kind: str, wanted: SummaryFilter, limit: int, cursor: str | None) -> Page[Item]:
        after = _after(cursor)
        kept: list[Item] = []
        last: tuple[str, str] = ("", "")
        reading = (
            self._of_export(kind, wanted, after) if wanted.export_id else self._of_days(kind, wanted, after, limit + 1)
        )
        for read, (group, sort_key, item) in enumerate(reading):
            passes = not wanted.unmet(_facts(item))
            if len(kept) == limit and (passes or read >= MOST_READ):
                return Page(tuple(kept), packed(list(last)))
            if passes:
                kept.append(item)
            last = (group, sort_key)
            if read + 1 == MOST_READ and len(kept) < limit:
                return Page(tuple(kept), packed(list(last)))
        return Page(tuple(kept), None)

    def _of_days(
        self, kind: str, wanted: SummaryFilter, after: tuple[str, str] | None, limit: int, only: Sequence[str] = ()
    ) -> Iterator[tuple[str, str, Item]]:
        """Items after a place of the list, each with its group and sort key."""
        days = sorted(Statistics(self._table).arrival_days(wanted.first, wanted.last), reverse=True)
        for group in _from(after, list(_groups(kind, wanted, days, after))):
            below = after[1] if after and group.name == after[0] else None
            query = Query(group.index, group.partitions, descending=True, below=below, only=only)
            for sort_key, item in merged(self._table, query, limit):
                yield group.name, sort_key, item

    def _of_export(
        self, kind: str, wanted: SummaryFilter, after: tuple[str, str] | None
    ) -> Iterator[tuple[str, str, Item]]:
        """The same of an export, whose series and studies are read all and sorted here."""
        values = {":pk": keys.export(wanted.export_id or "")["pk"], ":kind": f"{kind.upper()}#"}
        sort_key = {"study": keys.META, "series": "SUMMARY"}[kind]
        links = self._table.query("pk = :pk AND begins_with(sk, :kind)", values)
        found = list(self._table.get_batch([{"pk": link["sk"]["S"], "sk": sort_key} for link in links]))
        index = _INDEX[wanted.sort]
        placed = [(_rank(wanted, item), item[f"{index}_sk"]["S"], item) for item in found if f"{index}_sk" in item]
        for group, place, item in sorted(placed, key=lambda each: (-int(each[0]), each[1]), reverse=True):
            if after is None or (-int(group), place) < (-_number(after[0]), after[1]):
                yield group, place, item

    def _counts(self, kind: str, wanted: SummaryFilter) -> SummaryCounts:
        unordered = wanted.model_copy(update={"sort": Sort.ARRIVAL, "review": None, "reader": None, "model_id": None})
        reading = (
            self._of_export(kind, unordered, None)
            if wanted.export_id
            else self._of_days(kind, unordered, None, MOST_COUNTED, _FACTS)
        )
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        total = read = 0
        for read, (_, _, item) in enumerate(islice(reading, MOST_COUNTED), start=1):  # noqa: B007 - the last one counts
            summary = _facts(item)
            unmet = wanted.unmet(summary)
            total += not unmet
            for name, value in _values(summary):
                counts[name][value] += unmet <= {name}
        return SummaryCounts(
            total=total,
            findings=+counts["finding"],
            reviews=+counts["review"],
            models=+counts["model_id"],
            readers=+counts["reader"],
            complete=read < MOST_COUNTED,
        )


def _groups(kind: str, wanted: SummaryFilter, days: Sequence[str], after: tuple[str, str] | None) -> Iterator[_Group]:
    """Where a list is read, in its order; by arrival, from the narrowest index that fits."""
    if wanted.sort is Sort.REVIEW:
        for state in STATES:
            usual = wanted.second_reader is not None or state not in OF_TWO_READERS
            if days and (wanted.review == state or (wanted.review is None and usual)):
                partitions = [keys.summary_partition(kind, day, state) for day in days]
                yield _Group(state, keys.Index.REVIEW, partitions)
    elif wanted.sort is not Sort.ARRIVAL:
        if days:
            yield _Group("", _INDEX[wanted.sort], [keys.summary_partition(kind, day) for day in days])
    else:
        left = [day for day in days if after is None or day <= after[1][:10]]
        index, values = _narrowest(wanted)
        for start in range(0, len(left), DAYS_AT_ONCE):
            some = left[start : start + DAYS_AT_ONCE]
            yield _Group("", index, [keys.summary_partition(kind, day, value) for day in some for value in values])


def _from(after: tuple[str, str] | None, groups: Sequence[_Group]) -> Sequence[_Group]:
    """The groups from the one on that a cursor is in."""
    names = [group.name for group in groups]
    if after is None or not groups:
        return groups
    if after[0] not in names:
        raise CursorError(FOREIGN)
    return groups[names.index(after[0]) :]


def _narrowest(wanted: SummaryFilter) -> tuple[keys.Index, Sequence[str]]:
    """The index that a list by arrival is read from, and the values of its partitions."""
    if wanted.review:
        return keys.Index.REVIEW, [wanted.review]
    if wanted.reader:
        return keys.Index.REVIEW, REVIEWED
    if wanted.model_id:
        return keys.Index.MODEL, [wanted.model_id]
    return keys.Index.OUTCOME, [""]


_FACTS: Final = (
    "received_at",
    "outcome",
    "predicted",
    "needs_review",
    "review",
    "others",
    "readers_required",
    "reviewed_class",
    "model_id",
    "export_ids",
)
"""What filters look at."""


def _facts(item: Mapping[str, object]) -> Summary:
    """A series or study as far as filters look at it."""
    return Summary.model_validate(from_item({name: item[name] for name in _FACTS if name in item}))


def _values(summary: Summary) -> Iterator[tuple[str, str]]:
    """The values that a series or study has for each filter."""
    yield "finding", summary.finding or "none"
    yield "review", summary.review_state or keys.NOT_REVIEWED
    if summary.model_id:
        yield "model_id", summary.model_id
    if review := summary.decisive_review:
        yield "reader", review.reader


def _rank(wanted: SummaryFilter, item: Item) -> str:
    """The group of an item in a list by review state, as its number."""
    if wanted.sort is not Sort.REVIEW:
        return "0"
    return str(STATES.index(_facts(item).review_state or keys.NOT_REVIEWED))


def _after(cursor: str | None) -> tuple[str, str] | None:
    """The place that a cursor stands for."""
    if cursor is None:
        return None
    position = unpacked(cursor)
    if len(position) != 2 or not all(isinstance(each, str) and len(each) <= 128 for each in position):
        raise CursorError(FOREIGN)
    return position[0], position[1]


def _number(group: str) -> int:
    if not group.isdecimal():
        raise CursorError(FOREIGN)
    return int(group)
