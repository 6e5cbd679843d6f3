"""Where a list is read, in its order: groups of partitions, one after the other, each merged by its sort key."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from brainscan.domain import ANSWERED, Outcome, ReviewState
from brainscan.store.table import keys
from brainscan.store.table.cells import REVIEWED
from brainscan.store.table.cursors import FOREIGN, CursorError
from brainscan.store.table.items import Item
from brainscan.store.table.query import PARALLEL, shards
from brainscan.store.table.worklist_filter import STATES, Listed, Sort, WorklistFilter

FINAL: Final = tuple(outcome for outcome in Outcome if outcome is not Outcome.QUEUED)
"""Outcomes that lists know; queued scans are found through their export."""

WEEKS_MERGED: Final = 10
"""Weeks whose scans a list by probability merges."""

MOST_ASKED: Final = WEEKS_MERGED * keys.SHARDS
"""Partitions that a page asks at most, each at half a read unit or more: of scans, those of all outcomes of two months.

A count asks as many, or the counters of as many days."""

OF_TWO_READERS: Final = frozenset({ReviewState.SECOND, ReviewState.DISPUTED})
"""States that nothing has where one reads each case: their partitions are not asked for."""

INDEX: Final = {
    Sort.ARRIVAL: keys.Index.OUTCOME,
    Sort.PROBABILITY: keys.Index.FINDING,
    Sort.VOLUME: keys.Index.VOLUME,
    Sort.REVIEW: keys.Index.REVIEW,
}

Place = tuple[str, str]
"""A place of a list: a group's name and a sort key in it."""

LAST: Final = "~"
"""Sorts behind every sort key."""


@dataclass(frozen=True)
class Group:
    """Partitions that are merged; groups of one name go on where the one before ends."""

    name: str
    index: keys.Index
    partitions: Sequence[str]
    start: str = LAST
    """Where its items begin, in its direction."""
    descending: bool = True
    least: str = ""
    """Nothing below this is listed."""
    lists: Callable[[Item], bool] = lambda _: True
    """Whether it lists an item of its partitions; others have their place in another group."""


def groups_of(kind: Listed, wanted: WorklistFilter, days: Sequence[str], after: Place | None) -> Iterator[Group]:
    """The groups of a list from a place of it on.

    Args:
        kind: What is listed.
        wanted: Filters and order.
        days: Those on which something arrived, the latest first.
        after: Where the page before ended.

    Raises:
        CursorError: the list has no such place.
    """
    groups = _all_groups(kind, wanted, days, after)
    if after is None or not days:
        yield from groups
        return
    reached = False
    for group in groups:
        reached = reached or group.name == after[0]
        if reached:
            yield group
    if not reached:
        raise CursorError(FOREIGN)


def _all_groups(kind: Listed, wanted: WorklistFilter, days: Sequence[str], after: Place | None) -> Iterator[Group]:
    if wanted.sort is Sort.ARRIVAL:
        if kind is Listed.SCAN and wanted.export_id:
            partitions = shards(wanted.export_id, keys.EXPORT_SHARDS)
            yield Group("", keys.Index.EXPORT, partitions, "", descending=False, lists=_is_in(keys.Index.OUTCOME))
        else:
            yield from _by_arrival(kind, "", *_narrowest(kind, wanted), days, after)
    elif wanted.sort is Sort.REVIEW:
        yield from _by_review(kind, wanted, days, after)
    elif kind is not Listed.SCAN:
        index = INDEX[wanted.sort]
        yield Group("", index, [keys.summary_partition(kind, day) for day in days])
    elif wanted.sort is Sort.PROBABILITY:
        yield from _scans_by_probability(wanted, days, after)
    else:
        raise ValueError("scans have no volume to be ordered by")


def _narrowest(kind: Listed, wanted: WorklistFilter) -> tuple[keys.Index, Sequence[str]]:
    """The index that a list by arrival is read from, and the values of its partitions."""
    if wanted.review:
        return keys.Index.REVIEW, [wanted.review]
    if wanted.reader:
        return keys.Index.REVIEW, REVIEWED
    if wanted.model_id:
        return keys.Index.MODEL, [wanted.model_id]
    return keys.Index.OUTCOME, _outcomes(wanted) if kind is Listed.SCAN else [""]


