"""Runs that read stored scans again: where each stands, its batches, and which model has answered which scan."""

from collections.abc import Iterator, Sequence
from typing import Final

from brainscan.domain.base import BrainscanError
from brainscan.domain.reprocess import BatchDone, ReprocessedScan, Run, Spent
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient, Write
from brainscan.store.table.items import Item, from_item, model_attributes, to_item

_NEW: Final = "attribute_not_exists(pk)"
_BEGINS: Final = "pk = :pk AND begins_with(sk, :begin)"


class RunConflictError(BrainscanError):
    """Somebody changed the run since it was read."""


class Runs:
    """Runs, and the answers that they brought. Runs do not expire; an answer does when its scan would."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def get(self, run_id: str) -> Run | None:
        """One run."""
        found = self._table.get(keys.run(run_id))
        return Run.model_validate(model_attributes(Run, found)) if found else None

    def all(self) -> list[Run]:
        """Every run, the latest first."""
        found = self._table.query(_BEGINS, {":pk": keys.RUNS, ":begin": keys.RUN})
        runs = [Run.model_validate(model_attributes(Run, each)) for each in found]
        return sorted(runs, key=lambda each: each.started_at, reverse=True)

    def put(self, run: Run) -> None:
        """Write a run that is new, or the next revision of one.

        Raises:
            RunConflictError: it is at another revision by now.
        """
        item = to_item(run.model_dump(mode="json", exclude_none=True) | keys.run(run.run_id))
        if self._table.put(item, f"{_NEW} OR revision = :before", {":before": run.revision - 1}):
            return
        if self.get(run.run_id) != run:  # it may be there, of a write whose answer was lost
            raise RunConflictError(f"run {run.run_id} has changed meanwhile; look at its status and repeat")

    def reprocessed(self, model_id: str, scan_ids: Sequence[str]) -> dict[str, ReprocessedScan]:
        """Those of the scans that a model has answered, by id."""
        found = self._table.get_batch([keys.reprocessed_scan(each, model_id) for each in dict.fromkeys(scan_ids)])
        answers = [ReprocessedScan.model_validate(model_attributes(ReprocessedScan, each)) for each in found]
        return {each.scan_id: each for each in answers}

    def put_reprocessed(self, answers: Sequence[ReprocessedScan]) -> list[bool]:
        """Keep a model's first answer to each scan; for each whether this is it."""
        return self._table.put_all([self._first(each) for each in answers])

    def update_reprocessed(self, answer: ReprocessedScan) -> None:
        """Keep where a model's answer to a scan lies by now."""
        self._table.put(self._first(answer).item)

    def _first(self, answer: ReprocessedScan) -> Write:
        fields = answer.model_dump(mode="json") | keys.reprocessed_scan(answer.scan_id, answer.model_id)
        return Write(to_item(fields | {"expires_at": self._table.expires_at}), _NEW)

    def put_done(self, run_id: str, done: BatchDone) -> None:
        """Say that a batch is done, once."""
        self._table.put(to_item(done.model_dump() | keys.of_run(run_id, keys.BATCH, f"{done.number:08d}")), _NEW)

    def done(self, run_id: str) -> list[BatchDone]:
        """The batches of a run that are done."""
        return [BatchDone.model_validate(model_attributes(BatchDone, each)) for each in self._of(run_id, keys.BATCH)]

    def put_dead(self, run_id: str, scan_id: str) -> None:
        """Put a scan on the list of those that failed to the end."""
        self._table.put(to_item({"scan_id": scan_id} | keys.of_run(run_id, keys.DEAD, scan_id)))

    def dead(self, run_id: str) -> list[str]:
        """Scans of a run that failed to the end."""
        return [str(from_item(each)["scan_id"]) for each in self._of(run_id, keys.DEAD)]

    def add_spent(self, run_id: str, spent: Spent, place: int) -> None:
        """Add the work of an attempt, at one of a few places so that batches do not wait for each other."""
        self._table.update(
            keys.of_run(run_id, keys.SPENT, f"{place % keys.SPENT_SHARDS:02d}"),
            UpdateExpression="ADD seconds :seconds, scans :scans",
            ExpressionAttributeValues=to_item({":seconds": round(spent.seconds, 3), ":scans": spent.scans}),
        )

    def spent(self, run_id: str) -> Spent:
        """The work of all attempts so far."""
        each = [from_item(item) for item in self._of(run_id, keys.SPENT)]
        return Spent(seconds=sum(part["seconds"] for part in each), scans=sum(part["scans"] for part in each))

    def _of(self, run_id: str, kind: str) -> Iterator[Item]:
        return self._table.query(_BEGINS, {":pk": keys.of_run(run_id, kind, "")["pk"], ":begin": kind})
