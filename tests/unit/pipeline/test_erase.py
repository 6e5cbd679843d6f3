"""A patient is erased from table and buckets, and the other patients of the same uploads stay as they are."""

import inspect
import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from brainscan.domain.erasure import Trace
from brainscan.pipeline.erase import erase, find_traces
from brainscan.pipeline.intake import intake
from brainscan.store import objects
from brainscan.store.object_versions import VersionsKeptError
from brainscan.store.objects import files_key
from tests.conftest import TABLE, World
from tests.listing import listed_scans
from tests.making import NOON, PSEUDONYMS, png, present, zipped
from tests.unit.pipeline.erasing import GONE, ONE, SLICES, TWO, Hospital, erased, everything, files, items, names_of

pytestmark = pytest.mark.usefixtures("quick")


def test_a_look_changes_nothing_and_counts_what_an_erasure_takes(hospital: Hospital, dynamodb: Any) -> None:
    before = everything(hospital.world, dynamodb)
    traces = find_traces(ONE, hospital.world.services)
    told = traces.counts(with_archives=False)
    assert everything(hospital.world, dynamodb) == before
    assert told[Trace.SCANS] == SLICES + 1  # the slice that came twice counts twice
    assert told[Trace.REVIEWS] == 3
    assert told[Trace.SHADOW_FINDINGS] == 2 * SLICES
    assert (told[Trace.UPLOADS], traces.counts(with_archives=True)[Trace.UPLOADS]) == (1, 2)
    assert min(told.values()) > 0
    assert erased(hospital).erased == told


def test_nothing_of_the_patient_stays_but_what_marks_the_scans_as_erased(hospital: Hospital, dynamodb: Any) -> None:
    names = names_of(hospital, ONE)
    erased(hospital)
    scan_ids = {scan.scan_id for scan in find_traces(ONE, hospital.world.services).items.scans}
    marks = {("SCAN#" + scan_id, "META") for scan_id in scan_ids}
    left = {key: json.dumps(item) for key, item in items(dynamodb).items()}
    assert len(marks) == SLICES + 1
    assert {key for key, text in left.items() if any(each in text for each in {*names, ONE})} == marks
    series = {each for each in names if each not in scan_ids}
    assert not [key for key in marks if any(each in left[key] for each in series)]
    assert not {"review", "probabilities", "result_key", "mask_key"} & {
        name for key in marks for name in items(dynamodb)[key]
    }
    kept = files(hospital.world, "results")
    assert not [key for key, _ in kept if any(name in key for name in names)]
    bodies = {key: body for (key, _), body in kept.items() if any(name.encode() in body for name in names)}
    assert set(bodies) == {files_key(hospital.shared.export_id), files_key(hospital.alone.export_id)}  # that they were
    assert not [key for (key, _), body in kept.items() if b"PHANTOM-ONE" in body]


def test_an_erasure_knows_every_kind_of_key_in_the_results_bucket() -> None:
    """Whoever adds a kind says here what becomes of it when a patient is erased."""
    of_patients = {
        "staged_key",
        "scan_prefix",
        "result_key",
        "drawn_prefix",
        "drawn_key",
        "report_prefix",
        "report_key",
    }
    of_exports = {"upload_key", "parts_prefix", "part_key", "files_key"}
    made = {name for name, _ in inspect.getmembers(objects, inspect.isfunction) if name.endswith(("_key", "_prefix"))}
    assert made - of_patients - of_exports == {
        *("attempt_prefix", "model_key", "shadow_key", "shadow_prefix"),
        "manifest_key",  # ids alone, which lead to nothing
    }


def test_the_other_patient_stays_as_it_was(hospital: Hospital, dynamodb: Any) -> None:
    names = names_of(hospital, TWO)

    def theirs() -> tuple[dict[Any, Any], dict[str, bytes]]:
        table, results, _ = everything(hospital.world, dynamodb)
        about = {key: item for key, item in table.items() if any(name in json.dumps(item) for name in names)}
        return about, {key: body for (key, _), body in results.items() if any(name in key for name in names)}

    before, shown = theirs(), hospital.world.services.table.queries.of_patient(TWO).items
    erased(hospital)
    assert theirs() == before
    assert hospital.world.services.table.queries.of_patient(TWO).items == shown
    [answers] = [
        body for (key, _), body in files(hospital.world, "results").items() if key.startswith("shadow/") and body
    ]
    assert {json.loads(line)["scan_id"] for line in answers.splitlines()} == {
        scan.scan_id for scan in hospital.scans(TWO)
    }


