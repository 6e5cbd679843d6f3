"""Stored scans are read again by another model, each once, beside the answers that stand."""

import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from brainscan.domain import Outcome, Reason, ReviewState, ScanRecord, TumorClass, Verdict
from brainscan.domain.reprocess import Batch, ReprocessedScan, Run, RunState, RunStateError, Spent
from brainscan.inference.runtime import Model
from brainscan.pipeline import reprocess, runs
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.compare import prediction_pairs
from brainscan.pipeline.intake import intake
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.pipeline.reprocess import (
    BatchFailedError,
    RunNotActiveError,
    active_run,
    finish,
    give_up,
    reprocess_batch,
)
from brainscan.pipeline.runs import (
    Selection,
    StoredScan,
    batch_scans,
    manifest,
    pause_or_stop,
    progress,
    resume,
    select_scans,
    start,
)
from brainscan.settings import Limits
from brainscan.store.objects import manifest_key
from brainscan.store.table.runs import RunConflictError
from brainscan_local.phantom import GLIOMA, head, to_png
from tests.conftest import World
from tests.making import NOON, a_record, opinion
from tests.tiny_model import write_model

SCANS = 5


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("candidate")
    write_model(folder, TumorClass.PITUITARY)
    return Model.load(folder)


class Executions:
    """A state machine that does nothing but say which manifests it was to go through."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.stopped: list[str] = []

    def start(self, run: Run, _bucket: str) -> None:
        self.started.append(manifest_key(run.run_id, run.execution))

    def stop(self, run: Run) -> None:
        self.stopped.append(manifest_key(run.run_id, run.execution))


@pytest.fixture
def machine() -> Executions:
    return Executions()


@pytest.fixture
def stored(world: World, network: Model) -> dict[str, ScanRecord]:
    """Scans that the image's model has answered."""
    phantom = head(seed=7, lesion=GLIOMA, size=96, slices=12)
    for number in range(SCANS):
        intake(world.upload(f"{number}.png", to_png(phantom.volume[number + 3])), world.services)
    results = analyze(world.queued(), world.services, network)
    return {each.scan_id: each.record for each in results if each.record}


