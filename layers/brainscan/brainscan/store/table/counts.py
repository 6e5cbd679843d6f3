"""Counts that follow the table's stream: what every scan adds to its export, its series and its day.

A scan is written without them, so that no two writers meet. The stream tells of each change of a scan once or more
often, and in order within each of its shards. Every shard of the stream has a counter of its own in every partition
that it counts in, with the sequence number of the last change that it counted: changes up to there are not counted
again, however the stream's batches are cut when they are repeated.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brainscan.domain import Outcome, ScanRecord
from brainscan.domain.features import counter_names
from brainscan.store.retry import Threads
from brainscan.store.table import keys
from brainscan.store.table.cells import Cell
from brainscan.store.table.client import PARALLEL, TableClient
from brainscan.store.table.items import from_item, to_item

SEQUENCE_DIGITS = 40
"""Sequence numbers have at most as many: padded, they compare as text."""

MOST_NAMES = 150
"""Counts that one update adds to: DynamoDB takes an expression of 4 KB with 300 operators."""

NEEDS_REVIEW = "needs_review"

ANSWER = ("outcome", "superseded", "model_id")
"""What of a scan gives its series something to report anew."""

FINDING = "finding_"
REVIEW = "review_"
MODEL = "model_"
"""Prefixes of the counters' attributes; outcomes have none."""


@dataclass(frozen=True)
class ScanChange:
    """A record of the stream: a scan before and after a write; None where there was none, or is none any more."""

    sequence: str
    before: ScanRecord | None
    after: ScanRecord | None

    @property
    def scan(self) -> ScanRecord:
        """The scan in any of its states, for what never changes about it."""
        [scan, *_] = [each for each in (self.after, self.before) if each is not None]
        return scan


@dataclass(frozen=True)
class _Step:
    """What one change adds to one partition's counts."""

    sequence: str
    amounts: Mapping[str, int]