def test_every_list_and_count_agrees_that_the_scans_were_erased(hospital: Hospital) -> None:
    table, day = hospital.world.services.table, NOON.date().isoformat()
    erased(hospital)
    assert table.queries.of_patient(ONE).items == ()
    export = present(table.exports.get(hospital.shared.export_id))
    found = table.queries.of_export(export.export_id, 100).items
    assert sum((each.outcome, each.reasons) == GONE for each in found) == SLICES
    assert export.done
    counts = {outcome: n for outcome, n in export.counts.items() if n}
    assert counts == {outcome: sum(each.outcome is outcome for each in found) for outcome in {e.outcome for e in found}}
    seen = [each for each in listed_scans(table, day) if each.patient_id]
    assert {each.patient_id for each in seen} == {TWO}
    assert sum(table.statistics.of_day(day).outcomes.values()) == SLICES + 1  # and the damaged picture
    lines = [json.loads(line) for line in hospital.world.services.results.get(files_key(export.export_id)).splitlines()]
    assert len(lines) == export.files
    gone = [line for line in lines if line["reasons"] == ["erased"]]
    assert [(line["outcome"], line["entry_digest"]) for line in gone] == [("skipped", None)] * SLICES


def test_an_upload_of_the_patient_alone_goes_with_its_versions_and_delete_markers(hospital: Hospital) -> None:
    world = hospital.world
    world.s3.delete_object(Bucket="uploads", Key="Doe/slice.dcm")
    receipt = erased(hospital)
    assert {key for key, _ in files(world, "uploads")} == {"Doe/friday.zip"}
    assert {(each.export_id, each.alone, each.erased) for each in receipt.uploads} == {
        (hospital.alone.export_id, True, True),
        (hospital.shared.export_id, False, False),
    }
    assert "1 uploads that also hold images of others" in receipt.remaining[0].what


def test_another_version_of_the_key_stays_and_so_does_its_delete_marker(
    hospital: Hospital, slices: dict[str, list[bytes]]
) -> None:
    world = hospital.world
    intake(world.upload("Doe/slice.dcm", slices["TWO"][0]), world.services)
    world.s3.delete_object(Bucket="uploads", Key="Doe/slice.dcm")
    erased(hospital)
    left = world.services.versions.of("uploads", "Doe/slice.dcm")
    assert sorted(each.is_marker for each in left) == [False, True]
    assert b"PHANTOM-ONE" not in b"".join(files(world, "uploads")[each.key, each.version_id] for each in left)


def test_an_archive_with_others_goes_only_where_that_is_asked_for(hospital: Hospital) -> None:
    receipt = erased(hospital, with_archives=True)
    assert files(hospital.world, "uploads") == {}
    assert all(each.erased for each in receipt.uploads)
    assert not [each for each in receipt.remaining if "with-archives" in each.what]
    assert len(hospital.scans(TWO)) == SLICES


def test_once_all_its_patients_are_erased_an_archive_is_nobodys(
    arrived: Hospital, world: World, slices: dict[str, list[bytes]]
) -> None:
    files_of_two = {f"{name}/IM{n}": data for name, each in slices.items() for n, data in enumerate(each)}
    intake(world.upload("two.zip", zipped(files_of_two)), world.services)
    erased(arrived, ONE)
    erased(arrived, TWO)
    assert {key for key, _ in files(world, "uploads")} == {"Doe/friday.zip"}  # its damaged picture may be anybody's


def test_a_second_run_changes_nothing_and_has_its_receipt(hospital: Hospital, dynamodb: Any) -> None:
    erased(hospital)
    hospital.world.services.table.statistics.of_day(NOON.date().isoformat())
    before = everything(hospital.world, dynamodb)
    receipt = erased(hospital)
    assert everything(hospital.world, dynamodb) == before
    assert set(receipt.erased.values()) == {0}
    assert receipt.erased_before == SLICES + 1


def test_a_receipt_holds_pseudonyms_and_times_alone(hospital: Hospital) -> None:
    receipt = erased(hospital)
    text = receipt.model_dump_json()
    assert not [name for name in ("PHANTOM", "Doe", "friday", "slice.dcm") if name in text]
    assert receipt.patient_id == ONE
    assert {PSEUDONYMS.digest("key", "Doe/slice.dcm"), PSEUDONYMS.digest("key", "Doe/friday.zip")} == {
        each.key_digest for each in receipt.uploads
    }
    assert all(len(each) == 64 for each in receipt.digests.values())
    backups = next(each for each in receipt.remaining if "backups of the table" in each.what)
    assert (present(backups.until) - receipt.at).days == 35


CALLS = ("DeleteItem", "PutItem", "UpdateItem", "DeleteObjects", "PutObject")


