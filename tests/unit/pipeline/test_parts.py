"""A large upload is expanded in parts: each once, in any order, and the whole adds up."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from brainscan.domain import ExportState, Outcome, Reason
from brainscan.pipeline.intake import UnknownExportError, intake, intake_part
from brainscan.settings import Limits
from brainscan.store.file_results import listing_of
from tests.conftest import World
from tests.making import png, present, tarred, zipped

IMAGES = {f"Doe^Jane/{n}.png": png(32, seed=n) for n in range(10)} | {"notes.txt": b"hello", "bad.png": b"hello"}


@pytest.fixture
def small(world: World) -> Any:
    """Services that expand four files an invocation."""
    return replace(world.services, limits=Limits(part_files=4))


def drained(world: World, services: Any, order: Callable[..., Any] = lambda parts: parts) -> Any:
    """Take parts until none is left, those of each round in some order."""
    taken = []
    while parts := order(world.parts()):
        for part in parts:
            intake_part(part, services)
        taken += parts
    return taken


def whole(world: World, export: Any) -> Any:
    body = listing_of(export.export_id, world.services.table, world.services.results)
    return [json.loads(line) for line in body.splitlines()]


def check(world: World, export_id: str) -> Any:
    export = present(world.services.table.exports.get(export_id))
    assert (export.state, export.files, export.skipped) == (ExportState.EXPANDED, 12, 1)
    assert export.counts == {Outcome.QUEUED: 10, Outcome.REJECTED: 1}
    assert [line["index"] for line in whole(world, export)] == list(range(12))
    queued = {scan.scan_id for scan in world.queued()}
    assert len(queued) == 10
    return queued


def test_parts_of_a_zip_in_any_order_make_the_whole(world: World, small: Any) -> None:
    export = intake(world.upload("export.zip", zipped(IMAGES)), small)
    assert export.state is ExportState.EXPANDING
    taken = drained(world, small, order=lambda parts: parts[::-1])
    assert sorted((part.first, part.stop) for part in taken) == [(0, 4), (4, 8), (8, 12)]
    check(world, export.export_id)


@pytest.mark.parametrize("compression", ["", "gz"])
def test_parts_of_a_tar_follow_each_other(world: World, small: Any, compression: str) -> None:
    export = intake(world.upload("export", tarred(IMAGES, compression)), small)
    taken = drained(world, small)
    assert [part.first for part in taken] == [4, 8]
    check(world, export.export_id)


def test_split_or_not_the_scans_are_the_same(world: World, small: Any) -> None:
    data = zipped(IMAGES)
    split = intake(world.upload("export.zip", data), small)
    drained(world, small)
    in_parts = check(world, split.export_id)
    records = world.services.table.scans.get_many(list(in_parts))
    whole_records = world.services.table.queries.of_export(split.export_id, limit=100).items
    assert set(records) == {record.scan_id for record in whole_records if record.outcome is Outcome.QUEUED}
    assert [record.source.entry_index for record in whole_records] == [*range(10), 11]


def test_repeats_of_uploads_and_parts_change_nothing(world: World, small: Any) -> None:
    upload = world.upload("export.zip", zipped(IMAGES))
    export = intake(upload, small)
    parts = world.parts()
    intake_part(parts[1], small)
    intake_part(parts[1], small)
    intake(upload, small)
    again = world.parts()
    assert again == parts
    for part in [*again, *parts]:
        intake_part(part, small)
    intake(upload, small)
    assert world.parts() == []
    check(world, export.export_id)


def test_an_interrupted_part_is_completed_by_its_repeat(
    world: World, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = intake(world.upload("export.zip", zipped(IMAGES)), small)
    parts = world.parts()
    with monkeypatch.context() as patched:
        patched.setattr(type(small.table.exports), "put_part", lambda *_: (_ for _ in ()).throw(ConnectionError))
        with pytest.raises(ConnectionError):
            intake_part(parts[0], small)
    for part in parts:
        intake_part(part, small)
    check(world, export.export_id)


def test_an_interrupted_conclusion_is_completed_by_a_repeat_of_any_part(
    world: World, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = intake(world.upload("export.zip", zipped(IMAGES)), small)
    parts = world.parts()
    for part in parts[:-1]:
        intake_part(part, small)
    with monkeypatch.context() as patched:
        patched.setattr(type(small.table.versions), "make_latest", lambda *_: (_ for _ in ()).throw(ConnectionError))
        with pytest.raises(ConnectionError):
            intake_part(parts[-1], small)
    assert present(world.services.table.exports.get(export.export_id)).state is ExportState.EXPANDING
    intake_part(parts[0], small)
    check(world, export.export_id)


def test_messages_of_parts_name_no_object(world: World, small: Any) -> None:
    intake(world.upload("Doe^Jane.zip", zipped(IMAGES)), small)
    assert all("Doe" not in part.model_dump_json() for part in world.parts())


def test_a_newer_version_wins_over_parts_that_are_still_to_come(world: World, small: Any) -> None:
    old = intake(world.upload("export.zip", zipped(IMAGES), sequencer="01"), small)
    parts = world.parts()
    intake_part(parts[0], small)
    new = intake(world.upload("export.zip", zipped({"only.png": png(32)}), sequencer="02"), small)
    for part in parts:
        intake_part(part, small)
    assert present(world.services.table.exports.get(old.export_id)).state is ExportState.SUPERSEDED
    assert new.counts == {Outcome.QUEUED: 1}
    records = world.services.table.queries.of_export(old.export_id, limit=100).items
    assert {(record.outcome, *record.reasons) for record in records} == {(Outcome.SKIPPED, Reason.SUPERSEDED)}


def test_a_newer_version_makes_way_for_itself_once_all_its_parts_are_done(world: World, small: Any) -> None:
    old = intake(world.upload("export.zip", zipped({"only.png": png(32)}), sequencer="01"), small)
    new = intake(world.upload("export.zip", zipped(IMAGES), sequencer="02"), small)
    parts = world.parts()
    intake_part(parts[0], small)
    assert present(world.services.table.exports.get(old.export_id)).state is ExportState.EXPANDED
    for part in parts[1:]:
        intake_part(part, small)
    assert present(world.services.table.exports.get(old.export_id)).state is ExportState.SUPERSEDED
    assert present(world.services.table.exports.get(new.export_id)).files == 12


def test_an_upload_that_vanishes_between_its_parts_is_concluded_as_gone(world: World, small: Any) -> None:
    upload = world.upload("export.zip", zipped(IMAGES))
    intake(upload, small)
    world.s3.delete_object(Bucket="uploads", Key="export.zip", VersionId=upload.version_id)
    [export] = [intake_part(part, small) for part in world.parts()[:1]]
    assert (export.state, export.files, export.skipped) == (ExportState.EXPANDED, 1, 1)


def test_a_part_of_an_export_that_nobody_registered_is_an_error(world: World, small: Any) -> None:
    intake(world.upload("export.zip", zipped(IMAGES)), small)
    [part, *_] = world.parts()
    with pytest.raises(UnknownExportError):
        intake_part(part.model_copy(update={"export_id": "0" * 32}), small)
