"""What a PACS gets of a series refers to its slices bit by bit and is valid; geometry in it is measured."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any, ClassVar

import highdicom
import nibabel as nib
import numpy as np
import pytest

from brainscan.domain import TumorClass
from brainscan.pipeline.report import ReportStatus, report
from brainscan.store.objects import report_key
from tests import series as mr
from tests.conftest import World
from tests.making import present
from tests.unit.pipeline.reporting import MASKS, SERIES, errors_of, objects, place_of, summary


@pytest.mark.parametrize("multiframe", [False, True], ids=["classic", "enhanced"])
@pytest.mark.parametrize("orientation", [mr.TRANSVERSE, mr.OBLIQUE], ids=["transverse", "oblique"])
class TestObjects:
    reported: ClassVar[dict[Any, Any]] = {}
    """What was made of each kind of series, once for all of its tests."""

    @pytest.fixture
    def made(self, request: pytest.FixtureRequest, orientation: Any, multiframe: Any) -> Any:
        key = orientation, multiframe
        if key not in self.reported:
            world, scanned = request.getfixturevalue("world"), request.getfixturevalue("scanned")
            slices = mr.mr_series(orientation=orientation)
            scanned([mr.enhanced(slices)] if multiframe else slices)
            report(SERIES, world.services)
            labels = world.services.results.get(report_key(SERIES, 6, "labels.nii.gz"))
            self.reported[key] = objects(world), labels
        return self.reported[key][0]

    @pytest.fixture
    def labels(self, made: Any, orientation: Any, multiframe: Any) -> Any:
        return nib.Nifti1Image.from_bytes(gzip.decompress(self.reported[orientation, multiframe][1]))

    def test_they_pass_dciodvfy(self, made: Any, tmp_path: Path) -> None:
        if which("dciodvfy") is None:
            pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
        assert {name: errors_of(image, tmp_path) for name, image in made.items()} == {name: [] for name in made}

    def test_highdicom_reads_the_masks_back_bit_by_bit(self, made: Any, multiframe: bool) -> None:
        seg = highdicom.seg.segread(io.BytesIO(mr.file_bytes(made["seg.dcm"])))
        [description] = [seg.get_segment_description(number) for number in seg.segment_numbers]
        assert description.segmented_property_type.value == "393564001"
        assert description.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion == "f" * 64
        assert (description.segment_label, description.tracking_id) == ("glioma 1", "glioma 1")
        if multiframe:
            [(_, _, uid)] = seg.get_source_image_uids()
            frames = [number + 1 for number in MASKS]
            pixels = seg.get_pixels_by_source_frame(uid, frames, combine_segments=True)
        else:
            uids = [f"{mr.SERIES_UID}.{number + 1}" for number in MASKS]
            pixels = seg.get_pixels_by_source_instance(uids, combine_segments=True)
        for found, mask in zip(pixels, MASKS.values(), strict=True):
            assert np.array_equal(found.astype(bool), mask)

    def test_the_segmentation_names_slices_without_a_mask_as_its_source_too(self, made: Any, multiframe: bool) -> None:
        [series] = made["seg.dcm"].ReferencedSeriesSequence
        named = {each.ReferencedSOPInstanceUID for each in series.ReferencedInstanceSequence}
        assert len(named) == (1 if multiframe else 6)

    def test_the_label_volume_has_each_mark_where_the_source_has_its_pixel(
        self, labels: Any, orientation: Any, multiframe: bool
    ) -> None:
        marked = np.argwhere(np.asarray(labels.dataobj))
        found = {tuple(point) for point in np.round(nib.affines.apply_affine(labels.affine, marked), 2)}
        expected = set()
        for number, mask in MASKS.items():
            rows, columns = np.nonzero(mask)
            height = 5 - number if multiframe else number  # the frames go from the top down
            x, y, z = place_of(orientation, height, rows, columns)
            expected |= {tuple(point) for point in np.round(np.stack([-x, -y, z], axis=1), 2)}
        assert labels.shape == (mr.COLUMNS, mr.ROWS, 6)
        assert found == expected

    def test_the_report_refers_to_segment_and_key_image(self, made: Any) -> None:
        sr = highdicom.sr.srread(io.BytesIO(mr.file_bytes(made["sr.dcm"])))
        content = highdicom.sr.MeasurementReport.from_sequence([sr])
        [group] = content.get_volumetric_roi_measurement_groups()
        assert present(group.finding_type).value == "393564001"
        segment = present(group.referenced_segment)[0]
        assert segment.referenced_sop_instance_uid == made["seg.dcm"].SOPInstanceUID
        assert segment.referenced_segment_numbers == [1]
        values = {each.name.meaning: each.value for each in group.get_measurements()}
        area = float(MASKS[3].sum()) * np.prod(mr.SPACING)
        volume = sum(float(mask.sum()) for mask in MASKS.values()) * np.prod(mr.SPACING) * 3
        assert values["Area"] == pytest.approx(area)
        assert values["Volume"] == pytest.approx(volume, rel=1e-5)
        assert values["Certainty of Finding"] == pytest.approx(90)
        assert values["Long axis"] == pytest.approx(25.5)
        assert values["Short axis"] == pytest.approx(21.25)
        [area_group] = group.get_measurements(name=highdicom.sr.CodedConcept("42798000", "SCT", "Area"))
        [key] = area_group.referenced_images
        assert key.referenced_sop_instance_uid in made["seg.dcm"].to_json()
        assert "Research use only. Not a medical device." in made["sr.dcm"].to_json()

    def test_all_are_filed_under_the_patient_and_study_they_came_from(self, made: Any) -> None:
        for image in made.values():
            assert (image.PatientID, str(image.PatientName)) == (mr.PATIENT_ID, mr.NAME)
            assert (image.StudyInstanceUID, image.AccessionNumber) == (mr.STUDY_UID, mr.ACCESSION)
        assert len({image.SeriesInstanceUID for image in made.values()}) == 3

    def test_the_capture_shows_the_whole_key_slice_above_its_caption(self, made: Any) -> None:
        capture = made["capture.dcm"]
        assert capture.Columns == mr.COLUMNS
        assert capture.Rows > mr.ROWS
        assert capture.pixel_array.shape == (capture.Rows, capture.Columns, 3)
        shown = capture.pixel_array[: mr.ROWS]
        assert (shown == (255, 64, 0)).all(axis=-1).any()


def test_each_class_found_has_its_segment_the_largest_first(world: World, scanned: Callable[..., Any]) -> None:
    masks = {0: mr.disc(4), 1: mr.disc(4), 3: mr.disc(9), 4: mr.disc(9)}
    classes = {0: TumorClass.PITUITARY, 1: TumorClass.PITUITARY, 3: TumorClass.MENINGIOMA, 4: TumorClass.MENINGIOMA}
    scanned(masks=masks, classes=classes)
    report(SERIES, world.services)
    found = summary(world)
    assert [(each["tumor_class"], each["number"]) for each in found["lesions"]] == [("meningioma", 1), ("pituitary", 2)]
    assert [each["tumor_class"] for each in found["findings"]] == ["meningioma", "pituitary"]
    assert (found["predicted"], found["review_reasons"]) == ("meningioma", ["mixed_classes"])
    seg = highdicom.seg.segread(io.BytesIO(mr.file_bytes(objects(world)["seg.dcm"])))
    uids = [f"{mr.SERIES_UID}.{number + 1}" for number in masks]
    pixels = seg.get_pixels_by_source_instance(uids, combine_segments=True)
    assert [sorted(np.unique(each)) for each in pixels] == [[0, 2], [0, 2], [0, 1], [0, 1]]


def test_two_masses_are_two_lesions_in_summary_segmentation_report_and_bundle(
    world: World, scanned: Callable[..., Any], tmp_path: Path
) -> None:
    large, small = mr.disc(7, 14, 14), mr.disc(4, 36, 50)
    scanned(masks={2: large | small, 3: large | small})
    report(SERIES, world.services)
    [first, second] = summary(world)["lesions"]
    assert first["volume_mm3"] == pytest.approx(2 * large.sum() * np.prod(mr.SPACING) * 3)
    assert second["volume_mm3"] == pytest.approx(2 * small.sum() * np.prod(mr.SPACING) * 3)
    assert first["longest_diameter_mm"] < 25
    made = objects(world)
    seg = highdicom.seg.segread(io.BytesIO(mr.file_bytes(made["seg.dcm"])))
    uids = [f"{mr.SERIES_UID}.{number + 1}" for number in (2, 3)]
    for pixels in seg.get_pixels_by_source_instance(uids, combine_segments=True):
        assert np.array_equal(pixels, np.where(large, 1, np.where(small, 2, 0)))
    sr = highdicom.sr.srread(io.BytesIO(mr.file_bytes(made["sr.dcm"])))
    groups = highdicom.sr.MeasurementReport.from_sequence([sr]).get_volumetric_roi_measurement_groups()
    assert [present(group.referenced_segment)[0].referenced_segment_numbers for group in groups] == [[1], [2]]
    assert [group.tracking_identifier for group in groups] == ["glioma 1", "glioma 2"]
    bundle = json.loads(world.services.results.get(report_key(SERIES, 6, "fhir.json")))
    [glioma] = [entry["resource"] for entry in bundle["entry"] if entry["resource"].get("hasMember")]
    assert len(glioma["hasMember"]) == 2
    if which("dciodvfy"):
        assert {name: errors_of(image, tmp_path) for name, image in made.items()} == {name: [] for name in made}


@pytest.mark.parametrize(
    ("making", "bug"),
    [
        ("segmentation", TypeError),
        ("measurement_report", KeyError),
        ("capture", AttributeError),
        ("label_volume", ValueError),
    ],
)
def test_a_fault_of_ours_in_the_making_rises_and_the_retry_reports(
    world: World, scanned: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, making: str, bug: Any
) -> None:
    scanned()

    def broken(*_: Any, **__: Any) -> None:
        raise bug("a fault of ours")

    with monkeypatch.context() as patched:
        patched.setattr(f"brainscan.pipeline.objects.{making}", broken)
        with pytest.raises(bug):
            report(SERIES, world.services)
    assert world.services.table.reports.latest(SERIES) is None
    assert world.events() == []
    assert report(SERIES, world.services).state is ReportStatus.REPORTED
    assert summary(world)["withheld"] == {}


@pytest.mark.parametrize("multiframe", [False, True], ids=["classic", "enhanced"])
@pytest.mark.parametrize("stated", [1.0, 0.0, -3.0, None], ids=["the gap", "zero", "negative", "absent"])
def test_distance_and_thickness_in_the_segmentation_are_measured(
    world: World, scanned: Callable[..., Any], stated: float | None, multiframe: bool
) -> None:
    slices = mr.mr_series(SpacingBetweenSlices=stated)
    for each in slices if stated is None else ():
        del each.SpacingBetweenSlices
    scanned([mr.enhanced(slices)] if multiframe else slices)
    report(SERIES, world.services)
    [measures] = objects(world)["seg.dcm"].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    assert (measures.SpacingBetweenSlices, measures.SliceThickness) == (3, 3)
    assert list(measures.PixelSpacing) == list(mr.SPACING)


def test_a_lone_slice_that_does_not_say_how_thick_it_is_has_a_segmentation(
    world: World, scanned: Callable[..., Any]
) -> None:
    slices = mr.mr_series(1)
    del slices[0].SliceThickness
    scanned(slices, masks={0: mr.disc(5)}, numbers=[0])
    report(SERIES, world.services)
    [measures] = objects(world, 1)["seg.dcm"].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    assert "SpacingBetweenSlices" not in measures


def test_uneven_slices_state_no_distance_and_the_median_of_theirs_as_thickness(
    world: World, scanned: Callable[..., Any]
) -> None:
    slices = mr.mr_series()
    for each, height in zip(slices, (10, 13, 16, 20, 25, 28.5), strict=True):
        each.ImagePositionPatient = [-30, -40, height]
    scanned(slices)
    report(SERIES, world.services)
    [measures] = objects(world)["seg.dcm"].SharedFunctionalGroupsSequence[0].PixelMeasuresSequence
    assert ("SpacingBetweenSlices" in measures, measures.SliceThickness) == (False, 3.5)


@pytest.mark.parametrize("order", ["phase first", "magnitude first", "in turn"])
def test_frames_that_were_left_out_are_no_source_though_they_lie_at_the_same_places(
    world: World, scanned: Callable[..., Any], order: str
) -> None:
    """Phase and magnitude of the same six places, in one object."""
    magnitude = {"phase first": range(6, 12), "magnitude first": range(6), "in turn": range(1, 12, 2)}[order]
    image = mr.enhanced(mr.mr_series(12))
    frames = image.PerFrameFunctionalGroupsSequence
    phase = sorted(set(range(12)) - set(magnitude))
    for left_out, answered in zip(phase, magnitude, strict=True):
        frames[left_out].PlanePositionSequence = frames[answered].PlanePositionSequence
    scanned([image], masks={magnitude[place]: mask for place, mask in MASKS.items()}, numbers=magnitude)
    report(SERIES, world.services)
    made = objects(world)
    assert summary(world)["withheld"] == {}
    groups = made["seg.dcm"].PerFrameFunctionalGroupsSequence
    sources = [each.DerivationImageSequence[0].SourceImageSequence[0].ReferencedFrameNumber for each in groups]
    places = [each.PlanePositionSequence[0].ImagePositionPatient for each in groups]
    assert sorted(sources) == [magnitude[place] + 1 for place in MASKS]
    assert places == [frames[number - 1].PlanePositionSequence[0].ImagePositionPatient for number in sources]
    for number, pixels in zip(sources, made["seg.dcm"].pixel_array, strict=True):
        assert np.array_equal(pixels.astype(bool), MASKS[list(magnitude).index(number - 1)])
