"""Intake registers each upload once, gives every file an outcome, and lets newer versions win."""

import json
from dataclasses import replace
from typing import Any

import pytest

from brainscan.domain import ExportState, Kind, Outcome, Reason, TumorClass
from brainscan.pipeline.expand import CHUNK_FILES, Tally
from brainscan.pipeline.intake import intake
from brainscan.settings import Limits
from brainscan.store.queues import QueueError
from brainscan.store.upload import Upload
from tests.conftest import World
from tests.listing import listed_scans
from tests.making import NOON, analyzed, png, present, zipped
from tests.unit.pipeline.taken import listing, scans_of


def test_the_listing_of_a_lone_file_takes_no_object_and_that_of_many_files_one(world: World) -> None:
    alone = intake(world.upload("scan.png", png(40)), world.services)
    assert [line["scan_ids"] for line in listing(world, alone)] == [[world.queued()[0].scan_id]]
    assert world.keys("exports/") == []
    many = intake(world.upload("many.zip", zipped({f"{n}.png": png(40, seed=n) for n in range(4)})), world.services)
    assert len(listing(world, many)) == 4
    assert world.keys("exports/") == [f"exports/{many.export_id}/files.jsonl"]


def test_an_image_becomes_one_queued_scan_with_its_bytes_staged(world: World) -> None:
    export = intake(world.upload("incoming/Jürgen Müller+1.png", png()), world.services)
    [scan] = world.queued()
    assert (export.state, export.kind, export.files, export.scans) == (ExportState.EXPANDED, Kind.PNG, 1, 1)
    assert world.services.results.get(scan.staged_key) == png()
    assert (scan.scan_id,) == tuple(record.scan_id for record in scans_of(world, export))


def test_every_file_of_an_archive_has_its_outcome_in_the_table_or_the_listing(world: World) -> None:
    files = {
        "a.png": png(seed=1),
        "sub/b.png": png(seed=2),
        "../evil.png": png(),
        "broken.png": png()[:40],
        "text.png": b"hello",
        "README.txt": b"hello",
        "__MACOSX/._a.png": b"x",
    }
    export = intake(world.upload("export.zip", zipped(files)), world.services)
    by_place = {record.source.entry_index: record for record in scans_of(world, export)}
    outcomes = {place: (record.outcome, *record.reasons) for place, record in by_place.items()}
    assert outcomes == {
        0: (Outcome.QUEUED,),
        1: (Outcome.QUEUED,),
        2: (Outcome.REJECTED, Reason.PATH_TRAVERSAL),
        3: (Outcome.REJECTED, Reason.UNREADABLE),
        4: (Outcome.REJECTED, Reason.UNRECOGNIZED_CONTENT),
    }
    assert [line["outcome"] for line in listing(world, export)] == ["queued"] * 2 + ["rejected"] * 3 + ["skipped"] * 2
    assert (export.files, export.skipped, export.counts) == (7, 2, {Outcome.QUEUED: 2, Outcome.REJECTED: 3})
    assert len(world.queued()) == 2


def test_what_intake_tells_adds_up_to_the_files_and_scans_of_an_upload_once(world: World) -> None:
    files = {"a.png": png(seed=1), "b.png": png(seed=2), "broken.png": png()[:40], "README.txt": b"hello"}
    upload = world.upload("export.zip", zipped(files))
    heard: list[Tally] = []
    export = intake(upload, world.services, heard.append)
    intake(upload, world.services, heard.append)
    [tally] = heard
    assert (tally.files, tally.skipped) == (export.files, export.skipped) == (4, 1)
    assert dict(tally.new) == export.counts == {Outcome.QUEUED: 2, Outcome.REJECTED: 1}


def test_a_rejected_file_has_its_result_in_the_bucket(world: World) -> None:
    export = intake(world.upload("notes.png", b"hello"), world.services)
    [record] = scans_of(world, export)
    result = json.loads(world.services.results.get(record.result_key))
    assert (result["outcome"], result["reasons"]) == ("rejected", ["unrecognized_content"])
    assert result["research_use"] == "Research use only. Not a medical device."


def test_a_repeat_changes_nothing_and_queues_nothing(world: World) -> None:
    upload = world.upload("export.zip", zipped({f"{n}.png": png(seed=n) for n in range(5)}))
    first = intake(upload, world.services)
    assert len(world.queued()) == 5
    assert intake(upload, world.services) == first
    assert world.queued() == []


def test_an_intake_that_broke_off_is_completed_by_the_next_without_counting_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = world.upload("export.zip", zipped({f"{n}.png": png(seed=n) for n in range(40)}))
    send = world.services.queue.send
    calls = iter([True, False])

    def refusing(scans: Any) -> None:
        if not next(calls):
            raise QueueError
        send(scans)

    with monkeypatch.context() as broken:
        broken.setattr(world.services.queue, "send", refusing)
        with pytest.raises(QueueError):
            intake(upload, world.services)
    export = intake(upload, world.services)
    assert export.counts == {Outcome.QUEUED: 40}
    assert len({scan.scan_id for scan in world.queued()}) == 40


