"""Days in the table: on which of them scans arrived, and what their counters say."""

from collections import Counter
from collections.abc import Iterable, Mapping

from brainscan.domain import DayStatistics, Outcome, ReviewState, ScanRecord, TumorClass
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.items import from_item, to_item

FINDING = "finding_"
REVIEW = "review_"
MODEL = "model_"
"""Prefixes of the counters' attributes; outcomes have none."""

NOT_COUNTED = frozenset({"pk", "sk", "expires_at"})
"""Attributes of a counter that are not counts."""


class Statistics:
    """What is known of days."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def of_day(self, day: str) -> DayStatistics:
        """What arrived on a day, by outcome, class, review and model: a few reads, however many scans there are."""
        wanted = [keys.statistics(day, shard) for shard in range(keys.STATISTICS_SHARDS)]
        found = map(from_item, self._table.get_batch([{"pk": pk, "sk": sk} for pk, sk in wanted]))
        return statistics_of(day, ({k: v for k, v in item.items() if k not in NOT_COUNTED} for item in found))

    def arrival_days(self, first: str, last: str) -> frozenset[str]:
        """Those of the UTC days from `first` to `last` on which scans arrived: one small read for a month."""
        found = self._table.client.query(
            TableName=self._table.name,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item({":pk": keys.DAYS, ":first": first, ":last": last}),
            ConsistentRead=True,
        )
        return frozenset(item["sk"]["S"] for item in found["Items"])

    def mark_arrival(self, day: str) -> None:
        """Say that scans arrived on a day; the marker does not expire, its scans may."""
        self._table.put(to_item(keys.arrival_day(day)))


def counted(record: ScanRecord) -> Counter[str]:
    """What a scan in its present state adds to its day's counters."""
    if record.superseded:
        return Counter()
    tally = Counter[str]({record.outcome.value: 1})
    if record.called:
        tally[FINDING + record.called] += 1
    if record.review_state:
        tally[REVIEW + record.review_state] += 1
    if record.model_id:
        tally[MODEL + record.model_id] += 1
    return tally


def difference(after: Counter[str], before: Counter[str]) -> dict[str, int]:
    """What moves the counters from one state of a scan to the next; zeros are left out."""
    moved = Counter(after)
    moved.subtract(before)
    return {name: amount for name, amount in moved.items() if amount}


def statistics_of(day: str, counters: Iterable[Mapping[str, int]]) -> DayStatistics:
    """Sum a day's counters."""
    total = Counter[str]()
    for counter in counters:
        total.update(counter)
    return DayStatistics(
        day=day,
        outcomes={each: total[each.value] for each in Outcome if total[each.value]},
        findings={each: total[FINDING + each] for each in TumorClass if total[FINDING + each]},
        reviews={each: total[REVIEW + each] for each in ReviewState if total[REVIEW + each]},
        models={name.removeprefix(MODEL): n for name, n in total.items() if name.startswith(MODEL) and n},
    )
