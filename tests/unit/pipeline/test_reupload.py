"""An image that comes again replaces itself: a series uploaded twice is one series, and every counter stays exact."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from brainscan.domain import Export, Outcome, Reason, ScanRecord
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.intake import intake
from brainscan.pipeline.report import ReportStatus, report
from brainscan.store import Table
from brainscan.store.objects import report_key
from brainscan.store.table import Scans
from brainscan.store.upload import Upload
from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.conftest import World
from tests.listing import listed_scans
from tests.making import NOON, a_record, present, zipped

SLICES = 4
SERIES, IMAGE = "5" * 32, "1" * 32


@pytest.fixture(scope="module")
def slices() -> list[bytes]:
    return to_dicom(head(seed=1, lesion=GLIOMA, size=64, slices=SLICES))


def upload(world: World, key: str, slices: list[bytes], minutes: int = 0) -> Upload:
    """The series in a ZIP of that name, some minutes after noon."""
    files = {f"{key}/IM{place}": data for place, data in enumerate(slices)}
    return replace(world.upload(key, zipped(files)), received_at=NOON + timedelta(minutes=minutes))


def answer(world: World, network: Model) -> None:
    """Analyze all that waits."""
    scans = world.queued()
    assert all(each.error is None for each in analyze(scans, world.services, network))


def series(world: World) -> Any:
    """The only series that an index knows, and its slices there."""
    found = {record.series_id for record in listed_scans(world.services.table, NOON.date().isoformat())}
    [series_id] = found
    return world.services.table.series.get(present(series_id)), world.services.table.series.scans(
        present(series_id)
    ).items


def counted(world: World, export: Export) -> dict[Outcome, int]:
    """The scans of an export by outcome, counted one by one."""
    found: dict[Outcome, int] = {}
    for record in world.services.table.queries.of_export(export.export_id).items:
        found[record.outcome] = found.get(record.outcome, 0) + 1
    return found


def counts(world: World, export: Export) -> dict[Outcome, int]:
    """What the export's counters say."""
    return {name: n for name, n in present(world.services.table.exports.get(export.export_id)).counts.items() if n}


def answered(outcomes: dict[Outcome, int]) -> int:
    """The scans that the network answered, whatever it thinks of them."""
    return outcomes.get(Outcome.ANALYZED, 0) + outcomes.get(Outcome.ABSTAINED, 0)


def test_a_series_uploaded_twice_is_one_series_with_one_exact_report(
    world: World, slices: list[bytes], network: Model
) -> None:
    first = intake(upload(world, "monday.zip", slices), world.services)
    answer(world, network)
    again = intake(upload(world, "tuesday.zip", slices, minutes=5), world.services)
    answer(world, network)
    found, shown = series(world)
    assert (found.expected, found.remaining, len(shown)) == (SLICES, 0, SLICES)
    assert {record.export_id for record in shown} == {again.export_id}
    assert report(found.series_id, world.services).state is ReportStatus.REPORTED
    told = json.loads(world.services.results.get(report_key(found.series_id, found.revision, "series.json")))
    assert sorted(each["scan_id"] for each in told["slices"]) == sorted(record.scan_id for record in shown)
    for export in (first, again):
        assert counts(world, export) == counted(world, export)
        assert answered(counts(world, export)) == SLICES
    statistics = world.services.table.statistics.of_day(NOON.date().isoformat())
    assert answered(statistics.outcomes) == sum(statistics.outcomes.values()) == SLICES


def test_slices_that_still_wait_are_not_analyzed_for_nothing(world: World, slices: list[bytes], network: Model) -> None:
    first = intake(upload(world, "monday.zip", slices), world.services)
    again = intake(upload(world, "tuesday.zip", slices, minutes=5), world.services)
    answer(world, network)
    assert counts(world, first) == counted(world, first) == {Outcome.SKIPPED: SLICES}
    assert {record.reasons for record in world.services.table.queries.of_export(first.export_id).items} == {
        (Reason.SUPERSEDED,)
    }
    assert counts(world, again) == counted(world, again)
    assert answered(counts(world, again)) == SLICES
    found, shown = series(world)
    assert (found.expected, found.remaining, len(shown)) == (SLICES, 0, SLICES)


def test_an_upload_that_is_taken_in_late_does_not_replace_a_later_one(
    world: World, slices: list[bytes], network: Model
) -> None:
    early, late = upload(world, "monday.zip", slices), upload(world, "tuesday.zip", slices, minutes=5)
    standing = intake(late, world.services)
    replaced = intake(early, world.services)
    answer(world, network)
    found, shown = series(world)
    assert (found.expected, found.remaining) == (SLICES, 0)
    assert {record.export_id for record in shown} == {standing.export_id}
    assert counts(world, replaced) == counted(world, replaced) == {Outcome.SKIPPED: SLICES}


def test_part_of_a_series_replaces_only_that_part(world: World, slices: list[bytes], network: Model) -> None:
    first = intake(upload(world, "all.zip", slices), world.services)
    second = intake(upload(world, "two.zip", slices[:2], minutes=5), world.services)
    answer(world, network)
    found, shown = series(world)
    assert (found.expected, found.remaining) == (SLICES, 0)
    assert [record.export_id for record in shown] == [second.export_id] * 2 + [first.export_id] * 2


def test_a_file_that_is_twice_in_one_archive_is_one_slice(world: World, slices: list[bytes], network: Model) -> None:
    files = {"IM0": slices[0], "copy of IM0": slices[0], "IM1": slices[1]}
    export = intake(world.upload("export.zip", zipped(files)), world.services)
    answer(world, network)
    found, shown = series(world)
    assert (found.expected, found.remaining, len(shown)) == (2, 0, 2)
    assert counts(world, export) == counted(world, export)
    assert (answered(counts(world, export)), counts(world, export)[Outcome.SKIPPED]) == (2, 1)


def test_repeats_in_any_order_end_the_same(world: World, slices: list[bytes], network: Model) -> None:
    uploads = [upload(world, f"{minute}.zip", slices, minute) for minute in range(3)]
    for each in random.Random(2).sample(uploads * 2, 6):
        intake(each, world.services)
    answer(world, network)
    found, shown = series(world)
    assert (found.expected, found.remaining, len(shown)) == (SLICES, 0, SLICES)
    assert {record.received_at for record in shown} == {NOON + timedelta(minutes=2)}


def an_image(number: int, minutes: int = 0) -> ScanRecord:
    """A scan of one and the same image."""
    return a_record(number, series_id=SERIES, instance_id=IMAGE, received_at=NOON + timedelta(minutes=minutes), order=7)


def test_an_interrupted_replacement_is_completed_by_the_next_delivery(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.scans.register([an_image(0)])
    with monkeypatch.context() as broken:
        broken.setattr(Scans, "_supersede", lambda *_: (_ for _ in ()).throw(ConnectionError()))
        with pytest.raises(ConnectionError):
            table.scans.register([an_image(1, minutes=1)])
    assert present(table.series.get(SERIES)).expected == 2
    table.scans.register([an_image(1, minutes=1)])
    assert (present(table.series.get(SERIES)).expected, present(table.series.get(SERIES)).remaining) == (1, 1)
    assert [record.scan_id for record in table.series.scans(SERIES).items] == [an_image(1).scan_id]


def test_frames_and_slices_of_one_uid_each_have_their_place(table: Table) -> None:
    alike = [an_image(number).model_copy(update={"instance_id": f"{number}" * 32}) for number in range(3)]
    table.scans.register(alike)
    assert present(table.series.get(SERIES)).expected == 3
