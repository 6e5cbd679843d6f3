"""A run over stored scans is paused, goes on, spends no more than it may, and is of the scans that were chosen."""

import tracemalloc

import pytest

from brainscan.domain import ReviewState, ScanRecord, TumorClass, Verdict
from brainscan.domain.reprocess import Run, RunState, RunStateError, Spent
from brainscan.inference.runtime import Model
from brainscan.pipeline.reprocess import RunNotActiveError, active_run, finish, reprocess_batch
from brainscan.pipeline.runs import Selection, StoredScan, pause_or_stop, progress, resume, select_scans
from brainscan.store.table.runs import RunConflictError
from tests.conftest import World
from tests.making import NOON, a_record, opinion
from tests.unit.pipeline.reprocessing import Executions, batches_of, go_through


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