def test_what_was_answered_meanwhile_is_not_queued_by_the_intake_that_completes_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = world.upload("export.zip", zipped({f"{n}.png": png(seed=n) for n in range(CHUNK_FILES + 1)}))
    send, scans = world.services.queue.send, world.services.table.scans
    with monkeypatch.context() as broken:
        broken.setattr(world.services.queue, "send", lambda these: send(these) if len(these) > 1 else refuse_send())
        with pytest.raises(QueueError):
            intake(upload, world.services)
    answered, *others = world.queued()
    record = present(scans.get(answered.scan_id))
    assert scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9)], [record.outcome]) == [True]
    intake(upload, world.services)
    queued = {scan.scan_id for scan in world.queued()}
    assert answered.scan_id not in queued
    assert queued > {scan.scan_id for scan in others}


def refuse_send() -> None:
    raise QueueError


def test_identity_is_the_same_whenever_and_however_often_an_object_is_taken_in(world: World) -> None:
    upload = world.upload("a.png", png())
    export = intake(upload, world.services)
    later = replace(upload, sequencer="FF", received_at=NOON.replace(hour=13))
    assert intake(later, world.services).export_id == export.export_id
    assert scans_of(world, export)[0].received_at == NOON


class TestOverwrites:
    def test_the_newer_version_replaces_the_older_in_the_worklists(self, world: World) -> None:
        first = intake(world.upload("a.png", png(seed=1), sequencer="01"), world.services)
        [scan] = scans_of(world, first)
        world.services.table.scans.commit([analyzed(scan, TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED])
        second = intake(world.upload("a.png", png(seed=2), sequencer="02"), world.services)
        day = NOON.date().isoformat()
        assert listed_scans(world.services.table, day, finding=TumorClass.GLIOMA) == ()
        assert present(world.services.table.exports.get(first.export_id)).state == ExportState.SUPERSEDED
        assert [record.outcome for record in scans_of(world, second)] == [Outcome.QUEUED]

    def test_an_older_version_that_arrives_late_registers_no_scans(self, world: World) -> None:
        older = world.upload("a.png", png(seed=1), sequencer="01")
        newer = intake(world.upload("a.png", png(seed=2), sequencer="02"), world.services)
        late = intake(older, world.services)
        assert (late.state, late.scans) == (ExportState.SUPERSEDED, 0)
        assert [scan.export_id for scan in world.queued()] == [newer.export_id]

    def test_without_sequencers_the_current_version_wins(self, world: World) -> None:
        world.put("a.png", png(seed=1))
        world.put("a.png", png(seed=2))
        event = Upload("uploads", "a.png", NOON)
        assert intake(event, world.services) == intake(event, world.services)
        [scan] = world.queued()
        assert world.services.results.get(scan.staged_key) == png(seed=2)


@pytest.mark.parametrize(
    ("limits", "data", "reason"),
    [
        (Limits(scan_bytes=100), png(), Reason.OBJECT_TOO_LARGE),
        (Limits(archive_bytes=100), zipped({"a.png": png()}), Reason.OBJECT_TOO_LARGE),
        (Limits(entries=1), zipped({"a.png": png(), "b.png": png()}), Reason.TOO_MANY_ENTRIES),
        (Limits(), b"", Reason.EMPTY_FILE),
        (Limits(), zipped({"a.png": png()})[:200], Reason.CORRUPT_ARCHIVE),
    ],
)
def test_an_upload_beyond_a_limit_is_one_rejected_scan_with_the_reason(
    world: World, limits: Limits, data: Any, reason: Reason
) -> None:
    export = intake(world.upload("a", data), replace(world.services, limits=limits))
    assert [(r.outcome, r.reasons) for r in scans_of(world, export)] == [(Outcome.REJECTED, (reason,))]


def test_a_folder_marker_is_rejected_with_its_reason_and_its_line(world: World) -> None:
    export = intake(world.upload("exports/2026/", b""), world.services)
    assert [(r.outcome, r.reasons) for r in scans_of(world, export)] == [(Outcome.REJECTED, (Reason.EMPTY_FILE,))]
    assert [(line["outcome"], line["reasons"]) for line in listing(world, export)] == [("rejected", ["empty_file"])]
    assert present(world.services.table.exports.get(export.export_id)).done


def test_names_reach_neither_table_nor_messages_nor_keys_nor_listing(world: World, dynamodb: Any) -> None:
    name = "Canary^Jane"
    export = intake(world.upload(f"{name}.zip", zipped({f"{name}/1.png": png(), f"{name}.txt": b"x"})), world.services)
    everything = [
        json.dumps(dynamodb.scan(TableName="scans")["Items"], default=str),
        *(scan.model_dump_json() for scan in world.queued()),
        *world.keys(),
        json.dumps(listing(world, export)),
    ]
    assert not [text for text in everything if "canary" in text.lower()]
