"""Stored scans are read again by another model, each once, beside the answers that stand."""

from collections.abc import Sequence

import pytest

from brainscan.domain import Outcome, Reason, ScanRecord
from brainscan.domain.reprocess import Batch, ReprocessedScan, Run, RunState
from brainscan.inference.runtime import Model
from brainscan.pipeline import reprocess
from brainscan.pipeline.compare import prediction_pairs
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.pipeline.reprocess import BatchFailedError, give_up, reprocess_batch
from brainscan.pipeline.runs import progress, start
from brainscan.settings import Limits
from tests.conftest import World
from tests.making import NOON
from tests.unit.pipeline.reprocessing import SCANS, Executions, batches_of, go_through


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