@pytest.mark.parametrize("after", [0, 6, 13, 22])
def test_a_cut_at_any_call_is_completed_by_the_next_run(hospital: Hospital, dynamodb: Any, after: int) -> None:
    services, world = hospital.world.services, hospital.world
    traces = find_traces(ONE, services)
    names = names_of(hospital, ONE)
    scan_ids = {scan.scan_id for scan in traces.items.scans}
    calls = []

    def cut(**_: Any) -> None:
        calls.append(1)
        if len(calls) > after:
            raise ConnectionError("cut")

    for client, service in ((dynamodb, "dynamodb"), (world.s3, "s3")):
        for call in CALLS:
            client.meta.events.register(f"before-call.{service}.{call}", cut)
    with pytest.raises(ConnectionError):
        erase(traces, services, "tests")
    for client, service in ((dynamodb, "dynamodb"), (world.s3, "s3")):
        for call in CALLS:
            client.meta.events.unregister(f"before-call.{service}.{call}", cut)
    erased(hospital)
    left = {key: json.dumps(item) for key, item in items(dynamodb).items()}
    about = {key for key, text in left.items() if any(each in text for each in {*names, ONE})}
    assert about == {("SCAN#" + scan_id, "META") for scan_id in scan_ids}
    assert not [key for key, _ in files(world, "results") if any(name in key for name in names)]
    assert {key for key, _ in files(world, "uploads")} == {"Doe/friday.zip"}


def test_a_replaced_upload_is_found_though_no_list_shows_it(
    arrived: Hospital, world: World, slices: dict[str, list[bytes]]
) -> None:
    world.services.table.scans.supersede(arrived.alone.export_id)
    assert arrived.alone.export_id in find_traces(ONE, world.services).items.export_ids


def test_an_image_of_nobody_known_keeps_its_archive(world: World, slices: dict[str, list[bytes]]) -> None:
    intake(world.upload("mixed.zip", zipped({"IM0": slices["ONE"][0], "photo.png": png()})), world.services)
    [upload] = find_traces(ONE, world.services).uploads
    assert not upload.alone


def test_files_that_are_no_images_do_not_keep_it_and_are_told(world: World, slices: dict[str, list[bytes]]) -> None:
    intake(world.upload("cd.zip", zipped({"IM0": slices["ONE"][0], "viewer.exe": b"MZ"})), world.services)
    [upload] = find_traces(ONE, world.services).uploads
    assert (upload.alone, upload.files_without_scan) == (True, 1)


def test_a_bucket_without_versions_is_emptied_as_well(world: World, slices: dict[str, list[bytes]]) -> None:
    intake(world.upload("a.dcm", slices["ONE"][0]), world.services)
    services = world.services
    erase(find_traces(ONE, services), services, "tests")
    assert not [key for (key, _), body in files(world, "results").items() if b"PHANTOM-ONE" in body]


def test_what_s3_keeps_is_told_and_no_receipt_says_otherwise(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = hospital.world.services.versions._client
    refused = {"Errors": [{"Key": "a", "Code": "AccessDenied", "Message": "Doe"}]}
    monkeypatch.setattr(client, "delete_objects", lambda **_: refused)
    with pytest.raises(VersionsKeptError, match=r"kept 1 versions of objects \(AccessDenied\)"):
        erased(hospital)


def test_what_was_counted_for_its_site_is_counted_no_more(world: World, slices: dict[str, list[bytes]]) -> None:
    intake(world.upload("ward/a.dcm", slices["ONE"][0]), replace(world.services, sites=("ward",)))
    day = NOON.date().isoformat()
    assert any(world.services.table.statistics.histograms(day, "ward").counts.values())
    erase(find_traces(ONE, world.services), world.services, "tests")
    assert not any(world.services.table.statistics.histograms(day, "ward").counts.values())


def test_of_a_patient_of_whom_nothing_is_known_there_is_nothing(hospital: Hospital) -> None:
    assert find_traces("0" * 32, hospital.world.services).is_empty


def test_an_erased_scan_expires_when_it_would_have(world: World, dynamodb: Any, slices: dict[str, list[bytes]]) -> None:
    from brainscan.store import Table

    services = replace(world.services, table=Table.over(dynamodb, TABLE, retention_days=30))
    intake(world.upload("a.dcm", slices["ONE"][0]), services)
    [before] = [each["expires_at"] for key, each in items(dynamodb).items() if key[0].startswith("SCAN#")]
    erase(find_traces(ONE, world.services), world.services, "tests")
    [after] = [each["expires_at"] for key, each in items(dynamodb).items() if key[0].startswith("SCAN#")]
    assert after == before


def test_who_may_not_delete_is_refused_before_anything_else_is_said(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Scan")

    monkeypatch.setattr(hospital.world.services.table.scans._table.client, "scan", denied)
    with pytest.raises(ClientError):
        find_traces(ONE, hospital.world.services)
