"""A patient is erased from table and buckets, the other patients of the same uploads stay as they are, and nothing that
comes late, twice or after a cut brings anything back."""

import hashlib
import inspect
import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

import brainscan.pipeline.analyze
from brainscan.domain import Export, ExportState, Finding, Outcome, Reason, Report, ScanRecord, TumorClass, Verdict
from brainscan.domain.erasure import ErasureReceipt, Trace
from brainscan.domain.reprocess import ReprocessedScan
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.deliver import deliver
from brainscan.pipeline.erase import erase, find_traces
from brainscan.pipeline.files import patient_key
from brainscan.pipeline.give_up import give_up
from brainscan.pipeline.intake import intake
from brainscan.pipeline.models import Decision, add_model
from brainscan.pipeline.predict import ScanPrediction
from brainscan.pipeline.report import State, report
from brainscan.store import objects
from brainscan.store.object_versions import VersionsKeptError
from brainscan.store.objects import drawn_key, files_key, report_key, shadow_key
from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.conftest import TABLE, World
from tests.making import NOON, PSEUDONYMS, a_record, analyzed, png, present, zipped
from tests.summaries import a_series
from tests.unit.inference.making import manifest

SLICES = 2
ONE, TWO = (patient_key(f"PHANTOM-{name}", "", PSEUDONYMS) for name in ("ONE", "TWO"))
GONE = (Outcome.SKIPPED, (Reason.ERASED,))


@pytest.fixture(scope="module")
def slices() -> dict[str, list[bytes]]:
    """Slices of a series each of two patients."""
    return {
        name: to_dicom(head(seed=seed, lesion=GLIOMA, size=64, slices=SLICES), name)
        for seed, name in enumerate(("ONE", "TWO"))
    }


@dataclass
class Hospital:
    """Two patients in one archive, and the first one's slice once more as an upload of its own."""

    world: World
    shared: Export
    alone: Export
    model_id: str = ""

    def scans(self, patient: str) -> list[ScanRecord]:
        found = self.world.services.table.erasing.of_patient(patient).scans
        return [scan for scan in found if not scan.superseded]

    def series(self, patient: str) -> str:
        [series_id] = {scan.series_id for scan in self.scans(patient)}
        return present(series_id)


@pytest.fixture
def arrived(world: World, slices: dict[str, list[bytes]]) -> Hospital:
    """What both patients have in the buckets before anything is analyzed."""
    world.s3.put_bucket_versioning(Bucket="results", VersioningConfiguration={"Status": "Enabled"})
    files = {f"{name}/IM{n}": data for name, each in slices.items() for n, data in enumerate(each)}
    shared = world.upload("Doe/friday.zip", zipped(files | {"viewer.exe": b"MZ", "picture.png": b"cut off"}))
    alone = world.upload("Doe/slice.dcm", slices["ONE"][0])
    return Hospital(world, intake(shared, world.services), intake(alone, world.services))


MODEL: Any = SimpleNamespace(manifest=SimpleNamespace(model_id="f" * 64))
PICTURE = png(side=16)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that calls every scan a glioma, at once."""
    finding = analyzed(a_record(), TumorClass.GLIOMA, 0.9)
    found = Finding(**finding.model_dump(include=set(Finding.model_fields)))
    answered = ScanPrediction(finding=found, rows=16, columns=16, image_png=PICTURE, mask_png=PICTURE)
    monkeypatch.setattr("brainscan.pipeline.erase_files.WORKERS", 1)  # moto lists a bucket while no thread writes to it
    monkeypatch.setattr("brainscan.pipeline.analyze.predict", lambda scans, *_: [answered] * len(scans))


def answer(hospital: Hospital) -> None:
    assert all(each.error is None for each in analyze(hospital.world.queued(), hospital.world.services, MODEL))


def reported(hospital: Hospital, patient: str) -> None:
    """A report of the patient's series with a file, in two revisions; its summary and that of the study."""
    scan, services = hospital.scans(patient)[0], hospital.world.services
    belongs: dict[str, Any] = {"series_id": scan.series_id, "study_id": scan.study_id, "patient_id": patient}
    for revision in (1, 2):
        key = report_key(present(scan.series_id), revision, "sr.dcm")
        services.results.put(key, f"PHANTOM-{patient}".encode(), "application/dicom")
        services.table.summaries.put(a_series(**belongs, report_revision=revision, export_ids=(scan.export_id,)))
        told = Report(**belongs, revision=revision, outcome=Outcome.ANALYZED, files={"sr": key}, announced=True)
        services.table.reports.commit(told)