def _outcomes(wanted: WorklistFilter) -> Sequence[Outcome]:
    """Of scans that pass the filters: what has a class or a confidence was answered."""
    answered = wanted.finding is not None or wanted.min_confidence > 0
    possible = [each for each in FINAL if each in ANSWERED] if answered else FINAL
    return [each for each in possible if wanted.outcome in (None, each)]


def _by_arrival(
    kind: Listed,
    name: str,
    index: keys.Index,
    values: Sequence[str],
    days: Sequence[str],
    after: Place | None,
    lists: Callable[[Item], bool] = lambda _: True,
) -> Iterator[Group]:
    """The latest days first: of scans a month, of studies and series as many days as are asked at once."""
    if not values:
        return
    left = [day for day in days if day <= after[1][:10]] if after and after[0] == name else list(days)
    if kind is Listed.SCAN:
        for month, some in groupby(left, keys.month_of):
            of_month = list(some)
            partitions = [pk for value in values for pk in shards(keys.scans_of(value, month), keys.SHARDS)]
            yield Group(name, index, partitions, f"{of_month[0]}{LAST}", least=of_month[-1], lists=lists)
        return
    at_once = max(1, PARALLEL // len(values))
    for start in range(0, len(left), at_once):
        some_days = left[start : start + at_once]
        partitions = [keys.summary_partition(kind, day, value) for day in some_days for value in values]
        yield Group(name, index, partitions, f"{some_days[0]}{LAST}", lists=lists)


def _by_review(kind: Listed, wanted: WorklistFilter, days: Sequence[str], after: Place | None) -> Iterator[Group]:
    """State by state, each by arrival; scans that nobody looked at and nobody needs to are in no index of states."""
    for state in STATES:
        usual = wanted.second_reader is not None or state not in OF_TWO_READERS
        if wanted.review != state and (wanted.review is not None or not usual):
            continue
        if kind is Listed.SCAN and state == keys.NOT_REVIEWED:
            unseen = _is_not_in(keys.Index.REVIEW)
            yield from _by_arrival(kind, state, keys.Index.OUTCOME, _outcomes(wanted), days, after, unseen)
        else:
            yield from _by_arrival(kind, state, keys.Index.REVIEW, [state], days, after)


def _scans_by_probability(wanted: WorklistFilter, days: Sequence[str], after: Place | None) -> Iterator[Group]:
    """Tumors by the probability of the class that stands, no tumor by the least of it first, then what has none.

    Weeks are merged so many at a time, counted from the last day of the question, so that a place stays what it is.
    """
    least = keys.confidence_key(wanted.min_confidence) if wanted.min_confidence else ""
    weeks = [week for week, _ in groupby(days, keys.week_of)]
    spans = [(number, list(some)) for number, some in groupby(weeks, lambda week: _span(wanted.last, week))]
    for name in (keys.TUMOR, keys.NO_TUMOR):
        down = name == keys.TUMOR
        possible = wanted.finding is None or wanted.finding.is_tumor is down
        for number, some in spans if possible else ():
            partitions = [pk for week in some for pk in shards(keys.scans_of(name, week), keys.SHARDS)]
            yield Group(f"{name}{number}", INDEX[wanted.sort], partitions, LAST if down else "", down, least)
    no_probability = _is_not_in(keys.Index.FINDING)
    if wanted.finding is None:
        others = [each for each in _outcomes(wanted) if each is not Outcome.ANALYZED]
        yield from _by_arrival(Listed.SCAN, "none", keys.Index.OUTCOME, others, days, after, no_probability)
        yield from _by_arrival(
            Listed.SCAN, "rejected", keys.Index.REVIEW, [ReviewState.REJECTED], days, after, _is_analyzed
        )
    elif not least:  # a reader may name a class where the network was not asked
        corrected = [ReviewState.CORRECTED]
        yield from _by_arrival(Listed.SCAN, "corrected", keys.Index.REVIEW, corrected, days, after, no_probability)


def _span(last: str, week: str) -> int:
    return (date.fromisoformat(keys.week_of(last)) - date.fromisoformat(week)).days // (7 * WEEKS_MERGED)


def _is_in(index: keys.Index) -> Callable[[Item], bool]:
    return lambda item: f"{index}_pk" in item


def _is_not_in(index: keys.Index) -> Callable[[Item], bool]:
    return lambda item: f"{index}_pk" not in item


def _is_analyzed(item: Item) -> bool:
    return bool(item["outcome"]["S"] == Outcome.ANALYZED)
