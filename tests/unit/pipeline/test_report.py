"""A settled series is reported once for each state of its slices, cross-referenced and without a patient's name."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from fhir.resources.R4B.bundle import Bundle

from brainscan.domain import Outcome, Reason
from brainscan.pipeline.report import ReportStatus, report
from brainscan.store.objects import report_key
from brainscan.store.table import SeriesItems
from tests import series as mr
from tests.conftest import World
from tests.making import NOON, a_record, present
from tests.unit.pipeline.reporting import SERIES, objects, summary


def test_a_settled_series_gets_its_files_and_one_event(world: World, scanned: Callable[..., Any]) -> None:
    scanned()
    done = report(SERIES, world.services)
    assert done.state is ReportStatus.REPORTED
    names = [key.rsplit("/")[-1] for key in world.keys("reports/")]
    assert names == ["capture.dcm", "fhir.json", "labels.nii.gz", "seg.dcm", "series.json", "sr.dcm"]
    [event] = world.events()
    assert (event["source"], event["detail-type"]) == ("brainscan", "SeriesAnalyzed")
    assert event["detail"]["series_id"] == SERIES
    assert event["detail"]["predicted"] == "glioma"
    assert event["detail"]["research_use"] == "Research use only. Not a medical device."
    latest = present(world.services.table.reports.latest(SERIES))
    assert latest.announced
    assert latest.patient_id == summary(world)["patient_id"]


def test_a_series_that_waits_for_slices_is_not_reported(world: World, scanned: Callable[..., Any]) -> None:
    series = scanned(numbers=range(4))
    world.services.table.scans.register([series.record(5).model_copy(update={"outcome": Outcome.QUEUED})])
    assert report(SERIES, world.services).state is ReportStatus.WAITING
    assert report("0" * 32, world.services).state is ReportStatus.WAITING
    assert world.keys("reports/") == []


def test_a_repeat_changes_nothing_and_says_nothing(world: World, scanned: Callable[..., Any]) -> None:
    scanned()
    report(SERIES, world.services)
    versions = {key: world.services.results.get(key) for key in world.keys("reports/")}
    world.events()
    assert report(SERIES, world.services).state is ReportStatus.REPEAT
    assert {key: world.services.results.get(key) for key in world.keys("reports/")} == versions
    assert world.events() == []


def test_a_report_that_broke_off_before_its_event_is_completed_with_the_same_bytes(
    world: World, scanned: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned()
    with monkeypatch.context() as broken:
        broken.setattr(world.services.bus, "_name", "no-such-bus")
        with pytest.raises(ClientError):
            report(SERIES, world.services)
    assert world.events() == []
    report(SERIES, world.services)
    assert len(world.events()) == 1


def test_the_same_slices_always_give_the_same_bytes(world: World, scanned: Callable[..., Any]) -> None:
    scanned()
    report(SERIES, world.services)
    first = {key: world.services.results.get(key) for key in world.keys("reports/")}
    world.services.table.scans._table.client.delete_item(
        TableName="scans", Key={"pk": {"S": f"SERIES#{SERIES}"}, "sk": {"S": "REPORT"}}
    )
    assert report(SERIES, world.services).state is ReportStatus.REPORTED
    assert {key: world.services.results.get(key) for key in world.keys("reports/")} == first


def test_a_slice_without_an_answer_is_listed_where_it_lies(world: World, scanned: Callable[..., Any]) -> None:
    made = scanned(numbers=(0, 1, 3, 4, 5))
    [abstained] = made.settle((2,), outcome=Outcome.ABSTAINED, reasons=(Reason.OUT_OF_SCOPE,))
    report(SERIES, world.services)
    listed = summary(world)["slices"]
    assert [each["scan_id"] for each in listed].index(abstained.scan_id) == 2
    assert [each.get("position_mm") for each in listed] == [0.0, 3.0, None, 9.0, 12.0, 15.0]


def test_a_slice_that_comes_later_gives_a_higher_revision_beside_the_former_one(
    world: World, scanned: Callable[..., Any]
) -> None:
    series = scanned(numbers=range(5))
    report(SERIES, world.services)
    series.settle([5])
    assert report(SERIES, world.services).state is ReportStatus.REPORTED
    assert [event["detail"]["revision"] for event in world.events()] == [5, 6]
    assert (len(summary(world, 5)["slices"]), len(summary(world, 6)["slices"])) == (5, 6)
    old, new = objects(world, 5)["seg.dcm"], objects(world, 6)["seg.dcm"]
    assert old.SeriesInstanceUID == new.SeriesInstanceUID
    assert old.SOPInstanceUID != new.SOPInstanceUID


def test_a_failed_slice_that_succeeds_later_is_reported_anew(world: World, scanned: Callable[..., Any]) -> None:
    series = scanned(numbers=range(5))
    [failed] = series.settle([5], outcome=Outcome.FAILED, predicted=None, probabilities=None)
    report(SERIES, world.services)
    assert summary(world, 6)["review_reasons"] == ["slices_unanswered"]
    world.services.table.scans.commit([series.record(5)], [failed.outcome])
    assert present(report(SERIES, world.services).report).revision == 7
    assert summary(world, 7)["review_reasons"] == []


def test_a_lower_revision_never_replaces_a_higher_one(world: World, scanned: Callable[..., Any]) -> None:
    scanned()
    latest = report(SERIES, world.services).report
    assert not world.services.table.reports.commit(present(latest).model_copy(update={"revision": 5}))
    assert present(world.services.table.reports.latest(SERIES)).revision == 6


def test_slices_of_a_replaced_upload_leave_the_series(world: World, scanned: Callable[..., Any]) -> None:
    series = scanned()
    world.services.table.scans.supersede(a_record().export_id)
    known = present(world.services.table.series.get(SERIES))
    assert (known.expected, known.remaining) == (0, 0)
    assert report(SERIES, world.services).state is ReportStatus.WAITING
    assert series.images


STUDY = "6" * 32


def test_a_report_tells_what_the_series_and_its_study_show(world: World, scanned: Callable[..., Any]) -> None:
    scanned()
    report(SERIES, world.services)
    series, said = world.services.table.summaries.series(SERIES), summary(world)
    assert present(series).volume_mm3 == pytest.approx(sum(each["volume_mm3"] for each in said["lesions"]))
    longest = [each["longest_diameter_mm"] for each in said["lesions"]]
    assert [each.longest_diameter_mm for each in present(series).lesions] == pytest.approx(longest)
    assert (present(series).finding, present(series).slices_analyzed, present(series).files["seg"]) == (
        "glioma",
        6,
        said["files"]["seg"],
    )
    assert (present(series).geometry.distance_mm, present(series).geometry.normal) == (
        pytest.approx(3.0),
        pytest.approx((0, 0, 1)),
    )
    study = present(world.services.table.summaries.study(STUDY))
    assert (study.finding, study.rests_on, study.volume_mm3) == ("glioma", SERIES, present(series).volume_mm3)


def test_a_report_that_broke_off_before_it_was_committed_is_made_again_whole(
    world: World, scanned: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned()
    with monkeypatch.context() as broken:
        broken.setattr(type(world.services.table.reports), "commit", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            report(SERIES, world.services)
    before = world.services.table.summaries.study(STUDY)
    assert report(SERIES, world.services).state is ReportStatus.REPORTED
    assert world.services.table.summaries.study(STUDY) == before


def test_a_series_whose_slices_were_all_replaced_is_taken_back_from_its_study(
    world: World, scanned: Callable[..., Any]
) -> None:
    scanned()
    report(SERIES, world.services)
    world.services.table.scans.supersede(a_record().export_id)
    assert present(world.services.table.series.get(SERIES)).expected == 0
    assert report(SERIES, world.services).state is ReportStatus.WITHDRAWN
    assert present(world.services.table.summaries.study(STUDY)).withdrawn
    assert report(SERIES, world.services).state is ReportStatus.WAITING


def test_abstained_slices_that_may_be_tumors_put_their_series_up_for_review(
    world: World, scanned: Callable[..., Any]
) -> None:
    why = (Reason.ABSTAINED_LIKELY_TUMOR,)
    scanned(masks={}, outcome=Outcome.ABSTAINED, reasons=(Reason.OUT_OF_SCOPE,), needs_review=True, review_reasons=why)
    report(SERIES, world.services)
    study = present(world.services.table.summaries.study(STUDY))
    assert (study.finding, study.review_state) == (None, "needed")
    assert set(why) < set(study.review_reasons)
    assert (study.slices_analyzed, study.slices_abstained) == (0, 6)


class TestCountsThatLag:
    def test_a_slice_that_was_not_counted_yet_is_waited_for(
        self, world: World, scanned: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        series = scanned(numbers=range(5))
        counted = world.services.table.series.get(SERIES)
        series.settle([5])
        with monkeypatch.context() as lagging:
            lagging.setattr(SeriesItems, "get", lambda *_: counted)
            assert report(SERIES, world.services).state is ReportStatus.WAITING
        assert report(SERIES, world.services).state is ReportStatus.REPORTED

    def test_a_slice_that_waits_in_place_of_one_that_left_is_waited_for(
        self, world: World, scanned: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        series = scanned()
        counted = world.services.table.series.get(SERIES)
        again = series.record(5).model_copy(update={"scan_id": "e" * 32, "outcome": Outcome.QUEUED})
        newer = {"received_at": NOON + timedelta(minutes=5), "instance_id": a_record(5).scan_id}
        world.services.table.scans.register([again.model_copy(update=newer)])
        monkeypatch.setattr(SeriesItems, "get", lambda *_: counted)
        assert report(SERIES, world.services).state is ReportStatus.WAITING


def test_the_bundle_is_valid_fhir_and_every_reference_resolves(world: World, scanned: Callable[..., Any]) -> None:
    scanned()
    report(SERIES, world.services)
    text = world.services.results.get(report_key(SERIES, 6, "fhir.json"))
    bundle = Bundle.model_validate_json(text)
    urls = {entry.fullUrl for entry in present(bundle.entry)}
    assert {present(entry.resource).get_resource_type() for entry in present(bundle.entry)} == {
        "Patient", "Device", "ImagingStudy", "Observation", "DiagnosticReport",
    }  # fmt: skip
    referred = {part.split('"')[0] for part in text.decode().split('"reference": "')[1:]}
    assert referred <= urls
    diagnostic: Any
    [diagnostic] = [
        e.resource for e in present(bundle.entry) if present(e.resource).get_resource_type() == "DiagnosticReport"
    ]
    assert diagnostic.status == "preliminary"
    assert "Research use only" in diagnostic.conclusion


def test_what_is_no_dicom_object_is_pseudonymous(world: World, scanned: Callable[..., Any], logged: Any) -> None:
    scanned()
    report(SERIES, world.services)
    texts = [world.services.results.get(key).decode() for key in world.keys("reports/") if key.endswith(".json")]
    texts += [json.dumps(world.events()), *world.keys(), logged.getvalue()]
    texts.append(str(world.services.table.scans._table.client.scan(TableName="scans")["Items"]))
    secrets = (mr.PATIENT_ID, "Canary", "19530405", "1953", mr.ACCESSION, mr.STUDY_UID, "20200102", "2020-01-02")
    for text in texts:
        assert not [secret for secret in secrets if secret in text]


@pytest.mark.parametrize("found", ["flags", "review_reasons"], ids=["by the header", "in the pixels"])
def test_a_picture_that_may_name_the_patient_is_in_no_capture(
    world: World, scanned: Callable[..., Any], found: str
) -> None:
    scanned(**{found: (Reason.BURNED_IN_TEXT,)})
    report(SERIES, world.services)
    assert summary(world)["withheld"]["capture"] == "burned_in_text"
    assert set(objects(world)) == {"seg.dcm", "sr.dcm"}