@pytest.fixture
def hospital(arrived: Hospital, tmp_path: Path) -> Hospital:
    """All of it analyzed, reported, reviewed and looked on."""
    services = arrived.world.services
    answer(arrived)
    for patient in (ONE, TWO):
        reported(arrived, patient)
        scan = arrived.scans(patient)[0]
        services.table.scans.review(scan.scan_id, 0, Verdict.CONFIRMED, None, "a reader")
        services.table.summaries.review_series(present(scan.series_id), 0, Verdict.CONFIRMED, None, "a reader")
        services.table.summaries.review_study(present(scan.study_id), 0, Verdict.CONFIRMED, None, "a reader")
        services.table.models.of_series([present(scan.series_id)], "f" * 64)
        fields: dict[str, Any] = {"model_id": "f" * 64, "run_id": "run", "outcome": Outcome.ANALYZED}
        services.table.runs.put_reprocessed([ReprocessedScan(scan_id=scan.scan_id, **fields)])
        services.results.put(drawn_key(scan.scan_id, "a reader", PICTURE), PICTURE, "image/png")
    look_on(arrived, tmp_path)
    services.table.statistics.of_day(NOON.date().isoformat())  # the stream is followed
    return arrived


def look_on(hospital: Hospital, folder: Path) -> None:
    """Answers of a model about both patients in one object, which is written twice, and about one in another."""
    services = hospital.world.services
    (folder / MODEL_FILE).write_bytes(b"network")
    hospital.model_id = hashlib.sha256(b"network").hexdigest()
    (folder / MANIFEST_FILE).write_text(manifest(model_id=hospital.model_id).model_dump_json())
    add_model(folder, services.table, services.results, Decision("tests"))
    for name, patients in (("both", (ONE, TWO)), ("both", (ONE, TWO)), ("one", (ONE,))):
        lines = [
            ShadowFinding(
                scan_id=scan.scan_id,
                model_id=hospital.model_id,
                served_id=None,
                mask=None,
                timings_ms={},
                outcome=Outcome.ABSTAINED,
            ).model_dump_json(exclude_none=True)
            for patient in patients
            for scan in hospital.scans(patient)
        ]
        key = shadow_key(hospital.model_id, NOON.date().isoformat(), name)
        services.results.put(key, "".join(f"{line}\n" for line in lines).encode(), "application/jsonl")