@pytest.fixture
def begun(
    world: World, stored: dict[str, ScanRecord], candidate: Model, machine: Executions, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """A run over all of them, two scans a batch."""
    monkeypatch.setattr(runs, "BATCH", 2)
    batches = batch_scans(select_scans(world.services.table, candidate.manifest.model_id, Selection()))
    run = Run(
        run_id="5f0e",
        model_id=candidate.manifest.model_id,
        selection="all",
        by="dr.k",
        started_at=datetime.now(UTC),
        scans=SCANS,
        batches=len(batches),
        most_at_once=2,
        dollars_per_second=1.0,
        dollars_per_scan=0.5,
    )
    start(run, batches, world.services.table, world.services.results, machine)
    return run


def batches_of(run: Run, world: World) -> list[Batch]:
    return [
        Batch(run_id=run.run_id, number=number, scan_ids=tuple(scans))
        for number, scans in manifest(run, world.services.results)
    ]


def go_through(run: Run, world: World, model: Model) -> None:
    for batch in batches_of(run, world):
        reprocess_batch(batch, active_run(run.run_id, world.services.table), model, world.services)
    finish(run.run_id, run.execution, world.services.table)


def answers(run: Run, world: World, stored: dict[str, ScanRecord]) -> dict[str, ReprocessedScan]:
    return world.services.table.runs.reprocessed(run.model_id, list(stored))


def test_every_scan_is_answered_beside_what_stands_and_can_be_compared(
    world: World, stored: dict[str, ScanRecord], begun: Run, candidate: Model
) -> None:
    go_through(begun, world, candidate)
    found = progress(begun.run_id, world.services.table)
    assert (found.run.state, found.batches, found.answered, found.dead) == (RunState.FINISHED, 3, SCANS, ())
    assert world.services.table.scans.get_many(list(stored)) == stored
    today = NOON.date()
    pairs = list(prediction_pairs(begun.model_id, today, today, world.services.table, world.services.results))
    assert {each.served.scan_id for each in pairs} == set(stored)
    assert {each.candidate.model_id for each in pairs} == {begun.model_id}


def test_a_repeat_asks_the_network_nothing_and_changes_nothing(
    world: World, stored: dict[str, ScanRecord], begun: Run, candidate: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_through(begun, world, candidate)
    before, keys = answers(begun, world, stored), world.keys("shadow/")
    monkeypatch.setattr(candidate, "run", None)
    for batch in batches_of(begun, world):
        reprocess_batch(batch, begun, candidate, world.services)
    assert (answers(begun, world, stored), world.keys("shadow/")) == (before, keys)
    assert progress(begun.run_id, world.services.table).answered == SCANS


@pytest.mark.parametrize("last_call", ["put_reprocessed", "add_spent", "put_done"])
def test_a_batch_whose_process_was_killed_is_answered_once_by_the_next(
    world: World,
    stored: dict[str, ScanRecord],
    begun: Run,
    candidate: Model,
    monkeypatch: pytest.MonkeyPatch,
    last_call: str,
) -> None:
    table = world.services.table.runs

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(type(table), last_call, killed)
        with pytest.raises(KeyboardInterrupt):
            go_through(begun, world, candidate)
    go_through(begun, world, candidate)
    found = progress(begun.run_id, world.services.table)
    assert (found.run.state, found.answered) == (RunState.FINISHED, SCANS)
    assert len(answers(begun, world, stored)) == SCANS
    lines = [line for key in world.keys("shadow/") for line in world.services.results.get(key).splitlines()]
    assert len(lines) == SCANS


def test_another_run_of_the_model_finds_its_answers_there(
    world: World, stored: dict[str, ScanRecord], begun: Run, candidate: Model, machine: Executions
) -> None:
    go_through(begun, world, candidate)
    again = begun.model_copy(update={"run_id": "again"})
    start(again, [tuple(stored)], world.services.table, world.services.results, machine)
    [batch] = batches_of(again, world)
    reprocess_batch(batch, again, candidate, world.services)
    assert {each.run_id for each in answers(again, world, stored).values()} == {begun.run_id}
    assert progress("again", world.services.table).answered == SCANS


def test_expired_bytes_and_erased_scans_have_their_reason(
    world: World, stored: dict[str, ScanRecord], begun: Run, candidate: Model
) -> None:
    expired, *_ = stored
    world.services.results.delete([stored[expired].staged_key])
    batch = Batch(run_id=begun.run_id, number=0, scan_ids=(*list(stored)[:2], "0" * 32))
    done = reprocess_batch(batch, begun, candidate, world.services)
    assert (done.answered, done.gone, done.failed) == (1, 2, 0)
    found = world.services.table.runs.reprocessed(begun.model_id, batch.scan_ids)
    assert (found[expired].outcome, found[expired].reason) == (Outcome.SKIPPED, Reason.OBJECT_GONE)


def test_a_scan_that_fails_costs_its_neighbours_nothing_and_ends_on_the_list(
    world: World, stored: dict[str, ScanRecord], begun: Run, candidate: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = next(iter(stored))

    def failing(sources: Sequence[ScanBytes], model: Model, limits: Limits) -> list[ScanPrediction]:
        found = predict(sources, model, limits)
        broken = world.services.results.get(stored[bad].staged_key)
        return [
            ScanPrediction(error=MemoryError()) if source.data == broken else each
            for source, each in zip(sources, found, strict=True)
        ]

    monkeypatch.setattr(reprocess, "predict", failing)
    batch = Batch(run_id=begun.run_id, number=0, scan_ids=tuple(stored))
    for _ in range(2):
        with pytest.raises(BatchFailedError, match="1 of 5"):
            reprocess_batch(batch, begun, candidate, world.services)
    assert set(answers(begun, world, stored)) == set(stored) - {bad}
    alone = Batch(run_id=begun.run_id, scan_ids=(bad,))
    for _ in range(2):
        give_up(alone, begun, world.services)
    reprocess_batch(batch, begun, candidate, world.services)
    found = progress(begun.run_id, world.services.table)
    assert (found.answered, found.failed, found.dead) == (SCANS - 1, 1, (bad,))


def test_a_paused_run_begins_no_batch_and_goes_on_with_what_is_left(
    world: World, stored: dict[str, ScanRecord], begun: Run, candidate: Model, machine: Executions
) -> None:
    first, *_ = batches_of(begun, world)
    reprocess_batch(first, begun, candidate, world.services)
    pause_or_stop(begun.run_id, RunState.PAUSED, "dr.k", world.services.table, machine)
    assert machine.stopped == machine.started
    with pytest.raises(RunNotActiveError, match="paused"):
        active_run(begun.run_id, world.services.table)
    resumed = resume(begun.run_id, None, world.services.table, world.services.results, machine)
    listed = world.services.results.get(machine.started[-1]).decode().splitlines()
    assert [line.split(",")[0] for line in listed] == ["batch", "1", "2"]
    go_through(resumed, world, candidate)
    assert progress(begun.run_id, world.services.table).run.state is RunState.FINISHED
    with pytest.raises(RunStateError, match="start another"):
        resume(begun.run_id, None, world.services.table, world.services.results, machine)


def test_a_run_is_paused_where_it_has_spent_what_it_may_and_goes_on_with_more(
    world: World, stored: dict[str, ScanRecord], begun: Run, candidate: Model, machine: Executions
) -> None:
    table = world.services.table
    table.runs.put(begun.model_copy(update={"most_dollars": 1.0, "revision": 1}))
    active_run(begun.run_id, table)
    table.runs.add_spent(begun.run_id, Spent(seconds=0.5, scans=1), 3)
    with pytest.raises(RunNotActiveError, match="spent"):
        active_run(begun.run_id, table)
    held = table.runs.get(begun.run_id)
    assert held is not None
    assert held.why == "it has spent its 1 dollars"
    resume(begun.run_id, 100.0, table, world.services.results, machine)
    assert active_run(begun.run_id, table).most_dollars == 100.0


def test_an_execution_that_ends_with_batches_left_says_how_many(world: World, begun: Run, candidate: Model) -> None:
    reprocess_batch(batches_of(begun, world)[0], begun, candidate, world.services)
    held = finish(begun.run_id, 1, world.services.table)
    assert held is not None
    assert (held.state, held.why) == (RunState.PAUSED, "2 batches could not be done")


def test_an_execution_that_was_stopped_says_nothing_of_the_run_that_was_resumed(
    world: World, begun: Run, machine: Executions
) -> None:
    pause_or_stop(begun.run_id, RunState.PAUSED, "dr.k", world.services.table, machine)
    resumed = resume(begun.run_id, None, world.services.table, world.services.results, machine)
    assert finish(begun.run_id, 1, world.services.table) == resumed


def test_a_run_that_lost_its_execution_is_resumed_as_a_paused_one_is(
    world: World, begun: Run, machine: Executions
) -> None:
    resumed = resume(begun.run_id, None, world.services.table, world.services.results, machine)
    assert (resumed.state, resumed.execution) == (RunState.RUNNING, 2)
    assert len(machine.started) == 2


def test_of_two_who_change_a_run_at_once_one_is_told(world: World, begun: Run) -> None:
    world.services.table.runs.put(begun.with_state(RunState.PAUSED))
    with pytest.raises(RunConflictError):
        world.services.table.runs.put(begun.with_state(RunState.STOPPED))


def test_scans_are_selected_by_export_day_finding_verdict_and_model(
    world: World, stored: dict[str, ScanRecord], candidate: Model, network: Model
) -> None:
    table, model_id = world.services.table, candidate.manifest.model_id

    def chosen(selection: Selection) -> set[str]:
        return {each.scan_id for each in select_scans(table, model_id, selection)}

    one = next(iter(stored.values()))
    assert chosen(Selection(export_id=one.export_id)) == {one.scan_id}
    assert chosen(Selection(days=(NOON.date(), NOON.date()))) == set(stored)
    called = {each.scan_id for each in stored.values() if each.finding is TumorClass.GLIOMA}
    assert chosen(Selection(finding=TumorClass.GLIOMA)) == called
    assert chosen(Selection(answered_by=network.manifest.model_id)) == set(stored)
    assert chosen(Selection(answered_by=model_id)) == set()
    assert select_scans(table, network.manifest.model_id, Selection()) == []
    assert chosen(Selection(review=ReviewState.REJECTED)) == set()
    table.scans.review(one.scan_id, 0, opinion(Verdict.REJECTED))
    assert chosen(Selection(review=ReviewState.REJECTED)) == {one.scan_id}
    assert chosen(Selection(one.export_id, answered_by=network.manifest.model_id)) == {one.scan_id}
    assert chosen(Selection(one.export_id, answered_by="f" * 64)) == set()


def test_what_a_run_keeps_of_a_scan_while_it_is_put_into_batches_is_small() -> None:
    tracemalloc.start()
    kept = [StoredScan.of(a_record(number)) for number in range(1000)]
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / len(kept) < 600  # bytes: a million scans are half a gigabyte at most
