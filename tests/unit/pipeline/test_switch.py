"""Stored scans are switched to the model that is served: a series whole, each once, and back by the same pass."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from brainscan.domain import Outcome, ReviewState, ScanRecord, TumorClass, Verdict
from brainscan.domain.model_version import ModelState
from brainscan.domain.reprocess import Batch, BatchDone, Run, RunMode, RunState
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.compare import prediction_pairs
from brainscan.pipeline.intake import intake
from brainscan.pipeline.models import Decision, add_model, set_model_state
from brainscan.pipeline.report import ReportStatus, report
from brainscan.pipeline.reprocess import BatchFailedError, RunNotActiveError, give_up, reprocess_batch
from brainscan.pipeline.runs import StoredScan, batch_series
from brainscan.pipeline.switch import refuse_unserved, switch_batch
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from tests.conftest import World
from tests.making import NOON, a_record, opinion, present, zipped
from tests.tiny_model import write_model

SLICES = 5


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Model]:
    """The one that answered, and the one in its place: what is bright is a glioma to one, pituitary to the other."""
    made = []
    for tumor in (TumorClass.GLIOMA, TumorClass.PITUITARY):
        folder = tmp_path_factory.mktemp(tumor)
        write_model(folder, tumor)
        made.append(Model.load(folder))
    return made[0], made[1]


@pytest.fixture
def stored(world: World, models: tuple[Model, Model]) -> dict[str, ScanRecord]:
    """Slices of a series, and a picture of none, that the first model has answered."""
    phantom = head(seed=7, lesion=GLIOMA, size=96, slices=12)
    files = {f"IM{number}": each for number, each in enumerate(to_dicom(phantom)[4 : 4 + SLICES])}
    intake(world.upload("series.zip", zipped(files)), world.services)
    intake(world.upload("picture.png", to_png(phantom.volume[5])), world.services)
    found = [each.record for each in analyze(world.queued(), world.services, models[0]) if each.record]
    assert len(found) == SLICES + 1
    return {each.scan_id: each for each in found}


def a_run(model: Model, mode: RunMode) -> Run:
    return Run(
        run_id=f"{mode}-{model.manifest.model_id[:4]}",
        model_id=model.manifest.model_id,
        mode=mode,
        selection="all",
        by="dr.k",
        started_at=datetime.now(UTC),
        scans=SLICES + 1,
        batches=1,
        most_at_once=1,
        dollars_per_second=1.0,
        dollars_per_scan=0.5,
    )


def batch(run: Run, stored: dict[str, ScanRecord]) -> Batch:
    return Batch(run_id=run.run_id, number=0, scan_ids=tuple(stored))


def read(world: World, stored: dict[str, ScanRecord], model: Model) -> None:
    run = a_run(model, RunMode.READ)
    reprocess_batch(batch(run, stored), run, model, world.services)


def switch(world: World, stored: dict[str, ScanRecord], model: Model) -> BatchDone:
    run = a_run(model, RunMode.SWITCH)
    return switch_batch(batch(run, stored), run, lambda: model, world.services)


def now(world: World, stored: dict[str, ScanRecord]) -> dict[str, ScanRecord]:
    return world.services.table.scans.get_many(list(stored))


def series_of(stored: dict[str, ScanRecord]) -> str:
    [series_id] = {each.series_id for each in stored.values() if each.series_id}
    return series_id


def ids(records: dict[str, ScanRecord]) -> Counter[str | None]:
    return Counter(each.model_id for each in records.values())


def test_what_the_model_said_stands_from_then_on_and_files_say_the_same(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model]
) -> None:
    read(world, stored, models[1])
    done = switch(world, stored, models[1])
    assert (done.answered, done.gone, done.failed) == (SLICES + 1, 0, 0)
    after, served = now(world, stored), models[1].manifest.model_id
    for scan_id, record in after.items():
        kept = ScanRecord.model_validate_json(world.services.results.get(present(record.result_key)))
        assert kept == record
        assert record.model_id == served
        assert record.image_key == stored[scan_id].image_key
        assert record.traits == stored[scan_id].traits
        assert present(record.finished_at) > present(stored[scan_id].finished_at)
        assert (stored[scan_id].predicted, record.predicted) == (TumorClass.GLIOMA, TumorClass.PITUITARY)
        masks = [world.services.results.get(present(each.mask_key)) for each in (stored[scan_id], record)]
        assert masks[0] == masks[1]


def test_two_models_that_outline_the_same_are_compared_as_alike_in_full(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model]
) -> None:
    read(world, stored, models[1])
    day, read_by = NOON.date(), models[1].manifest.model_id
    pairs = list(prediction_pairs(read_by, day, day, world.services.table, world.services.results))
    assert len(pairs) == SLICES + 1
    assert {pair.dice for pair in pairs if pair.served.tumor} == {1.0}


def test_what_the_model_has_not_read_is_read_and_the_series_answers_by_it_from_then_on(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model]
) -> None:
    before, served = (each.manifest.model_id for each in models)
    switch(world, stored, models[1])
    assert ids(now(world, stored)) == {served: SLICES + 1}
    assert world.services.table.models.of_series([series_of(stored)], before) == {series_of(stored): served}


def test_a_repeat_changes_nothing(world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model]) -> None:
    switch(world, stored, models[1])
    after, keys = now(world, stored), world.keys()
    assert switch(world, stored, models[1]).answered == SLICES + 1
    assert (now(world, stored), world.keys()) == (after, keys)


def test_going_back_is_the_same_pass_and_needs_neither_network_nor_files(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch(world, stored, models[1])
    forward, keys = now(world, stored), world.keys()
    for model in models:
        monkeypatch.setattr(model, "run", None)
    switch(world, stored, models[0])
    assert now(world, stored) == stored
    switch(world, stored, models[1])
    assert now(world, stored) == forward
    assert world.keys() == keys


def test_the_series_is_reported_anew_and_rests_on_one_model(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model]
) -> None:
    series_id = series_of(stored)
    assert report(series_id, world.services).state is ReportStatus.REPORTED
    switch(world, stored, models[1])
    assert report(series_id, world.services).state is ReportStatus.REPORTED
    shown = present(world.services.table.summaries.series(series_id))
    assert (shown.model_id, shown.predicted) == (models[1].manifest.model_id, TumorClass.PITUITARY)


@pytest.mark.parametrize("last_call", ["update_reprocessed", "exchange", "put_done"])
def test_a_switch_whose_process_was_killed_is_completed_and_not_reported_before(
    world: World,
    stored: dict[str, ScanRecord],
    models: tuple[Model, Model],
    monkeypatch: pytest.MonkeyPatch,
    last_call: str,
) -> None:
    read(world, stored, models[1])
    table, served = world.services.table, models[1].manifest.model_id
    owner: Any = table.scans if last_call == "exchange" else table.runs
    call: Callable[..., Any] = getattr(type(owner), last_call)
    calls: list[int] = []

    def killed(*arguments: Any) -> Any:
        calls.append(1)
        if last_call == "put_done" or len(calls) > 2:
            raise KeyboardInterrupt
        return call(*arguments)

    with monkeypatch.context() as broken:
        broken.setattr(type(owner), last_call, killed)
        with pytest.raises(KeyboardInterrupt):
            switch(world, stored, models[1])
    slices = [each for each in now(world, stored).values() if each.series_id]
    if len({each.model_id for each in slices}) > 1:
        assert report(series_of(stored), world.services).state is ReportStatus.WAITING
    switch(world, stored, models[1])
    assert ids(now(world, stored)) == {served: SLICES + 1}
    assert report(series_of(stored), world.services).state is ReportStatus.REPORTED
    switch(world, stored, models[0])
    assert now(world, stored) == stored


def test_a_series_of_which_a_slice_has_no_answer_stays_whole_as_it_was(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model]
) -> None:
    expired = next(each for each in stored.values() if each.series_id)
    world.services.results.delete([expired.staged_key])
    done = switch(world, stored, models[1])
    assert (done.answered, done.gone) == (1, SLICES)
    before, served = (each.manifest.model_id for each in models)
    assert ids(now(world, stored)) == {before: SLICES, served: 1}
    assert world.services.table.models.of_series([series_of(stored)], before) == {series_of(stored): before}


def test_a_series_with_a_slice_that_waits_is_left_for_later(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model]
) -> None:
    waiting = a_record(9).model_copy(update={"series_id": series_of(stored), "outcome": Outcome.QUEUED})
    world.services.table.scans.register([waiting])
    for _ in range(2):
        with pytest.raises(BatchFailedError, match=f"{SLICES} of {SLICES + 1}"):
            switch(world, stored, models[1])
    before = models[0].manifest.model_id
    assert ids(now(world, stored))[before] == SLICES
    run = a_run(models[1], RunMode.SWITCH)
    give_up(Batch(run_id=run.run_id, scan_ids=(next(iter(stored)),)), run, world.services)
    done = switch(world, stored, models[1])
    assert (done.answered, done.failed) == (1, SLICES)
    assert world.services.table.runs.dead(run.run_id) == [next(iter(stored))]


def test_what_readers_called_stands_beside_the_other_answer(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model]
) -> None:
    confirmed, corrected, *_ = [each for each in stored.values() if each.predicted is TumorClass.GLIOMA]
    scans = world.services.table.scans
    scans.review(confirmed.scan_id, 0, opinion(Verdict.CONFIRMED, reader="dr.k"))
    scans.review(corrected.scan_id, 0, opinion(Verdict.CORRECTED, TumorClass.PITUITARY, "dr.k"))
    reviewed = now(world, stored)
    switch(world, stored, models[1])
    after = now(world, stored)
    for one, called, state in (
        (confirmed, TumorClass.GLIOMA, ReviewState.CORRECTED),
        (corrected, TumorClass.PITUITARY, ReviewState.CONFIRMED),
    ):
        assert (after[one.scan_id].finding, after[one.scan_id].review_state) == (called, state)
        assert (after[one.scan_id].revision, after[one.scan_id].needs_review) == (1, False)
        assert [each.verdict for each in scans.history(one.scan_id)] == [present(reviewed[one.scan_id].review).verdict]
    switch(world, stored, models[0])
    assert now(world, stored) == reviewed


def test_a_verdict_given_meanwhile_is_kept(
    world: World, stored: dict[str, ScanRecord], models: tuple[Model, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader_first = next(each for each in stored.values() if each.predicted is TumorClass.GLIOMA)
    scans = world.services.table.scans
    exchange, seen = type(scans).exchange, set[str]()

    def overtaken(self: Any, before: ScanRecord, after: ScanRecord) -> bool:
        if before.scan_id == reader_first.scan_id and not seen:
            seen.add(before.scan_id)
            scans.review(before.scan_id, 0, opinion(Verdict.CONFIRMED, reader="dr.k"))
        return exchange(self, before, after)

    monkeypatch.setattr(type(scans), "exchange", overtaken)
    switch(world, stored, models[1])
    after = now(world, stored)
    assert ids(after) == {models[1].manifest.model_id: SLICES + 1}
    assert after[reader_first.scan_id].finding is TumorClass.GLIOMA


def test_only_to_the_model_that_is_served_are_scans_switched(
    world: World, models: tuple[Model, Model], tmp_path_factory: pytest.TempPathFactory
) -> None:
    table, shipped = world.services.table, models[0].manifest.model_id
    run = a_run(models[1], RunMode.SWITCH)
    table.runs.put(run)
    with pytest.raises(RunNotActiveError, match="not served"):
        refuse_unserved(run, shipped, table)
    held = present(table.runs.get(run.run_id))
    assert (held.state, held.why) == (RunState.PAUSED, "another model is served")
    refuse_unserved(a_run(models[0], RunMode.SWITCH), shipped, table)
    folder = tmp_path_factory.mktemp("served")
    write_model(folder, TumorClass.PITUITARY)
    decision = Decision("dr.k", "a test", override=True)
    add_model(folder, table, world.services.results, decision)
    set_model_state(models[1].manifest.model_id, ModelState.SERVED, table, decision)
    refuse_unserved(run, shipped, table)
    with pytest.raises(RunNotActiveError):
        refuse_unserved(a_run(models[0], RunMode.SWITCH), shipped, table)


def test_no_batch_tears_a_series_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainscan.pipeline.runs.BATCH", 4)
    records = [a_record(n).model_copy(update={"series_id": f"{n // 3:032x}" if n < 9 else None}) for n in range(12)]
    batches = batch_series(list(map(StoredScan.of, records)))
    assert sorted(scan_id for each in batches for scan_id in each) == sorted(each.scan_id for each in records)
    for number in range(3):
        mine = {each.scan_id for each in records[3 * number : 3 * number + 3]}
        assert [mine <= set(each) for each in batches if mine & set(each)] == [True]
    assert max(map(len, batches)) == 4