def items(dynamodb: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = dynamodb.get_paginator("scan").paginate(TableName=TABLE)
    return {(each["pk"]["S"], each["sk"]["S"]): each for page in found for each in page["Items"]}


def files(world: World, bucket: str) -> dict[tuple[str, str], bytes]:
    """Every version of every object with its bytes; delete markers have none."""
    found = {}
    for each in world.services.versions.under(bucket):
        named = {"Bucket": bucket, "Key": each.key, "VersionId": each.version_id}
        found[each.key, each.version_id] = b"" if each.is_marker else world.s3.get_object(**named)["Body"].read()
    return found


def everything(world: World, dynamodb: Any) -> tuple[dict[Any, Any], ...]:
    return items(dynamodb), files(world, "results"), files(world, "uploads")


def names_of(hospital: Hospital, patient: str) -> set[str]:
    """Ids by which anything of a patient would be known."""
    scans = hospital.world.services.table.erasing.of_patient(patient).scans
    belongs = [each for scan in scans for each in (scan.scan_id, scan.series_id, scan.study_id)]
    return {each for each in belongs if each}


def erased(hospital: Hospital, patient: str = ONE, **how: bool) -> ErasureReceipt:
    services = hospital.world.services
    return erase(find_traces(patient, services), services, "tests", **how)


def test_a_look_changes_nothing_and_counts_what_an_erasure_takes(hospital: Hospital, dynamodb: Any) -> None:
    before = everything(hospital.world, dynamodb)
    traces = find_traces(ONE, hospital.world.services)
    told = traces.counts(with_archives=False)
    assert everything(hospital.world, dynamodb) == before
    assert told[Trace.SCANS] == SLICES + 1  # the slice that came twice counts twice
    assert told[Trace.REVIEWS] == 3
    assert told[Trace.SHADOW_ANSWERS] == 2 * SLICES
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
    seen = [each for each in table.queries.of_day(day, 100).items if each.patient_id]
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


@pytest.mark.parametrize("after", [0, 2, 6, 13, 20, 22])
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


class TestWhatComesLate:
    def test_a_message_of_an_erased_scan_is_taken_and_does_nothing(self, arrived: Hospital, dynamodb: Any) -> None:
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
        self, arrived: Hospital, monkeypatch: pytest.MonkeyPatch
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
        self, arrived: Hospital, dynamodb: Any, slices: dict[str, list[bytes]]
    ) -> None:
        world = arrived.world
        upload = world.upload("again.dcm", slices["ONE"][1])
        export = intake(upload, world.services)
        erased(arrived)
        before = everything(world, dynamodb)
        assert intake(upload, world.services).state is ExportState.EXPANDED
        assert everything(world, dynamodb) == before
        assert present(world.services.table.exports.get(export.export_id)).expected == 1

    def test_an_upload_that_is_read_again_registers_no_scan_anew(
        self, world: World, slices: dict[str, list[bytes]]
    ) -> None:
        of_both = {f"IM{n}": data for n, data in enumerate([*slices["ONE"], *slices["TWO"]])}
        upload = world.upload("cut.zip", zipped(of_both))
        export = intake(upload, world.services)
        world.queued()
        # As if intake had broken off before it said that the export is whole.
        broken = export.model_copy(update={"state": ExportState.EXPANDING, "counts": {}, "needs_review": 0})
        world.services.table.exports.put(broken)
        dropped = {"pk": {"S": f"EXPORT#{export.export_id}"}, "sk": {"S": "PART#00000"}}
        world.services.table.scans._table.client.delete_item(TableName=TABLE, Key=dropped)
        receipt = erase(find_traces(ONE, world.services), world.services, "tests")
        assert receipt.under_way == (export.export_id,)
        intake(upload, world.services)
        assert {scan.patient_id for scan in world.queued()} == {TWO}
        assert {(each.outcome, each.reasons) for each in find_traces(ONE, world.services).items.scans} == {GONE}
        erase(find_traces(ONE, world.services), world.services, "tests")
        assert not [key for (key, _), body in files(world, "results").items() if b"PHANTOM-ONE" in body]

    def test_a_report_and_its_delivery_find_nothing_to_do(self, hospital: Hospital) -> None:
        world, series_id = hospital.world, hospital.series(ONE)
        reported = present(world.services.table.reports.latest(series_id))
        erased(hospital)
        assert report(series_id, world.services).state is State.WAITING
        assert deliver(reported, world.services.table, world.services.results, cast(Any, None)) == 0

    def test_changes_that_are_counted_late_are_found_by_the_next_run(self, arrived: Hospital, dynamodb: Any) -> None:
        world = arrived.world
        answer(arrived)  # and nobody has counted yet
        erased(arrived)
        world.services.table.statistics.of_day(NOON.date().isoformat())
        erased(arrived)
        left = {key for key, item in items(dynamodb).items() if ONE in json.dumps(item)}
        assert {pk.partition("#")[0] for pk, _ in left} == {"SCAN"}

    def test_a_new_upload_of_the_patient_is_taken_in_and_analyzed(
        self, hospital: Hospital, slices: dict[str, list[bytes]]
    ) -> None:
        world = hospital.world
        erased(hospital)
        intake(world.upload("next year.zip", zipped({"IM0": slices["ONE"][0]})), world.services)
        answer(hospital)
        assert [scan.outcome for scan in hospital.scans(ONE)] == [Outcome.ANALYZED]
        series = present(world.services.table.series.get(hospital.series(ONE)))
        assert (series.expected, series.remaining, series.revision) == (1, 0, 1)


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
