"""What comes late or again after a patient was erased brings nothing back, and a new upload is a new one."""

import json
from typing import Any, cast

import pytest

import brainscan.pipeline.analyze
from brainscan.domain import ExportState, Outcome
from brainscan.domain.erasure import Trace
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.deliver import deliver
from brainscan.pipeline.erase import erase, find_traces
from brainscan.pipeline.give_up import give_up
from brainscan.pipeline.intake import intake
from brainscan.pipeline.report import ReportStatus, report
from tests.conftest import TABLE, World
from tests.making import NOON, present, zipped
from tests.unit.pipeline.erasing import (
    GONE,
    MODEL,
    ONE,
    SLICES,
    TWO,
    Hospital,
    answer,
    erased,
    everything,
    files,
    items,
)

pytestmark = pytest.mark.usefixtures("quick")


def test_a_message_of_an_erased_scan_is_taken_and_does_nothing(arrived: Hospital, dynamodb: Any) -> None:
    world = arrived.world
    late = [scan for scan in world.queued() if scan.patient_id == ONE]
    receipt = erased(arrived)
    assert receipt.repeat_after is not None
    before = everything(world, dynamodb)
    results = analyze(late, world.services, MODEL)
    assert [(each.repeat, each.error) for each in results] == [(True, None)] * (SLICES + 1)
    assert [give_up(scan, world.services) for scan in late] == [None] * (SLICES + 1)
    assert everything(world, dynamodb) == before


def test_an_attempt_that_was_under_way_loses_and_a_repeat_takes_its_files(
    arrived: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, predict = arrived.world, vars(brainscan.pipeline.analyze)["predict"]

    def late(*given: Any) -> Any:
        erased(arrived)
        return predict(*given)

    monkeypatch.setattr("brainscan.pipeline.analyze.predict", late)
    waiting = arrived.scans(ONE)[0]
    [result] = analyze([waiting], world.services, MODEL)
    assert (result.repeat, present(result.record).is_erased) == (True, True)
    receipt = erased(arrived)
    assert receipt.erased[Trace.RESULT_FILES] > 0  # versions and markers of what the attempt wrote and took back
    assert not [key for key, _ in files(world, "results") if waiting.scan_id in key]


def test_an_event_of_an_upload_that_is_gone_leaves_its_export_as_it_is(
    arrived: Hospital, dynamodb: Any, slices: dict[str, list[bytes]]
) -> None:
    world = arrived.world
    upload = world.upload("again.dcm", slices["ONE"][1])
    export = intake(upload, world.services)
    erased(arrived)
    before = everything(world, dynamodb)
    assert intake(upload, world.services).state is ExportState.EXPANDED
    assert everything(world, dynamodb) == before
    assert present(world.services.table.exports.get(export.export_id)).expected == 1


def test_an_upload_that_is_read_again_registers_no_scan_anew(world: World, slices: dict[str, list[bytes]]) -> None:
    of_both = {f"IM{n}": data for n, data in enumerate([*slices["ONE"], *slices["TWO"]])}
    upload = world.upload("cut.zip", zipped(of_both))
    export = intake(upload, world.services)
    world.queued()
    # As if intake had broken off before it said that the export is whole.
    broken = export.model_copy(update={"state": ExportState.EXPANDING, "counts": {}, "needs_review": 0})
    world.services.table.exports.conclude(broken)
    dropped = {"pk": {"S": f"EXPORT#{export.export_id}"}, "sk": {"S": "PART#00000"}}
    world.services.table.scans._table.client.delete_item(TableName=TABLE, Key=dropped)
    receipt = erase(find_traces(ONE, world.services), world.services, "tests")
    assert receipt.under_way == (export.export_id,)
    intake(upload, world.services)
    assert {scan.patient_id for scan in world.queued()} == {TWO}
    assert {(each.outcome, each.reasons) for each in find_traces(ONE, world.services).items.scans} == {GONE}
    erase(find_traces(ONE, world.services), world.services, "tests")
    assert not [key for (key, _), body in files(world, "results").items() if b"PHANTOM-ONE" in body]


def test_a_report_and_its_delivery_find_nothing_to_do(hospital: Hospital) -> None:
    world, series_id = hospital.world, hospital.series(ONE)
    reported = present(world.services.table.reports.latest(series_id))
    erased(hospital)
    assert report(series_id, world.services).state is ReportStatus.WAITING
    assert deliver(reported, world.services.table, world.services.results, cast(Any, None)) == 0


def test_changes_that_are_counted_late_are_found_by_the_next_run(arrived: Hospital, dynamodb: Any) -> None:
    world = arrived.world
    answer(arrived)  # and nobody has counted yet
    erased(arrived)
    world.services.table.statistics.of_day(NOON.date().isoformat())
    erased(arrived)
    left = {key for key, item in items(dynamodb).items() if ONE in json.dumps(item)}
    assert {pk.partition("#")[0] for pk, _ in left} == {"SCAN"}


def test_a_new_upload_of_the_patient_is_taken_in_and_analyzed(
    hospital: Hospital, slices: dict[str, list[bytes]]
) -> None:
    world = hospital.world
    erased(hospital)
    intake(world.upload("next year.zip", zipped({"IM0": slices["ONE"][0]})), world.services)
    answer(hospital)
    assert [scan.outcome for scan in hospital.scans(ONE)] == [Outcome.ANALYZED]
    series = present(world.services.table.series.get(hospital.series(ONE)))
    assert (series.expected, series.remaining, series.revision) == (1, 0, 1)
