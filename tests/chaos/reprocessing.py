"""Stored scans, read again by another model through a state machine, while processes die and calls fail: each once.

The scans are put into the table as analyze leaves them; what the network says is given.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from unittest.mock import patch

from brainscan.domain import Outcome, ScanRecord
from brainscan.domain.reprocess import ReprocessedScan, Run, RunState
from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE
from brainscan.pipeline import reprocess, runs
from brainscan.pipeline.predict import ScanBytes, ScanPrediction
from brainscan.store.objects import model_key
from brainscan.store.table.items import scan_item
from tests.chaos.contention import FOUND, slice_of
from tests.chaos.faults import Rates
from tests.chaos.machine import Machine
from tests.chaos.network import MODELS, SECONDS_A_SCAN
from tests.chaos.simulation import ProcessKilledError
from tests.chaos.world import Scenario, World, world_of

KILLS: Final = Rates(kills=0.10, throttles=0.03, lost=0.003, partial=0.01)
"""One process in ten dies: an invocation reads many scans, so that few would be hit otherwise."""

DEADLY: Final = b"a deadly slice"
"""Whatever reads it dies."""


@dataclass
class Reprocessing:
    """A run in simulated time, and what of it was seen. `read` counts how often the network saw each scan's bytes."""

    world: World
    run_id: str
    scan_ids: list[str]
    deadly: set[str]
    records: dict[str, ScanRecord]
    read: Counter[bytes] = field(default_factory=Counter)
    executions: int = 0

    def violations(self) -> Iterator[str]:
        """Promises that do not hold once all is over."""
        table = self.world.services.table
        found = runs.progress(self.run_id, table)
        answers: dict[str, ReprocessedScan] = {}
        for start in range(0, len(self.scan_ids), 100):
            answers |= table.runs.reprocessed(MODELS[0], self.scan_ids[start : start + 100])
        if found.run.state is not RunState.FINISHED:
            yield f"the run is {found.run.state}: {found.run.why}"
        if (total := found.answered + found.gone + found.failed) != len(self.scan_ids):
            yield f"{total} scans are counted, of {len(self.scan_ids)}"
        if set(answers) != set(self.scan_ids):
            yield f"{len(set(self.scan_ids) - set(answers))} scans have no answer"
        if (dead := {each.scan_id for each in answers.values() if each.outcome is Outcome.FAILED}) != self.deadly:
            yield f"{len(dead ^ self.deadly)} scans failed that should not have, or did not"
        if set(found.dead) != self.deadly:
            yield "the dead letters are not those that failed"
        if any(table.scans.get(each) != record for each, record in self.records.items()):
            yield "an answer that stands was changed"
        yield from self._unkept(answers)

    def _unkept(self, answers: dict[str, ReprocessedScan]) -> Iterator[str]:
        lines: dict[str, set[str]] = {}
        for each in answers.values():
            if each.key is None:
                continue
            if each.key not in lines:
                text = self.world.services.results.get(each.key).decode()
                lines[each.key] = {json.loads(line)["scan_id"] for line in text.splitlines()}
            if each.scan_id not in lines[each.key]:
                yield f"{each.scan_id} is not in the object that its answer names"

    def __str__(self) -> str:
        function = self.world.functions["Reprocess"]
        again = self.read.total() - len(self.read)
        return (
            f"{len(self.scan_ids):,} stored scans, {function.invocations:,} invocations, {function.killed:,} killed, "
            f"{function.failed:,} failed; {again:,} scans were read more than once, none answered more than once; "
            f"{len(self.deadly)} dead letters; {self.world.simulation.elapsed / 60:,.0f} simulated minutes"
        )


def reprocessed(seed: int, scans: int, rates: Rates = KILLS, deadly: int = 2, at_once: int = 20) -> Reprocessing:
    """Read stored scans again, pause in the middle and resume; the world as it is then."""
    with world_of(Scenario(seed, (), rates)) as world:
        found = _stored(world, scans, deadly)
        run = _run(found, at_once)
        with patch.object(reprocess, "predict", _predicted(world, found)):
            machine = Machine(world)
            machine.carry_out(run, _batches(found), scans / 100)
            found.executions = len(machine.executions)
            if broken := list(found.violations()):
                raise AssertionError("\n".join(broken[:10]))
        return found


def _batches(found: Reprocessing) -> list[tuple[str, ...]]:
    ids, size = found.scan_ids, runs.BATCH
    return [tuple(ids[start : start + size]) for start in range(0, len(ids), size)]


def _run(found: Reprocessing, at_once: int) -> Run:
    return Run(
        run_id=found.run_id,
        model_id=MODELS[0],
        selection="all",
        by="a test",
        started_at=datetime.fromtimestamp(found.world.simulation.now, UTC),
        scans=len(found.scan_ids),
        batches=len(_batches(found)),
        most_at_once=at_once,
        dollars_per_second=0.0,
        dollars_per_scan=0.0,
    )


def _stored(world: World, scans: int, deadly: int) -> Reprocessing:
    """Scans as another model left them, and the model that is to read them."""
    now = datetime.fromtimestamp(world.simulation.now, UTC)
    export_id = world.services.pseudonyms.export_id("uploads", "one patient", "v1")
    ids: list[str] = []
    dead: set[str] = set()
    some: dict[str, ScanRecord] = {}
    assert FOUND.finding is not None
    for number in range(scans):
        kills = number % (scans // deadly) == scans // deadly // 2 if deadly else False
        waiting = slice_of(world, export_id, number, now, DEADLY if kills else str(number).encode())
        record = ScanRecord.of(waiting, FOUND.finding, model_id=MODELS[1])
        item = scan_item(record, None)
        world.dynamodb.items.put((item["pk"]["S"], item["sk"]["S"]), item)
        ids.append(record.scan_id)
        if kills:
            dead.add(record.scan_id)
        if number % max(1, scans // 100) == 0:
            some[record.scan_id] = record
    for name in (MODEL_FILE, MANIFEST_FILE):
        world.s3.put("results", model_key(MODELS[0], name), b"in memory")
    return Reprocessing(world, "5f0e1a2b3c4d", ids, dead, some)


def _predicted(world: World, found: Reprocessing) -> Any:
    def predicted(sources: list[ScanBytes], *_: Any) -> list[ScanPrediction]:
        world.simulation.sleep(SECONDS_A_SCAN / 10 * len(sources))
        task = world.simulation.current
        if task and task.process and any(each.data == DEADLY for each in sources):
            world.simulation.kill(task.process)
            raise ProcessKilledError
        found.read.update(each.data for each in sources)
        return [FOUND for _ in sources]

    return predicted
