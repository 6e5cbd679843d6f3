"""Faults that the product once had are found when they are put back in, and are not there without."""

from collections import Counter
from typing import Any

import pytest

from brainscan.pipeline import analyze, give_up
from brainscan.store.table import Scans
from brainscan.store.table.items import to_item
from tests.chaos.calls import refusal
from tests.chaos.contention import bench
from tests.chaos.faults import NONE, Rates
from tests.chaos.functions import Function
from tests.chaos.invariants import violations
from tests.chaos.shrink import run
from tests.chaos.uploads import uploads
from tests.chaos.world import Scenario, world_of


def change_source(monkeypatch: pytest.MonkeyPatch, function: str, *changes: tuple[str, str]) -> None:
    """Let a function's handler be what it is after these replacements in its text."""
    begin = Function.__init__

    def changed(self: Any, simulation: Any, plan: Any, spec: Any, *others: Any) -> None:
        begin(self, simulation, plan, spec, *others)
        if spec.logical_id == function:
            text = (spec.folder / "handler.py").read_text()
            for old, new in changes:
                assert old in text
                text = text.replace(old, new)
            self._code = compile(text, "handler.py", "exec")

    monkeypatch.setattr(Function, "__init__", changed)


def broken(scenario: Scenario) -> set[str]:
    return {each.promise for each in run(scenario).violations}


@pytest.fixture
def refused_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table refuses the first give-up of each scan."""
    commit, seen = give_up.give_up, Counter[str]()

    def refused(scan: Any, services: Any) -> Any:
        seen[scan.scan_id] += 1
        if seen[scan.scan_id] == 1:
            raise refusal("PutItem", "InternalServerError")
        return commit(scan, services)

    monkeypatch.setattr(give_up, "give_up", refused)


POISONED = Scenario(2, tuple(uploads(2, 3, 2.0, poisons=1)), NONE)


def test_a_give_up_that_is_refused_is_made_up_for(refused_give_up: None) -> None:
    assert broken(POISONED) == set()


def test_a_give_up_that_is_tried_once_is_found(refused_give_up: None, monkeypatch: pytest.MonkeyPatch) -> None:
    change_source(monkeypatch, "GiveUp", ("        raise\n", "        pass\n"))
    assert {"nothing_lost", "poison_failed"} <= broken(POISONED)


def test_a_dead_letter_queue_that_nobody_works_on_is_found() -> None:
    with world_of(POISONED) as world:
        for queue in world.sqs.queues.values():
            if queue.dead and queue.dead.name == "ScanGiveUpQueue":
                queue.dead = world.sqs.queues["ScanDLQ"]
        world.run()
        assert {"nothing_lost", "poison_failed"} <= {each.promise for each in violations(world)}


REPEATED = Scenario(3, tuple(uploads(3, 14, 6.0)), Rates(duplicates=0.9), second_model_from=3.0)


def test_attempts_with_files_of_their_own_do_not_meet() -> None:
    assert broken(REPEATED) == set()


def test_files_that_attempts_share_and_write_before_they_commit_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyze, "new_attempt", lambda: "0" * 16)
    assert "objects" in broken(REPEATED)


def test_a_counter_within_the_scans_transaction_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def commit(self: Any, records: Any, before: Any) -> Any:
        """A scan's outcome and its export's counter in one transaction, as it was."""
        counters = [to_item({"pk": f"EXPORT#{record.export_id}", "sk": "COUNTER"}) for record in records]
        writes = [self._replacement(record, was, 0) for record, was in zip(records, before, strict=True)]
        return list(map(self._table.put_together, writes, counters))

    free = bench(200, 20)
    monkeypatch.setattr(Scans, "commit", commit)
    counted = bench(200, 20)
    assert free.conflicts == 0
    assert counted.conflicts > 200
    assert counted.last_slice_s > 3 * free.last_slice_s
