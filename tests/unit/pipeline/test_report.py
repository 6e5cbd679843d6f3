"""A settled series is reported once for each state of its slices, cross-referenced and without a patient's name."""

import gzip
import io
import json
import logging
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from shutil import which

import highdicom
import nibabel as nib
import numpy as np
import pytest
from botocore.exceptions import ClientError
from fhir.resources.R4B.bundle import Bundle
from pydicom import Dataset, dcmread

from brainscan.domain import Export, ExportState, Kind, Outcome, Reason, ScanRecord, TumorClass
from brainscan.imaging.mask import Mask, encode_mask
from brainscan.imaging.overlay import overlay
from brainscan.observability import logger
from brainscan.pipeline.report import State, report
from brainscan.store.objects import report_key, result_key, staged_key
from brainscan.store.table import SeriesItems
from tests import series as mr
from tests.making import NOON, a_record

SERIES = "5" * 32
MASKS = {2: mr.disc(5), 3: mr.disc(8), 4: mr.disc(6)}


@dataclass
class Scanned:
    """A series in the world: its slices as they were sent, and what was found on them."""

    world: object
    images: Sequence[Dataset]
    masks: dict[int, Mask]
    classes: dict[int, TumorClass] = field(default_factory=dict)

    def record(self, number: int) -> ScanRecord:
        multiframe = len(self.images) == 1 and "NumberOfFrames" in self.images[0]
        mask = self.masks.get(number)
        predicted = self.classes.get(number, TumorClass.GLIOMA if mask is not None else TumorClass.NO_TUMOR)
        waiting = a_record(number)
        changes = {"staged_key": staged_key("multi" if multiframe else f"{number}")}
        if multiframe:
            changes["source"] = waiting.source.model_copy(update={"frame": number})
        images = {f"{name}_key": result_key(waiting.scan_id, "attempt", f"{name}.png") for name in ("mask", "overlay")}
        record = mr.answered(number, predicted, mask, **images, **changes)
        data = mr.file_bytes(self.images[0 if multiframe else number])
        results = self.world.services.results
        results.put(record.staged_key, data, "application/octet-stream")
        if mask is not None:
            results.put(record.mask_key, encode_mask(mask), "image/png")
            results.put(record.overlay_key, overlay(np.full(mask.shape, 99, np.uint8), mask), "image/png")
        return record

    def settle(self, numbers: Sequence[int], **changes) -> list[ScanRecord]:
        """Register these slices, and commit what was found on them."""
        table = self.world.services.table
        found = [self.record(number).model_copy(update=changes) for number in numbers]
        waiting = [each.model_copy(update={"outcome": Outcome.QUEUED}) for each in found]
        table.scans.register(waiting)
        table.scans.commit(found, [Outcome.QUEUED] * len(found))
        return found


@pytest.fixture
def scanned(world):
    export_id = a_record().export_id
    world.services.table.exports.put(Export(export_id=export_id, state=ExportState.EXPANDED, received_at=NOON))

    def scan(images=None, masks=MASKS, numbers=range(6), classes=None, **changes):
        made = Scanned(world, images or mr.mr_series(), masks, classes or {})
        made.settle(numbers, **changes)
        return made

    return scan


