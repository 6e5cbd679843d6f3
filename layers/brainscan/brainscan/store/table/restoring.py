"""Items of a table that was restored to a point in time -> the table of a stack, so that its counts come out right.

The stack's table has a stream, and what is written to it is counted: counters are left out, and follow from the scans.
What cannot follow is how many outcomes the slices of a series had, by which its reports are numbered: the difference
is written beside the counters. Scans come last. So no series looks done before its report is there, and none that was
reported is reported again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from brainscan.domain import Outcome
from brainscan.store.retry import Threads
from brainscan.store.table import keys
from brainscan.store.table.client import PARALLEL, TableClient
from brainscan.store.table.items import Item, from_item, to_item

RESTORED: Final = "restored"
"""Stands for a shard of the stream in the key of what the former counters had beyond what is counted again."""

CHUNK: Final = 1000


@dataclass
class Restored:
    """How many items were written, and how many were there before and stay."""

    written: int = 0
    kept: int = 0


@dataclass
class _Revisions:
    """Outcomes of the slices of each series: as they were counted, and as they will be counted again."""

    counted: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    expires_at: dict[str, int] = field(default_factory=dict)

    def note(self, item: Item) -> None:
        plain = from_item(item)
        if _is_counter(item) and plain["pk"].startswith(keys.SERIES):
            self.counted[plain["pk"]] += plain.get("revision", 0)
            if "expires_at" in plain:
                self.expires_at[plain["pk"]] = max(plain["expires_at"], self.expires_at.get(plain["pk"], 0))
        elif _is_scan(item) and "series_id" in plain and plain["outcome"] != Outcome.QUEUED:
            self.again[keys.series(plain["series_id"])["pk"]] += 1


def _nobody(_: int) -> None:
    """For those who tell nothing."""


def restore_items(
    source: TableClient, target: TableClient, *, overwrite: bool = False, on_written: Callable[[int], None] = _nobody
) -> Restored:
    """Write the items of one table to another; a repeat writes what is missing still.

    Args:
        source: A table that was restored; it is only read.
        target: The table of the stack.
        overwrite: Write over items that are there and differ; by default they stay.
        on_written: Is called with the number of items that were looked at since the last call.
    """
    restored, revisions = Restored(), _Revisions()

    def noted() -> Iterator[Item]:
        for item in source.scan():
            revisions.note(item)
            if not _is_counter(item) and not _is_scan(item):
                yield item

    _write(noted(), target, overwrite, restored, on_written)
    for partition, revision in revisions.counted.items():
        _write_difference(partition, revision - revisions.again[partition], revisions, target)
    _write(filter(_is_scan, source.scan()), target, overwrite, restored, on_written)
    return restored


def _write(
    items: Iterable[Item], target: TableClient, overwrite: bool, restored: Restored, on_written: Callable[[int], None]
) -> None:
    condition = None if overwrite else "attribute_not_exists(pk)"
    left = iter(items)
    with Threads(PARALLEL) as pool:
        while chunk := list(islice(left, CHUNK)):
            held = list(pool.map(lambda item: target.put(item, condition), chunk))
            restored.written += sum(held)
            restored.kept += len(held) - sum(held)
            on_written(len(held))


def _write_difference(partition: str, difference: int, revisions: _Revisions, target: TableClient) -> None:
    """Write what the counters of a series had beyond what will be counted, unless it has counters of its own by now."""
    values = {":pk": partition, ":count": keys.COUNT}
    if difference > 0 and not any(target.query("pk = :pk AND begins_with(sk, :count)", values)):
        fields = {"revision": difference, "expires_at": revisions.expires_at.get(partition)}
        target.put(to_item(fields | keys.counter(partition, RESTORED)), "attribute_not_exists(pk)")


def _is_counter(item: Item) -> bool:
    return str(item["sk"]["S"]).startswith(keys.COUNT)


def _is_scan(item: Item) -> bool:
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    return str(pk).startswith(keys.SCAN) and sk == keys.META
