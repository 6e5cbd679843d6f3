"""`brainscan reprocess`: says what a run will cost before it starts, and handles it afterwards."""

import json
from collections.abc import Callable

import boto3
import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import Outcome, TumorClass, Verdict
from brainscan.domain.model_version import ModelState, ModelVersion
from brainscan.domain.reprocess import BatchDone, RunMode
from brainscan.pipeline import runs
from brainscan.pipeline.estimate import estimate
from brainscan.pipeline.models import Decision, set_model_state
from brainscan.store import Table
from tests.conftest import World
from tests.making import NOON, a_record, analyzed, opinion

MODEL = "c" * 64

Command = Callable[..., str]


@pytest.fixture
def machine(aws: None) -> str:
    role = "arn:aws:iam::123456789012:role/any"
    made = boto3.client("stepfunctions").create_state_machine(name="reprocess", definition="{}", roleArn=role)
    return str(made["stateMachineArn"])


@pytest.fixture
def filled(world: World) -> World:
    """A hundred scans that another model answered, and a candidate."""
    table = world.services.table
    queued = [a_record(number) for number in range(100)]
    table.scans.register(queued)
    table.scans.commit([analyzed(each, TumorClass.GLIOMA, 0.9) for each in queued], [Outcome.QUEUED] * 100)
    add_version(table, MODEL)
    return world


def add_version(table: Table, model_id: str) -> None:
    version = ModelVersion(
        model_id=model_id,
        added_at=NOON,
        size_bytes=1,
        input_size=128,
        split="test",
        figures={},
        data_digest="d",
        source_revision="r",
    )
    before = table.models.rollout()
    after = before.model_copy(update={"revision": before.revision + 1})
    table.models.commit(after, Decision("dr.k").change(after, model_id, ModelState.CANDIDATE, None), version)


@pytest.fixture
def command(filled: World, machine: str) -> Command:
    places = {"BRAINSCAN_TABLE_NAME": "scans", "BRAINSCAN_RESULTS_BUCKET": "results"}
    env = {"COLUMNS": "200", "BRAINSCAN_REPROCESS_MACHINE": machine, **places}

    def call(*arguments: str, expected: int = 0, answer: str = "") -> str:
        done = CliRunner().invoke(app, ["reprocess", *arguments], env=env, input=answer)
        assert done.exit_code == expected, done.output
        return done.output

    return call


def executions(machine: str) -> list[str]:
    listed = boto3.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return sorted(each["name"] for each in listed)


def started(command: Command) -> str:
    told = command("--model", "cc", "--all", "--yes", "--most-dollars", "2")
    return told.split("run ")[1].split()[0]


def test_it_tells_scans_hours_and_dollars_and_starts_nothing_unless_told_to(command: Command, machine: str) -> None:
    told = command("--model", "cc", "--all", answer="n\n", expected=4)
    found = estimate(100, 2, 20)
    assert "100 scans in 2 batches, 20 at once" in told
    assert f"{found.dollars:.2f} dollars" in told
    assert executions(machine) == []
    command("--model", "cc", "--day", f"{NOON:%F}..{NOON:%F}", answer="y\n")
    assert len(executions(machine)) == 1


def test_scans_can_be_chosen_by_what_their_readers_said_and_by_who_answered(command: Command, filled: World) -> None:
    table = filled.services.table
    table.scans.review(a_record(1).scan_id, 0, opinion(Verdict.REJECTED))
    assert "1 scans in 1 batches" in command("--model", "cc", "--verdict", "rejected", expected=4, answer="n\n")
    [answering] = {each.model_id for each in table.queries.of_export(a_record().export_id).items}
    add_version(table, str(answering))
    assert "100 scans" in command("--model", "cc", "--answered-by", str(answering)[:9], expected=4, answer="n\n")
    assert "no such scan" in command("--model", "cc", "--answered-by", "ccc", expected=1)


def test_a_million_scans_cost_less_than_reading_them_scan_by_scan_would() -> None:
    a_million = estimate(1_000_000, 15_625, 20)
    assert 1 < a_million.dollars < 10
    assert a_million.dollars < estimate(1_000_000, 1_000_000, 20).dollars
    assert a_million.hours == pytest.approx(2 * estimate(1_000_000, 15_625, 40).hours)


def test_a_run_can_be_looked_at_paused_resumed_and_stopped(command: Command, filled: World, machine: str) -> None:
    run_id = started(command)
    assert run_id in command("list")
    kept = filled.services.table.runs
    kept.put_done(run_id, BatchDone(number=0, answered=60, gone=3, failed=1))
    kept.put_dead(run_id, "0" * 32)
    assert "1 of 2 done" in command("status", run_id)
    found = json.loads(command("status", run_id, "--json"))
    assert (found["answered"], found["gone"], found["dead"]) == (60, 3, ["0" * 32])
    assert "is paused" in command("pause", run_id)
    assert "paused by" in command("status", run_id)
    assert "is running" in command("resume", run_id, "--most-dollars", "80")
    assert executions(machine) == [f"{run_id}-001", f"{run_id}-002"]
    assert "is stopped" in command("stop", run_id)
    assert "start another" in command("resume", run_id, expected=4)


def test_scans_are_switched_to_the_model_that_is_served_and_to_no_other(command: Command, filled: World) -> None:
    table = filled.services.table
    assert "`brainscan model serve` comes first" in command("--switch", "--model", "cc", "--all", expected=4)
    set_model_state(MODEL, ModelState.SERVED, table, Decision("dr.k", override=True))
    told = command("--switch", "--all", "--yes")
    assert f"{estimate(100, 2, 20, RunMode.SWITCH).dollars:.2f} dollars" in told
    run = runs.run_of(told.split("run ")[1].split()[0], table)
    assert (run.mode, run.model_id, run.scans) == (RunMode.SWITCH, MODEL, 100)
    table.runs.put_done(run.run_id, BatchDone(number=0, answered=60, gone=3))
    shown = command("status", run.run_id)
    assert "60 of 100 scans" in shown
    assert "which stay as they were" in shown


def test_what_cannot_be_done_is_told_with_its_remedy(command: Command) -> None:
    assert "--model" in command("--all", expected=2)
    assert "--finding" in command("--model", "cc", expected=2)
    assert "brainscan model list" in command("--model", "dd", "--all", expected=1)
    assert "comes before the last" in command("--model", "cc", "--day", "2026-05-02..2026-05-01", expected=2)
    assert "no such scan" in command("--model", "cc", "--day", "2001-01-01", expected=1)
    assert "no run nosuch" in command("status", "nosuch", expected=4)
    assert "there is no run" in command("list", expected=1)
