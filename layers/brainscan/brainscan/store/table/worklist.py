"""Lists of studies, of series and of scans: filtered, in several orders, page by page, and counted for every filter."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final, TypeVar

from brainscan.domain import ScanRecord, SeriesSummary, StudySummary
from brainscan.store.retry import Threads
from brainscan.store.table import keys
from brainscan.store.table.cells import Cell
from brainscan.store.table.client import BATCH_GET, PARALLEL, TableClient
from brainscan.store.table.cursors import FOREIGN, CursorError, packed, unpacked
from brainscan.store.table.items import Item, scan_record, series_summary_of, study_summary_of
from brainscan.store.table.query import Page, Query, merged
from brainscan.store.table.statistics import Statistics
from brainscan.store.table.worklist_filter import (
    FACTS,
    STATES,
    Listed,
    Sort,
    WorklistCounts,
    WorklistFilter,
    facts_of,
    values_of,
)
from brainscan.store.table.worklist_groups import INDEX, MOST_ASKED, Group, Place, groups_of

MOST_READ: Final = 1000
"""Items that a page reads at most for a filter that no index answers; it then is shorter, and has a cursor."""

MOST_COUNTED: Final = {Listed.STUDY: 2000, Listed.SERIES: 2000, Listed.SCAN: 1000}
"""Items that are read at most to count them, where no counter says how many there are."""

LOOKED_AT: Final = 4
"""Scans that are looked at for each of a class or a least confidence, where the index does not tell it."""

F = TypeVar("F", StudySummary, SeriesSummary, ScanRecord)


@dataclass(frozen=True)
class _Step:
    """A step of reading a list: an item at its place, or the beginning of a group that asks so many partitions."""

    place: Place
    item: Item | None = None
    asks: int = 0
    listed: bool = True
    """Whether the item has its place here, rather than in another group that shares the partition."""


class Worklist:
    """Studies, series and scans page by page; none of these reads the whole table."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def studies(self, wanted: WorklistFilter, limit: int = 50, cursor: str | None = None) -> Page[StudySummary]:
        """Studies that arrived on some days.

        Raises:
            CursorError: the cursor is not one of this question's.
        """
        return self._page(Listed.STUDY, study_summary_of, wanted, limit, cursor)

    def series(self, wanted: WorklistFilter, limit: int = 50, cursor: str | None = None) -> Page[SeriesSummary]:
        """Series that arrived on some days.

        Raises:
            CursorError: the cursor is not one of this question's.
        """
        return self._page(Listed.SERIES, series_summary_of, wanted, limit, cursor)

    def scans(self, wanted: WorklistFilter, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans with a final outcome that arrived on some days; those of an export arrived in the order of its files.

        Raises:
            CursorError: the cursor is not one of this question's.
            ValueError: by volume, which scans have none of.
        """
        return self._page(Listed.SCAN, scan_record, wanted, limit, cursor)

    def study_counts(self, wanted: WorklistFilter) -> WorklistCounts:
        """Studies by the values of each filter."""
        return self._counts(Listed.STUDY, wanted)

    def series_counts(self, wanted: WorklistFilter) -> WorklistCounts:
        """Series by the values of each filter."""
        return self._counts(Listed.SERIES, wanted)

    def scan_counts(self, wanted: WorklistFilter) -> WorklistCounts:
        """Scans by the values of each filter; of the day's counters, where they can say it."""
        return self._counts_of_days(wanted) if wanted.is_of_cells else self._counts(Listed.SCAN, wanted)

    def studies_of_patient(self, patient_id: str) -> list[StudySummary]:
        """All studies of a patient, the first to arrive first."""
        query = Query(keys.Index.PATIENT, [f"study#{patient_id}"])
        wanted = [_key(item) for _, item in merged(self._table, query, 100)]
        found = sorted(map(study_summary_of, self._table.get_batch(wanted)), key=lambda each: each.received_at)
        return [each for each in found if not each.withdrawn]

    def _page(
        self, kind: Listed, read_item: Callable[[Item], F], wanted: WorklistFilter, limit: int, cursor: str | None
    ) -> Page[F]:
        kept: list[F] = []
        last, read, asked, most_read = ("", ""), 0, 0, max(MOST_READ, limit)
        expected = min(most_read, (limit + 1) * (LOOKED_AT if kind is Listed.SCAN and _looks_at_each(wanted) else 1))
        for step in self._reading(kind, wanted, _after(cursor), expected):
            if step.item is None:
                if asked and asked + step.asks > MOST_ASKED:
                    return Page(tuple(kept), packed(list(step.place)))
                asked += step.asks
                continue
            listed = read_item(step.item)
            passes = step.listed and not wanted.unmet(listed)
            if len(kept) == limit and (passes or read >= most_read):
                return Page(tuple(kept), packed(list(last)))
            if passes:
                kept.append(listed)
            last, read = step.place, read + 1
            if read == most_read and len(kept) < limit:
                return Page(tuple(kept), packed(list(last)))
        return Page(tuple(kept), None)

    def _reading(
        self, kind: Listed, wanted: WorklistFilter, after: Place | None, expected: int, only: Sequence[str] = ()
    ) -> Iterator[_Step]:
        """The items of a list that lie after a place of it, in its order."""
        if wanted.export_id and kind is not Listed.SCAN:
            yield from self._summaries_of_export(kind, wanted, after)
            return
        for group in groups_of(kind, wanted, self._days(kind, wanted), after):
            yield _Step((group.name, group.start), asks=len(group.partitions))
            resumed = after[1] if after and group.name == after[0] else ""
            for sort_key, item in self._items(group, resumed, expected, only):
                yield _Step((group.name, sort_key), item, listed=group.lists(item))

    def _days(self, kind: Listed, wanted: WorklistFilter) -> Sequence[str]:
        """Those of the days on which something arrived, the latest first; all scans of an export arrived on one."""
        if wanted.first == wanted.last:
            return [wanted.first]
        if kind is Listed.SCAN and wanted.export_id and (export := self._table.get(keys.export(wanted.export_id))):
            day = export["received_at"]["S"][:10]
            return [day] if wanted.first <= day <= wanted.last else []
        return sorted(Statistics(self._table).arrival_days(wanted.first, wanted.last), reverse=True)

    def _items(self, group: Group, after: str, expected: int, only: Sequence[str]) -> Iterator[tuple[str, Item]]:
        """What a group lists after a sort key, each with its own."""
        begin = after if group.descending else max(after, group.least)
        keys_alone = group.index in keys.KEYS_ONLY
        query = Query(group.index, group.partitions, begin, group.descending, only=() if keys_alone else only)
        found = takewhile(lambda each: each[0] >= group.least, merged(self._table, query, expected))
        return self._whole(found, expected) if keys_alone else found

    def _whole(self, found: Iterator[tuple[str, Item]], expected: int) -> Iterator[tuple[str, Item]]:
        """Scans that an index holds the keys of, read from the table."""
        while some := list(islice(found, min(expected, BATCH_GET))):
            read = {item["pk"]["S"]: item for item in self._table.get_batch([_key(item) for _, item in some])}
            yield from ((place, read[key["pk"]["S"]]) for place, key in some if key["pk"]["S"] in read)

    def _summaries_of_export(self, kind: Listed, wanted: WorklistFilter, after: Place | None) -> Iterator[_Step]:
        """Series or studies of an export, which are read all and sorted here."""
        values = {":pk": keys.export(wanted.export_id or "")["pk"], ":kind": f"{kind.upper()}#"}
        sort_key = {Listed.STUDY: keys.META, Listed.SERIES: "SUMMARY"}[kind]
        links = self._table.query("pk = :pk AND begins_with(sk, :kind)", values)
        found = list(self._table.get_batch([{"pk": link["sk"]["S"], "sk": sort_key} for link in links]))
        index = INDEX[wanted.sort]
        placed = [
            (_rank(kind, wanted, item), item[f"{index}_sk"]["S"], item) for item in found if f"{index}_sk" in item
        ]
        for group, place, item in sorted(placed, key=lambda each: (-each[0], each[1]), reverse=True):
            if after is None or (-group, place) < (-_number(after[0]), after[1]):
                yield _Step((str(group), place), item)

    def _counts(self, kind: Listed, wanted: WorklistFilter) -> WorklistCounts:
        unordered = wanted.model_copy(
            update={"sort": Sort.ARRIVAL} | dict.fromkeys(("finding", "outcome", "review", "model_id"))
        )
        tally, most = _Tally(), MOST_COUNTED[kind]
        read = asked = 0
        for step in self._reading(kind, unordered, None, most, FACTS):
            asked += step.asks
            if asked > MOST_ASKED or read == most:
                return tally.counts(complete=False)
            read += step.item is not None
            if step.item is not None and step.listed:
                listed = facts_of(kind, step.item)
                tally.add(Cell.of(listed), wanted.unmet(listed))
        return tally.counts(complete=True)

    def _counts_of_days(self, wanted: WorklistFilter) -> WorklistCounts:
        days = self._days(Listed.SCAN, wanted)
        statistics, tally = Statistics(self._table), _Tally()
        with Threads(PARALLEL) as pool:
            found = list(pool.map(statistics.cells, days[:MOST_ASKED]))
        for cells in found:
            for cell, count in cells.items():
                tally.add(cell, wanted.unmet_of(cell), count)
        return tally.counts(complete=len(days) <= MOST_ASKED)


class _Tally:
    """How many there are for each value of a filter, among those that pass all other filters."""

    def __init__(self) -> None:
        self._total = 0
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, cell: Cell, unmet: frozenset[str], count: int = 1) -> None:
        self._total += 0 if unmet else count
        for name, value in values_of(cell):
            self._counts[name][value] += count if unmet <= {name} else 0

    def counts(self, *, complete: bool) -> WorklistCounts:
        return WorklistCounts(
            total=self._total,
            findings=+self._counts["finding"],
            outcomes=+self._counts["outcome"],
            reviews=+self._counts["review"],
            models=+self._counts["model_id"],
            readers=+self._counts["reader"],
            complete=complete,
        )


def _key(item: Item) -> dict[str, str]:
    return {name: item[name]["S"] for name in ("pk", "sk")}


def _rank(kind: Listed, wanted: WorklistFilter, item: Item) -> int:
    """The group of an item in a list by review state, as its number."""
    if wanted.sort is not Sort.REVIEW:
        return 0
    return STATES.index(facts_of(kind, item).review_state or keys.NOT_REVIEWED)


def _looks_at_each(wanted: WorklistFilter) -> bool:
    """Whether scans of a class or a least confidence are wanted, which the list's index does not tell."""
    if wanted.sort is Sort.PROBABILITY:
        return wanted.finding is not None and wanted.finding.is_tumor
    return wanted.finding is not None or wanted.min_confidence > 0


def _after(cursor: str | None) -> Place | None:
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
