"""The harness finds what it is for: faults that are put in on purpose are found, shrunk and traced."""

import os
import subprocess
import sys
from dataclasses import replace
from typing import Any, cast

import pytest

from brainscan.store.queues import FIRST_PAUSE_S, LONGEST_PAUSE_S
from tests.chaos.buckets import Buckets
from tests.chaos.faults import NONE, Plan, Rates
from tests.chaos.mappings import StreamMapping
from tests.chaos.queues import Queues
from tests.chaos.shrink import Run, fewest, run, shrink, told
from tests.chaos.simulation import Process
from tests.chaos.table import Table
from tests.chaos.uploads import uploads
from tests.chaos.world import ROOT, Scenario, world_of

FEW = 8
FAULTY = Rates(kills=0.05, throttles=0.05, duplicates=0.2)


def scenario(seed: int = 5, count: int = FEW, rates: Rates = NONE, **told_more: Any) -> Scenario:
    return Scenario(seed, tuple(uploads(seed, count, 6.0)), rates, **told_more)


def promises(done: Run) -> set[str]:
    return {each.promise for each in done.violations}


def test_the_same_seed_always_runs_alike() -> None:
    first, second = (run(scenario(rates=FAULTY), traced=True) for _ in "12")
    assert first.hit
    assert first.trace == second.trace


def test_another_seed_runs_otherwise() -> None:
    assert run(scenario(), traced=True).trace != run(replace(scenario(), seed=6), traced=True).trace


PRINTS_ITS_TRACE = """
from tests.chaos.shrink import run
from tests.chaos.test_harness import FAULTY, scenario
print(*run(scenario(rates=FAULTY), traced=True).trace, sep="\\n")
"""


def test_a_run_does_not_depend_on_the_order_of_sets() -> None:
    def traced(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        told_by = [sys.executable, "-c", PRINTS_ITS_TRACE]
        return subprocess.run(told_by, cwd=ROOT, env=environment, capture_output=True, check=True, text=True).stdout

    assert traced("0") == traced("5") != ""


def test_a_batch_of_the_stream_that_fails_when_it_comes_again_comes_to_an_end() -> None:
    class EverySecondFails:
        name = "Count"
        invocations = 0

        def invoke(self, event: Any, name: str, done: Any) -> None:
            self.invocations += 1
            assert self.invocations < 20
            done({}, self.invocations % 2 == 0)

    with world_of(scenario(count=0)) as world:
        function: Any = EverySecondFails()
        plan = Plan(5, Rates(duplicates=1.0))
        mapping = StreamMapping(world.simulation, plan, function, {"MaximumRetryAttempts": 5}, None)
        mapping.hear([(("SCAN#1", "META"), None, {})])
        world.simulation.run()
    assert function.invocations == 3


def test_a_lost_message_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    send, sent = Queues.send, []

    def forgetful(self: Any, queue: Any, body: Any, delay_s: float = 0.0, name: str = "") -> Any:
        sent.append(body)
        return "" if queue == "ScanQueue" and len(sent) % 9 == 0 else send(self, queue, body, delay_s, name)

    monkeypatch.setattr(Queues, "send", forgetful)
    assert "nothing_lost" in promises(run(scenario()))


def test_a_write_that_is_done_twice_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    apply, done = Table._apply, []

    def stuttering(self: Any, actions: Any) -> Any:
        done.append(1)
        adding = [each for each in actions if "ADD" in each.get("Update", {}).get("UpdateExpression", "")]
        if adding and len(done) % 2 == 0:
            apply(self, adding)
        return apply(self, actions)

    monkeypatch.setattr(Table, "_apply", stuttering)
    assert "counts" in promises(run(scenario()))


def test_an_object_that_was_never_written_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    put = Buckets.put_object

    def forgetful(self: Any, **told_s3: Any) -> Any:
        lost = told_s3["Key"].endswith("result.json") and told_s3["Key"][8] in "0123"
        return {} if lost else put(self, **told_s3)

    monkeypatch.setattr(Buckets, "put_object", forgetful)
    assert "objects" in promises(run(scenario()))


def test_a_failing_run_shrinks_to_the_upload_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    send = Queues.send
    broken = scenario(count=10)
    culprit = broken.uploads[4]

    def forgetful(self: Any, queue: Any, body: Any, delay_s: float = 0.0, name: str = "") -> Any:
        return "" if name.startswith(f"{culprit.key} ") else send(self, queue, body, delay_s, name)

    monkeypatch.setattr(Queues, "send", forgetful)
    shrunk = shrink(run(broken))
    assert shrunk.scenario.uploads == (culprit,)
    assert repr(culprit) in told(shrunk)


def test_a_fault_that_matters_not_is_left_out_of_the_trace() -> None:
    faults = fewest(list(range(30)), lambda some: {3, 17} <= set(some))
    assert faults == [3, 17]


def test_two_transactions_on_one_item_refuse_each_other() -> None:
    with world_of(scenario(count=0)) as world:
        codes: list[str] = []

        def write() -> None:
            action = {"Put": {"TableName": "scans", "Item": {"pk": {"S": "A"}, "sk": {"S": "B"}}}}
            try:
                world.dynamodb.transact_write_items(TransactItems=[action])
            except world.dynamodb.exceptions.TransactionCanceledException as canceled:
                codes.extend(each["Code"] for each in canceled.response["CancellationReasons"])

        for name in "12":
            world.simulation.spawn(write, Process(name))
        world.simulation.run()
        assert codes == ["TransactionConflict"]
        assert len(world.dynamodb.items) == 1


def test_a_message_comes_back_after_pauses_that_grow_and_at_last_goes_to_the_dead_letters() -> None:
    with world_of(scenario(count=0)) as world:
        world.sqs.send("UploadQueue", "no S3 event")
        world.run()
        queue = world.sqs.queues["UploadQueue"]
        assert queue.received == queue.most_receives
        assert [message.body for message in world.sqs.queues["UploadDLQ"].visible] == ["no S3 event"]
        pauses = [min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**count) for count in range(1, queue.most_receives)]
        assert world.simulation.elapsed >= sum(pauses) / 2


@pytest.mark.parametrize("kind", ["kills", "throttles", "lost", "duplicates"])
def test_faults_happen_as_often_as_asked(kind: str) -> None:
    with world_of(scenario(count=15, rates=Rates(**cast(Any, {kind: 0.2})))) as world:
        world.run()
        killed = sum(function.killed for function in world.functions.values())
        happened = sum(world.plan.counts.values()) or world.delivered - 60
        assert killed > 2 if kind == "kills" else happened > 20