@pytest.fixture
def logged():
    """What the functions' logger writes, from now on."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(logger.registered_formatter)
    logger.addHandler(handler)
    yield told
    logger.removeHandler(handler)


def summary(world, revision=6):
    return json.loads(world.services.results.get(report_key(SERIES, revision, "series.json")))


def objects(world, revision=6):
    found = {}
    for key in world.keys(f"reports/{SERIES}/{revision:06d}/"):
        if key.endswith(".dcm"):
            found[key.rsplit("/")[-1]] = dcmread(io.BytesIO(world.services.results.get(key)))
    return found


def place_of(orientation, height, rows, columns):
    """(x, y, z) in LPS of pixels of a slice, as PS3.3 C.7.6.2.1.1 says."""
    along_row, along_column = np.reshape(orientation, (2, 3))
    corner = np.array([-30.0, -40.0, 10.0]) + height * 3 * np.cross(along_row, along_column)
    return corner[:, None] + along_row[:, None] * mr.SPACING[1] * columns + along_column[:, None] * mr.SPACING[0] * rows


def errors_of(image: Dataset, folder) -> list[str]:
    """What dciodvfy calls an error."""
    path = folder / "object.dcm"
    image.save_as(path, enforce_file_format=True)
    told = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    return [line for line in told.stderr.splitlines() if line.startswith("Error")]


def test_a_settled_series_gets_its_files_and_one_event(world, scanned):
    scanned()
    done = report(SERIES, world.services)
    assert done.state is State.REPORTED
    names = [key.rsplit("/")[-1] for key in world.keys("reports/")]
    assert names == ["capture.dcm", "fhir.json", "labels.nii.gz", "seg.dcm", "series.json", "sr.dcm"]
    [event] = world.events()
    assert (event["source"], event["detail-type"]) == ("brainscan", "SeriesAnalyzed")
    assert event["detail"]["series_id"] == SERIES
    assert event["detail"]["predicted"] == "glioma"
    assert event["detail"]["research_use"] == "Research use only. Not a medical device."
    assert world.services.table.reports.latest(SERIES).announced


def test_a_series_that_waits_for_slices_is_not_reported(world, scanned):
    series = scanned(numbers=range(4))
    world.services.table.scans.register([series.record(5).model_copy(update={"outcome": Outcome.QUEUED})])
    assert report(SERIES, world.services).state is State.WAITING
    assert report("0" * 32, world.services).state is State.WAITING
    assert world.keys("reports/") == []


def test_a_repeat_changes_nothing_and_says_nothing(world, scanned):
    scanned()
    report(SERIES, world.services)
    versions = {key: world.services.results.get(key) for key in world.keys("reports/")}
    world.events()
    assert report(SERIES, world.services).state is State.REPEAT
    assert {key: world.services.results.get(key) for key in world.keys("reports/")} == versions
    assert world.events() == []


def test_a_report_that_broke_off_before_its_event_is_completed_with_the_same_bytes(world, scanned, monkeypatch):
    scanned()
    with monkeypatch.context() as broken:
        broken.setattr(world.services.bus, "_name", "no-such-bus")
        with pytest.raises(ClientError):
            report(SERIES, world.services)
    assert world.events() == []
    report(SERIES, world.services)
    assert len(world.events()) == 1


def test_the_same_slices_always_give_the_same_bytes(world, scanned):
    scanned()
    report(SERIES, world.services)
    first = {key: world.services.results.get(key) for key in world.keys("reports/")}
    world.services.table.scans._table.client.delete_item(
        TableName="scans", Key={"pk": {"S": f"SERIES#{SERIES}"}, "sk": {"S": "REPORT"}}
    )
    assert report(SERIES, world.services).state is State.REPORTED
    assert {key: world.services.results.get(key) for key in world.keys("reports/")} == first


def test_a_slice_without_an_answer_is_listed_where_it_lies(world, scanned):
    made = scanned(numbers=(0, 1, 3, 4, 5))
    [abstained] = made.settle((2,), outcome=Outcome.ABSTAINED, reasons=(Reason.OUT_OF_SCOPE,))
    report(SERIES, world.services)
    listed = summary(world)["slices"]
    assert [each["scan_id"] for each in listed].index(abstained.scan_id) == 2
    assert [each.get("position_mm") for each in listed] == [0.0, 3.0, None, 9.0, 12.0, 15.0]


def test_a_slice_that_comes_later_gives_a_higher_revision_beside_the_former_one(world, scanned):
    series = scanned(numbers=range(5))
    report(SERIES, world.services)
    series.settle([5])
    assert report(SERIES, world.services).state is State.REPORTED
    assert [event["detail"]["revision"] for event in world.events()] == [5, 6]
    assert (len(summary(world, 5)["slices"]), len(summary(world, 6)["slices"])) == (5, 6)
    old, new = objects(world, 5)["seg.dcm"], objects(world, 6)["seg.dcm"]
    assert old.SeriesInstanceUID == new.SeriesInstanceUID
    assert old.SOPInstanceUID != new.SOPInstanceUID


def test_a_failed_slice_that_succeeds_later_is_reported_anew(world, scanned):
    series = scanned(numbers=range(5))
    [failed] = series.settle([5], outcome=Outcome.FAILED, predicted=None, probabilities=None)
    report(SERIES, world.services)
    assert summary(world, 6)["review_reasons"] == ["slices_unanswered"]
    world.services.table.scans.commit([series.record(5)], [failed.outcome])
    assert report(SERIES, world.services).report.revision == 7
    assert summary(world, 7)["review_reasons"] == []


def test_a_lower_revision_never_replaces_a_higher_one(world, scanned):
    scanned()
    latest = report(SERIES, world.services).report
    assert not world.services.table.reports.commit(latest.model_copy(update={"revision": 5}))
    assert world.services.table.reports.latest(SERIES).revision == 6


def test_slices_of_a_replaced_upload_leave_the_series(world, scanned):
    series = scanned()
    world.services.table.scans.supersede(a_record().export_id)
    known = world.services.table.series.get(SERIES)
    assert (known.expected, known.remaining) == (0, 0)
    assert report(SERIES, world.services).state is State.WAITING
    assert series.images


class TestCountsThatLag:
    def test_a_slice_that_was_not_counted_yet_is_waited_for(self, world, scanned, monkeypatch):
        series = scanned(numbers=range(5))
        counted = world.services.table.series.get(SERIES)
        series.settle([5])
        with monkeypatch.context() as lagging:
            lagging.setattr(SeriesItems, "get", lambda *_: counted)
            assert report(SERIES, world.services).state is State.WAITING
        assert report(SERIES, world.services).state is State.REPORTED

    def test_a_slice_that_waits_in_place_of_one_that_left_is_waited_for(self, world, scanned, monkeypatch):
        series = scanned()
        counted = world.services.table.series.get(SERIES)
        again = series.record(5).model_copy(update={"scan_id": "e" * 32, "outcome": Outcome.QUEUED})
        newer = {"received_at": NOON + timedelta(minutes=5), "instance_id": a_record(5).scan_id}
        world.services.table.scans.register([again.model_copy(update=newer)])
        monkeypatch.setattr(SeriesItems, "get", lambda *_: counted)
        assert report(SERIES, world.services).state is State.WAITING


@pytest.mark.parametrize("multiframe", [False, True], ids=["classic", "enhanced"])
@pytest.mark.parametrize("orientation", [mr.TRANSVERSE, mr.OBLIQUE], ids=["transverse", "oblique"])
class TestObjects:
    @pytest.fixture
    def made(self, world, scanned, orientation, multiframe):
        slices = mr.mr_series(orientation=orientation)
        scanned([mr.enhanced(slices)] if multiframe else slices)
        report(SERIES, world.services)
        return objects(world)

    def test_they_pass_dciodvfy(self, made, tmp_path):
        if which("dciodvfy") is None:
            pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
        assert {name: errors_of(image, tmp_path) for name, image in made.items()} == {name: [] for name in made}

    def test_highdicom_reads_the_masks_back_bit_by_bit(self, made, multiframe):
        seg = highdicom.seg.segread(io.BytesIO(mr.file_bytes(made["seg.dcm"])))
        [description] = [seg.get_segment_description(number) for number in seg.segment_numbers]
        assert description.segmented_property_type.value == "393564001"
        assert description.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion == "f" * 64
        assert description.tracking_id == "glioma"
        if multiframe:
            [(_, _, uid)] = seg.get_source_image_uids()
            frames = [number + 1 for number in MASKS]
            pixels = seg.get_pixels_by_source_frame(uid, frames, combine_segments=True)
        else:
            uids = [f"{mr.SERIES_UID}.{number + 1}" for number in MASKS]
            pixels = seg.get_pixels_by_source_instance(uids, combine_segments=True)
        for found, mask in zip(pixels, MASKS.values(), strict=True):
            assert np.array_equal(found.astype(bool), mask)

    def test_the_label_volume_has_each_mark_where_the_source_has_its_pixel(self, world, made, orientation, multiframe):
        volume = nib.Nifti1Image.from_bytes(
            gzip.decompress(world.services.results.get(report_key(SERIES, 6, "labels.nii.gz")))
        )
        marked = np.argwhere(np.asarray(volume.dataobj))
        found = {tuple(point) for point in np.round(nib.affines.apply_affine(volume.affine, marked), 2)}
        expected = set()
        for number, mask in MASKS.items():
            rows, columns = np.nonzero(mask)
            height = 5 - number if multiframe else number  # the frames go from the top down
            x, y, z = place_of(orientation, height, rows, columns)
            expected |= {tuple(point) for point in np.round(np.stack([-x, -y, z], axis=1), 2)}
        assert volume.shape == (mr.COLUMNS, mr.ROWS, 6)
        assert found == expected

    def test_the_report_refers_to_segment_and_key_image(self, made):
        sr = highdicom.sr.srread(io.BytesIO(mr.file_bytes(made["sr.dcm"])))
        content = highdicom.sr.MeasurementReport.from_sequence([sr])
        [group] = content.get_volumetric_roi_measurement_groups()
        assert group.finding_type.value == "393564001"
        segment = group.referenced_segment[0]
        assert segment.referenced_sop_instance_uid == made["seg.dcm"].SOPInstanceUID
        assert segment.referenced_segment_numbers == [1]
        values = {each.name.meaning: each.value for each in group.get_measurements()}
        area = float(MASKS[3].sum()) * np.prod(mr.SPACING)
        volume = sum(float(mask.sum()) for mask in MASKS.values()) * np.prod(mr.SPACING) * 3
        assert values["Area"] == pytest.approx(area)
        assert values["Volume"] == pytest.approx(volume, rel=1e-5)
        assert values["Certainty of Finding"] == pytest.approx(90)
        assert values["Long axis"] == pytest.approx(25.5)
        [area_group] = group.get_measurements(name=highdicom.sr.CodedConcept("42798000", "SCT", "Area"))
        [key] = area_group.referenced_images
        assert key.referenced_sop_instance_uid in made["seg.dcm"].to_json()
        assert "Research use only. Not a medical device." in made["sr.dcm"].to_json()

    def test_all_are_filed_under_the_patient_and_study_they_came_from(self, made):
        for image in made.values():
            assert (image.PatientID, str(image.PatientName)) == (mr.PATIENT_ID, mr.NAME)
            assert (image.StudyInstanceUID, image.AccessionNumber) == (mr.STUDY_UID, mr.ACCESSION)
        assert len({image.SeriesInstanceUID for image in made.values()}) == 3

    def test_the_capture_shows_the_whole_key_slice_above_its_caption(self, made):
        capture = made["capture.dcm"]
        assert capture.Columns == mr.COLUMNS
        assert capture.Rows > mr.ROWS
        assert capture.pixel_array.shape == (capture.Rows, capture.Columns, 3)
        shown = capture.pixel_array[: mr.ROWS]
        assert (shown == (255, 64, 0)).all(axis=-1).any()


def test_each_class_found_has_its_segment_the_largest_first(world, scanned):
    masks = {0: mr.disc(4), 1: mr.disc(4), 3: mr.disc(9), 4: mr.disc(9)}
    classes = {0: TumorClass.PITUITARY, 1: TumorClass.PITUITARY, 3: TumorClass.MENINGIOMA, 4: TumorClass.MENINGIOMA}
    scanned(masks=masks, classes=classes)
    report(SERIES, world.services)
    found = summary(world)
    assert [(each["tumor_class"], each["segment"]) for each in found["findings"]] == [
        ("meningioma", 1),
        ("pituitary", 2),
    ]
    assert (found["predicted"], found["review_reasons"]) == ("meningioma", ["mixed_classes"])
    seg = highdicom.seg.segread(io.BytesIO(mr.file_bytes(objects(world)["seg.dcm"])))
    uids = [f"{mr.SERIES_UID}.{number + 1}" for number in masks]
    pixels = seg.get_pixels_by_source_instance(uids, combine_segments=True)
    assert [sorted(np.unique(each)) for each in pixels] == [[0, 2], [0, 2], [0, 1], [0, 1]]


class TestWithheld:
    def test_a_series_without_tumor_has_a_report_of_its_absence_alone(self, world, scanned, tmp_path):
        scanned(masks={})
        report(SERIES, world.services)
        assert summary(world)["withheld"] == {"seg": "no_tumor_found", "capture": "no_tumor_found"}
        [(name, sr)] = objects(world).items()
        assert name == "sr.dcm"
        assert "Absent" in sr.to_json()
        if which("dciodvfy"):
            assert errors_of(sr, tmp_path) == []

    def test_pictures_that_are_no_dicom_have_summary_and_bundle(self, world, scanned):
        scanned(kind=Kind.PNG)
        report(SERIES, world.services)
        assert objects(world) == {}
        assert set(summary(world)["withheld"].values()) == {"not_dicom"}
        assert summary(world)["findings"][0]["volume_withheld"] == "no_positions"

    def test_sources_that_expired_cost_the_objects_alone(self, world, scanned):
        scanned()
        world.s3.delete_object(Bucket="results", Key=staged_key("0"))
        report(SERIES, world.services)
        assert set(summary(world)["withheld"].values()) == {"object_gone"}

    def test_slices_of_different_size_have_a_report_without_segmentation(self, world, scanned):
        slices = mr.mr_series()
        slices[0].PixelSpacing = [1, 1]
        scanned(slices)
        report(SERIES, world.services)
        assert summary(world)["withheld"] == {"seg": "mixed_geometry"}
        assert set(objects(world)) == {"sr.dcm", "capture.dcm"}

    def test_a_header_that_lacks_its_study_costs_the_objects_and_names_nobody_in_the_log(self, world, scanned, logged):
        slices = mr.mr_series()
        for each in slices:
            del each.StudyInstanceUID
        scanned(slices)
        report(SERIES, world.services)
        assert set(summary(world)["withheld"].values()) == {"unusable_header"}
        assert '"attributes":["StudyInstanceUID"]' in logged.getvalue()
        assert "Canary" not in logged.getvalue()

    def test_files_that_one_uid_names_have_no_segmentation_that_would_refer_to_them_by_it(self, world, scanned):
        scanned(mr.mr_series(SOPInstanceUID="1.2.3.4.5"))
        report(SERIES, world.services)
        assert summary(world)["withheld"]["seg"] == "repeated_instance_uid"

    def test_an_image_of_a_class_that_nobody_knows_costs_the_objects(self, world, scanned):
        scanned(mr.mr_series(SOPClassUID="1.2.3.4.5"))
        report(SERIES, world.services)
        assert set(summary(world)["withheld"].values()) == {"unusable_header"}

    def test_slices_without_pixel_spacing_have_a_report_without_segmentation(self, world, scanned):
        slices = mr.mr_series()
        for each in slices:
            del each.PixelSpacing
        scanned(slices)
        report(SERIES, world.services)
        assert summary(world)["withheld"] == {"seg": "no_spacing"}
        assert set(objects(world)) == {"sr.dcm", "capture.dcm"}

    def test_a_series_of_which_nothing_was_analyzed_abstains(self, world, scanned):
        nothing = {"predicted": None, "probabilities": None, "confidence": None, "tumor": None}
        scanned(masks={}, outcome=Outcome.REJECTED, reasons=(Reason.UNREADABLE,), **nothing)
        assert report(SERIES, world.services).report.outcome is Outcome.ABSTAINED
        assert set(summary(world)["withheld"].values()) == {"no_slice_analyzed"}
        Bundle.model_validate_json(world.services.results.get(report_key(SERIES, 6, "fhir.json")))


@pytest.mark.parametrize("making", ["segmentation", "measurement_report", "capture", "label_volume"])
@pytest.mark.parametrize("bug", [TypeError, KeyError, AttributeError, ValueError], ids=lambda bug: bug.__name__)
def test_a_fault_of_ours_in_the_making_rises_and_the_retry_reports(world, scanned, monkeypatch, making, bug):
    scanned()

    def broken(*_, **__):
        raise bug("a fault of ours")

    with monkeypatch.context() as patched:
        patched.setattr(f"brainscan.pipeline.objects.{making}", broken)
        with pytest.raises(bug):
            report(SERIES, world.services)
    assert world.services.table.reports.latest(SERIES) is None
    assert world.events() == []
    assert report(SERIES, world.services).state is State.REPORTED
    assert summary(world)["withheld"] == {}


@pytest.mark.parametrize("multiframe", [False, True], ids=["classic", "enhanced"])
@pytest.mark.parametrize("stated", [1.0, 0.0, -3.0, None], ids=["the gap", "zero", "negative", "absent"])
def test_distance_and_thickness_in_the_segmentation_are_measured(world, scanned, stated, multiframe):
    slices = mr.mr_series(SpacingBetweenSlices=stated)
    for each in slices if stated is None else ():
        del each.SpacingBetweenSlices
    scanned([mr.enhanced(slices)] if multiframe else slices)
    report(SERIES, world.services)
    [measures] = objects(world)["seg.dcm"].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    assert (measures.SpacingBetweenSlices, measures.SliceThickness) == (3, 3)
    assert list(measures.PixelSpacing) == list(mr.SPACING)


def test_a_lone_slice_that_does_not_say_how_thick_it_is_has_a_segmentation(world, scanned):
    slices = mr.mr_series(1)
    del slices[0].SliceThickness
    scanned(slices, masks={0: mr.disc(5)}, numbers=[0])
    report(SERIES, world.services)
    assert "seg.dcm" in objects(world, 1)


def test_uneven_slices_state_no_distance_and_the_median_of_theirs_as_thickness(world, scanned):
    slices = mr.mr_series()
    for each, height in zip(slices, (10, 13, 16, 20, 25, 28.5), strict=True):
        each.ImagePositionPatient = [-30, -40, height]
    scanned(slices)
    report(SERIES, world.services)
    [measures] = objects(world)["seg.dcm"].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    assert ("SpacingBetweenSlices" in measures, measures.SliceThickness) == (False, 3.5)


def test_the_bundle_is_valid_fhir_and_every_reference_resolves(world, scanned):
    scanned()
    report(SERIES, world.services)
    text = world.services.results.get(report_key(SERIES, 6, "fhir.json"))
    bundle = Bundle.model_validate_json(text)
    urls = {entry.fullUrl for entry in bundle.entry}
    assert {entry.resource.get_resource_type() for entry in bundle.entry} == {
        "Patient", "Device", "ImagingStudy", "Observation", "DiagnosticReport",
    }  # fmt: skip
    referred = {part.split('"')[0] for part in text.decode().split('"reference": "')[1:]}
    assert referred <= urls
    [diagnostic] = [e.resource for e in bundle.entry if e.resource.get_resource_type() == "DiagnosticReport"]
    assert diagnostic.status == "preliminary"
    assert "Research use only" in diagnostic.conclusion


def test_what_is_no_dicom_object_is_pseudonymous(world, scanned, logged):
    scanned()
    report(SERIES, world.services)
    texts = [world.services.results.get(key).decode() for key in world.keys("reports/") if key.endswith(".json")]
    texts += [json.dumps(world.events()), *world.keys(), logged.getvalue()]
    texts.append(str(world.services.table.scans._table.client.scan(TableName="scans")["Items"]))
    secrets = (mr.PATIENT_ID, "Canary", "19530405", "1953", mr.ACCESSION, mr.STUDY_UID, "20200102", "2020-01-02")
    for text in texts:
        assert not [secret for secret in secrets if secret in text]


def test_a_picture_that_may_name_the_patient_is_in_no_capture(world, scanned):
    scanned(flags=(Reason.BURNED_IN_TEXT,))
    report(SERIES, world.services)
    assert summary(world)["withheld"]["capture"] == "burned_in_text"
    assert set(objects(world)) == {"seg.dcm", "sr.dcm"}
