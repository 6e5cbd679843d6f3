"""Days in the table: on which of them scans arrived, and what their counters say."""

from collections import Counter

from brainscan.domain import DayStatistics, Outcome, ReviewState, TumorClass
from brainscan.domain.features import DayHistograms
from brainscan.store.table import keys
from brainscan.store.table.cells import CELL, Cell
from brainscan.store.table.client import TableClient
from brainscan.store.table.counts import FINDING, MODEL, REVIEW, Counts
from brainscan.store.table.items import to_item


class Statistics:
    """What is known of days."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def of_day(self, day: str) -> DayStatistics:
        """What arrived on a day, by outcome, class, review and model: a small read, however many scans there are."""
        total, _ = Counts(self._table).of(keys.day(day)["pk"])
        return DayStatistics(
            day=day,
            outcomes={each: total[each.value] for each in Outcome if total[each.value]},
            findings={each: total[FINDING + each] for each in TumorClass if total[FINDING + each]},
            reviews={each: total[REVIEW + each] for each in ReviewState if total[REVIEW + each]},
            models={name.removeprefix(MODEL): n for name, n in total.items() if name.startswith(MODEL) and n},
        )

    def cells(self, day: str) -> Counter[Cell]:
        """A day's scans with a final outcome, by what filters tell apart: a small read, however many there are."""
        total, _ = Counts(self._table).of(keys.day(day)["pk"])
        return Counter({Cell.named(name): n for name, n in total.items() if name.startswith(CELL) and n > 0})

    def histograms(self, day: str, site: str | None = None) -> DayHistograms:
        """Scans of a day by what is watched of them, of all sites or of one."""
        total, _ = Counts(self._table).of(keys.day(day, site)["pk"])
        models = tuple(sorted(name.removeprefix(MODEL) for name, n in total.items() if name.startswith(MODEL) and n))
        return DayHistograms(day=day, counts=dict(total), models=models)

    def arrival_days(self, first: str, last: str) -> frozenset[str]:
        """Those of the UTC days from `first` to `last` on which scans arrived: one small read for a month."""
        values = {":pk": keys.DAYS, ":first": first, ":last": last}
        return frozenset(
            item["sk"]["S"] for item in self._table.query("pk = :pk AND sk BETWEEN :first AND :last", values)
        )

    def mark_arrival(self, day: str) -> None:
        """Say that scans arrived on a day; the marker does not expire, its scans may."""
        self._table.put(to_item(keys.arrival_day(day)))