class Counts:
    """The counters of the table."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def of(self, partition: str) -> tuple[Counter[str], dict[str, str]]:
        """The counts of a partition, as far as the stream was followed, and the labels that came with them."""
        values = {":pk": partition, ":count": keys.COUNT}
        total, labels = Counter[str](), dict[str, str]()
        for item in map(from_item, self._table.query("pk = :pk AND begins_with(sk, :count)", values)):
            total.update({name: n for name, n in item.items() if isinstance(n, int) and name != "expires_at"})
            labels |= {name: each for name, each in item.items() if name in keys.SERIES_LABELS}
        return total, labels

    def add(self, shard: str, changes: Sequence[ScanChange]) -> None:
        """Count changes of one shard of the stream, in its order; those that were counted before change nothing."""
        steps: dict[str, list[_Step]] = defaultdict(list)
        labels: dict[str, dict[str, str]] = defaultdict(dict)
        for change in changes:
            for partition, amounts in _amounts(change):
                steps[partition].append(_Step(change.sequence.zfill(SEQUENCE_DIGITS), amounts))
                if partition.startswith(keys.SERIES):
                    labels[partition] = _labels(change.scan)
        with Threads(PARALLEL) as pool:
            list(pool.map(lambda each: self._add(shard, each, steps[each], labels[each]), steps))

    def _add(self, shard: str, partition: str, steps: Sequence[_Step], labels: Mapping[str, str]) -> None:
        for portion in _portions(steps):
            self._add_portion(keys.counter(partition, shard), portion, labels)

    def _add_portion(self, key: Mapping[str, str], steps: Sequence[_Step], labels: Mapping[str, str]) -> None:
        condition, stored = "attribute_not_exists(last_sequence) OR last_sequence < :stored", steps[0].sequence
        while steps and not self._update(key, steps, labels, condition, stored):
            found = self._table.get(key)
            condition, stored = "last_sequence = :stored", found["last_sequence"]["S"] if found else ""
            steps = [step for step in steps if step.sequence > stored]

    def _update(
        self, key: Mapping[str, str], steps: Sequence[_Step], labels: Mapping[str, str], condition: str, stored: str
    ) -> bool:
        total = Counter[str]()
        for step in steps:
            total.update(step.amounts)
        amounts = {name: amount for name, amount in total.items() if amount}
        if not amounts:
            return True
        attributes: dict[str, Any] = {**labels, "last_sequence": steps[-1].sequence}
        if self._table.expires_at:
            attributes["expires_at"] = self._table.expires_at
        names = dict(enumerate([*amounts, *attributes]))
        values = dict(enumerate([*amounts.values(), *attributes.values()]))
        adds = ", ".join(f"#n{n} :v{n}" for n in range(len(amounts)))
        sets = ", ".join(f"#n{n} = :v{n}" for n in range(len(amounts), len(names)))
        return self._table.update(
            key,
            UpdateExpression=f"ADD {adds} SET {sets}",
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#n{n}": name for n, name in names.items()},
            ExpressionAttributeValues=to_item({":stored": stored} | {f":v{n}": each for n, each in values.items()}),
        )


def _portions(steps: Sequence[_Step]) -> Iterator[list[_Step]]:
    """Steps that one update takes, in order."""
    portion, names = list[_Step](), set[str]()
    for step in steps:
        if portion and len(names | step.amounts.keys()) > MOST_NAMES:
            yield portion
            portion, names = [], set()
        portion.append(step)
        names |= step.amounts.keys()
    yield portion


def _amounts(change: ScanChange) -> Iterator[tuple[str, dict[str, int]]]:
    """What a change adds to each partition that counts the scan."""
    scan, before, after = change.scan, change.before, change.after
    yield keys.export(scan.export_id)["pk"], _difference(_in_export(after), _in_export(before))
    in_day = _difference(_in_day(after), _in_day(before))
    yield keys.day(scan.day)["pk"], in_day | _difference(_in_cell(after), _in_cell(before))
    if scan.site:
        yield keys.day(scan.day, scan.site)["pk"], in_day
    if scan.series_id:
        in_series = _difference(_in_series(after), _in_series(before))
        yield keys.series(scan.series_id)["pk"], in_series | {"revision": int(_is_answer(before, after))}


def _in_export(record: ScanRecord | None) -> Counter[str]:
    return Counter({record.outcome.value: 1, NEEDS_REVIEW: int(record.needs_review)}) if record else Counter()


def _in_day(record: ScanRecord | None) -> Counter[str]:
    if record is None or record.superseded:
        return Counter()
    tally = Counter[str]({record.outcome.value: 1})
    if record.finding:
        tally[FINDING + record.finding] += 1
    if record.review_state:
        tally[REVIEW + record.review_state] += 1
    if record.model_id:
        tally[MODEL + record.model_id] += 1
    tally.update(counter_names(record))
    return tally


def _in_cell(record: ScanRecord | None) -> Counter[str]:
    if record is None or record.superseded or record.outcome is Outcome.QUEUED:
        return Counter()
    return Counter({Cell.of(record).counter: 1})


def _in_series(record: ScanRecord | None) -> Counter[str]:
    if record is None or record.superseded:
        return Counter()
    return Counter({"expected": 1, "remaining": int(record.outcome is Outcome.QUEUED)})


def _is_answer(before: ScanRecord | None, after: ScanRecord | None) -> bool:
    """Whether a change gives a series something to report anew: an outcome, another model's, or a slice that left."""
    if after is None or after.outcome is Outcome.QUEUED:
        return False
    return before is None or any(getattr(before, name) != getattr(after, name) for name in ANSWER)


def _difference(after: Counter[str], before: Counter[str]) -> dict[str, int]:
    moved = Counter(after)
    moved.subtract(before)
    return dict(moved)


def _labels(scan: ScanRecord) -> dict[str, Any]:
    return {name: each for name in keys.SERIES_LABELS if (each := getattr(scan, name))}
