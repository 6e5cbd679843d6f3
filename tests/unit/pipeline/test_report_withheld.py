"""What cannot be written of a series is withheld with its reason, and costs nothing else."""

from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import highdicom
import pytest
from fhir.resources.R4B.bundle import Bundle

from brainscan.domain import Kind, Outcome, Reason, TumorClass
from brainscan.pipeline.report import report
from brainscan.store.objects import report_key, staged_key
from tests import series as mr
from tests.conftest import World
from tests.making import present
from tests.unit.pipeline.reporting import SERIES, errors_of, objects, summary


class TestWithheld:
    def test_a_series_without_tumor_has_a_report_of_its_absence_alone(
        self, world: World, scanned: Callable[..., Any], tmp_path: Path
    ) -> None:
        scanned(masks={})
        report(SERIES, world.services)
        assert summary(world)["withheld"] == {"seg": "no_tumor_found", "capture": "no_tumor_found"}
        [(name, sr)] = objects(world).items()
        assert name == "sr.dcm"
        assert "Absent" in sr.to_json()
        [group] = highdicom.sr.MeasurementReport.from_sequence([sr]).get_image_measurement_groups()
        [certainty] = group.get_measurements()
        stated = 100 * summary(world)["probabilities"]["no_tumor"]
        assert (certainty.name.meaning, certainty.unit.value) == ("Certainty of Finding", "%")
        assert certainty.value == pytest.approx(stated)
        if which("dciodvfy"):
            assert errors_of(sr, tmp_path) == []

    def test_pictures_that_are_no_dicom_have_summary_and_bundle(
        self, world: World, scanned: Callable[..., Any]
    ) -> None:
        scanned(kind=Kind.PNG)
        report(SERIES, world.services)
        assert objects(world) == {}
        assert set(summary(world)["withheld"].values()) == {"not_dicom"}
        assert summary(world)["findings"][0]["volume_withheld"] == "no_positions"
        listed = present(world.services.table.summaries.series(SERIES))
        assert (listed.volume_mm3, listed.volume_withheld) == (None, Reason.NO_POSITIONS)

    def test_sources_that_expired_cost_the_objects_alone(self, world: World, scanned: Callable[..., Any]) -> None:
        scanned()
        world.s3.delete_object(Bucket="results", Key=staged_key("0"))
        report(SERIES, world.services)
        assert set(summary(world)["withheld"].values()) == {"object_gone"}

    def test_slices_of_different_size_have_a_report_without_segmentation(
        self, world: World, scanned: Callable[..., Any]
    ) -> None:
        slices = mr.mr_series()
        slices[0].PixelSpacing = [1, 1]
        scanned(slices)
        report(SERIES, world.services)
        assert summary(world)["withheld"] == {"seg": "mixed_geometry"}
        assert set(objects(world)) == {"sr.dcm", "capture.dcm"}

    def test_a_header_that_lacks_its_study_costs_the_objects_and_names_nobody_in_the_log(
        self, world: World, scanned: Callable[..., Any], logged: Any
    ) -> None:
        slices = mr.mr_series()
        for each in slices:
            del each.StudyInstanceUID
        scanned(slices)
        report(SERIES, world.services)
        assert set(summary(world)["withheld"].values()) == {"unusable_header"}
        assert '"attributes":["StudyInstanceUID"]' in logged.getvalue()
        assert "Canary" not in logged.getvalue()

    def test_frames_of_an_object_that_does_not_say_where_each_lies_have_no_segmentation(
        self, world: World, scanned: Callable[..., Any]
    ) -> None:
        image = mr.enhanced(mr.mr_series())
        position = image.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient
        del image.PerFrameFunctionalGroupsSequence
        image.ImagePositionPatient, image.ImageOrientationPatient = position, list(mr.TRANSVERSE)
        image.PixelSpacing = list(mr.SPACING)
        scanned([image])
        report(SERIES, world.services)
        assert summary(world)["withheld"]["seg"] == "no_positions"
        assert {"sr.dcm", "capture.dcm"} <= set(objects(world))

    def test_slices_of_a_mosaic_have_a_report_without_segmentation(
        self, world: World, scanned: Callable[..., Any]
    ) -> None:
        """Its position is the whole picture's: where each tile lies is in private elements alone."""
        [image] = mr.mr_series(1, ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"])
        image.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 6)
        image.Rows, image.Columns = 3 * mr.ROWS, 3 * mr.COLUMNS
        image.PixelData = 9 * image.PixelData
        scanned([image])
        assert present(report(SERIES, world.services).report).predicted is TumorClass.GLIOMA
        assert summary(world)["withheld"] == {"seg": "no_positions"}
        assert set(objects(world)) == {"sr.dcm", "capture.dcm"}

    def test_files_that_one_uid_names_have_no_segmentation_that_would_refer_to_them_by_it(
        self, world: World, scanned: Callable[..., Any]
    ) -> None:
        scanned(mr.mr_series(SOPInstanceUID="1.2.3.4.5"))
        report(SERIES, world.services)
        assert summary(world)["withheld"]["seg"] == "repeated_instance_uid"

    def test_an_image_of_a_class_that_nobody_knows_costs_the_objects(
        self, world: World, scanned: Callable[..., Any]
    ) -> None:
        scanned(mr.mr_series(SOPClassUID="1.2.3.4.5"))
        report(SERIES, world.services)
        assert set(summary(world)["withheld"].values()) == {"unusable_header"}

    def test_slices_without_pixel_spacing_have_a_report_without_segmentation(
        self, world: World, scanned: Callable[..., Any]
    ) -> None:
        slices = mr.mr_series()
        for each in slices:
            del each.PixelSpacing
        scanned(slices)
        report(SERIES, world.services)
        assert summary(world)["withheld"] == {"seg": "no_spacing"}
        assert set(objects(world)) == {"sr.dcm", "capture.dcm"}

    def test_a_series_of_which_too_little_was_analyzed_has_a_report_that_says_so(
        self, world: World, scanned: Callable[..., Any], tmp_path: Path
    ) -> None:
        """What its few slices show is in the summary."""
        scanned(masks={}, numbers=range(2))
        scanned(masks={}, numbers=range(2, 6), outcome=Outcome.ABSTAINED, reasons=(Reason.OUT_OF_SCOPE,))
        assert present(report(SERIES, world.services).report).outcome is Outcome.ABSTAINED
        told = summary(world)
        assert told["withheld"] == {"seg": "no_verdict", "capture": "no_verdict"}
        [(name, sr)] = objects(world).items()
        content = sr.to_json()
        assert name == "sr.dcm"
        assert "Indeterminate" in content
        assert "Absent" not in content
        assert "Needs review: slices_unanswered" in content
        if which("dciodvfy"):
            assert errors_of(sr, tmp_path) == []
        assert told["review_reasons"] == ["slices_unanswered"]
        assert len(told["slices"]) == 6
        bundle = world.services.results.get(report_key(SERIES, 6, "fhir.json"))
        Bundle.model_validate_json(bundle)
        assert b"Observation" not in bundle

    def test_slices_in_planes_that_cross_have_no_segmentation_and_no_label_volume(
        self, world: World, scanned: Callable[..., Any]
    ) -> None:
        slices = mr.mr_series(9)
        for number, each in enumerate(slices):
            each.ImageOrientationPatient = [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1]][number // 3]
            each.ImagePositionPatient = [[-30, -40, 3 * number], [3 * number, -40, 30], [-30, 3 * number, 30]][
                number // 3
            ]
        scanned(slices, masks={0: mr.disc(8), 1: mr.disc(8)}, numbers=range(9))
        report(SERIES, world.services)
        told = summary(world, 9)
        assert (told["predicted"], told["withheld"]) == ("glioma", {"seg": "mixed_geometry"})
        assert "unclear_content" in told["review_reasons"]
        assert set(objects(world, 9)) == {"sr.dcm", "capture.dcm"}

    def test_a_series_of_which_nothing_was_analyzed_abstains(self, world: World, scanned: Callable[..., Any]) -> None:
        nothing = {"predicted": None, "probabilities": None, "confidence": None, "tumor": None}
        scanned(masks={}, outcome=Outcome.REJECTED, reasons=(Reason.UNREADABLE,), **nothing)
        assert present(report(SERIES, world.services).report).outcome is Outcome.ABSTAINED
        assert set(summary(world)["withheld"].values()) == {"no_slice_analyzed"}
        Bundle.model_validate_json(world.services.results.get(report_key(SERIES, 6, "fhir.json")))
