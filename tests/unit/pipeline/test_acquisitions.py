"""Echoes, times, averages and planes of one series are acquisitions; its verdict says which one it rests on."""

import io
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import highdicom
import nibabel as nib
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UID

from brainscan.domain import Kind, Outcome, Reason
from brainscan.pipeline.report import report
from tests import series as mr
from tests.conftest import World
from tests.making import present
from tests.unit.pipeline.reporting import SERIES, Scanned, errors_of, objects, summary


def twice(**changes: Any) -> Any:
    """Six places, imaged twice; the second time with these attributes."""
    slices = [*mr.mr_series(), *mr.mr_series(**changes)]
    for number, each in enumerate(slices, start=1):
        each.SOPInstanceUID = each.file_meta.MediaStorageSOPInstanceUID = UID(f"{mr.SERIES_UID}.{number}")
        each.InstanceNumber = number
    return slices


REPEATS = [{"EchoTime": 90}, {"TemporalPositionIdentifier": 2}, {"DiffusionBValue": 1000.0}, {}]


@pytest.mark.parametrize("changes", REPEATS, ids=["echo", "time", "b-value", "average"])
def test_a_place_that_is_imaged_twice_does_not_support_itself(
    world: World, scanned: Callable[..., Any], changes: Any
) -> None:
    scanned(twice(**changes), masks={2: mr.disc(8), 8: mr.disc(8)}, numbers=range(12))
    report(SERIES, world.services)
    found = summary(world, 12)
    assert (found["predicted"], found["review_reasons"]) == ("no_tumor", ["isolated_slice"])
    assert len(found["acquisitions"]) == 2


def test_the_segmentation_is_of_the_acquisition_that_the_series_rests_on(
    world: World, scanned: Callable[..., Any], tmp_path: Path
) -> None:
    slices = twice(EchoTime=90)
    masks = {8: mr.disc(5), 9: mr.disc(8)}
    scanned(slices, masks=masks, numbers=range(12))
    report(SERIES, world.services)
    found = summary(world, 12)
    assert (found["predicted"], found["rests_on"]) == ("glioma", 2)
    assert [each["echo_time_ms"] for each in found["acquisitions"]] == [10, 90]
    assert found["review_reasons"] == ["acquisitions_disagree"]
    made = objects(world, 12)
    seg = highdicom.seg.segread(io.BytesIO(mr.file_bytes(made["seg.dcm"])))
    pixels = seg.get_pixels_by_source_instance([slices[n].SOPInstanceUID for n in masks], combine_segments=True)
    for each, mask in zip(pixels, masks.values(), strict=True):
        assert np.array_equal(each.astype(bool), mask)
    assert "Rests on acquisition 2 of 2" in made["sr.dcm"].to_json()
    if which("dciodvfy"):
        assert {name: errors_of(image, tmp_path) for name, image in made.items()} == {name: [] for name in made}


def test_an_enhanced_object_of_two_echoes_falls_into_two_acquisitions(
    world: World, scanned: Callable[..., Any]
) -> None:
    image = mr.enhanced(mr.mr_series(6))
    groups = image.PerFrameFunctionalGroupsSequence
    for number, frame in enumerate(groups):
        echo = Dataset()
        echo.EffectiveEchoTime = 12.0 if number < 3 else 90.0
        frame.MREchoSequence = [echo]
        frame.PlanePositionSequence = groups[number % 3].PlanePositionSequence
    scanned([image], masks={1: mr.disc(8), 4: mr.disc(8)})
    report(SERIES, world.services)
    found = summary(world)
    assert [each["echo_time_ms"] for each in found["acquisitions"]] == [12, 90]
    assert found["predicted"] == "no_tumor"


def test_slices_of_three_planes_are_three_acquisitions(world: World, scanned: Callable[..., Any]) -> None:
    slices = mr.mr_series(9)
    for number, each in enumerate(slices):
        each.ImageOrientationPatient = [[1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1]][number // 3]
        each.ImagePositionPatient = [[-30, -40, 3 * number], [3 * number, -40, 30], [-30, 3 * number, 30]][number // 3]
    scanned(slices, masks={2: mr.disc(8), 3: mr.disc(8)}, numbers=range(9))
    report(SERIES, world.services)
    found = summary(world, 9)
    assert (found["predicted"], [each["slices"] for each in found["acquisitions"]]) == ("no_tumor", [3, 3, 3])


@pytest.mark.parametrize("abstained", [False, True])
@pytest.mark.parametrize("told_by", ["AcquisitionNumber", "TriggerTime", "SliceLocation"])
def test_time_points_without_positions_do_not_support_each_other(
    world: World, scanned: Callable[..., Any], told_by: str, abstained: bool
) -> None:
    """Place by place, three times each, as a scanner that interleaves numbers them."""
    slices = []
    for number, (place, time) in enumerate((place, time) for place in range(4) for time in range(3)):
        [image] = mr.mr_series(1, InstanceNumber=number + 1 if told_by == "SliceLocation" else place + 1)
        setattr(image, told_by, 6.0 * place if told_by == "SliceLocation" else time)
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(f"{mr.SERIES_UID}.{number + 1}")
        del image.ImagePositionPatient
        slices.append(image)
    tumors = (6, 7, 8)
    made = scanned(slices, masks={number: mr.disc(8) for number in tumors}, numbers=tumors)
    silent = {"outcome": Outcome.ABSTAINED, "reasons": (Reason.OUT_OF_SCOPE,)} if abstained else {}
    made.settle([number for number in range(12) if number not in tumors], **silent)
    report(SERIES, world.services)
    found = summary(world, 12)
    assert found.get("predicted") == (None if abstained else "no_tumor")
    assert "isolated_slice" in found["review_reasons"]


def test_time_points_of_a_mosaic_do_not_support_each_other(world: World, scanned: Callable[..., Any]) -> None:
    mosaics = []
    for time in range(2):
        [image] = mr.mr_series(1, ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], AcquisitionNumber=time)
        image.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 4)
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(f"{mr.SERIES_UID}.{time + 1}")
        image.Rows, image.Columns, image.InstanceNumber = 2 * mr.ROWS, 2 * mr.COLUMNS, time + 1
        image.PixelData = 4 * image.PixelData
        mosaics.append(mr.file_bytes(image))
    tiles = [mosaic for mosaic in mosaics for _ in range(4)]
    made = Scanned(world, tiles, {2: mr.disc(8), 6: mr.disc(8)}, {})
    for number in range(8):
        source = present(made.record(number)).source.model_copy(update={"frame": number % 4})
        scanned_as = {"source": source, "order": number % 4}
        made.settle([number], **scanned_as)
    report(SERIES, world.services)
    found = summary(world, 8)
    assert (found["predicted"], found["review_reasons"]) == ("no_tumor", ["isolated_slice"])
    assert [each["slices"] for each in found["acquisitions"]] == [4, 4]


def report_nifti(world: World, stacked: tuple[int, ...], tumors: tuple[int, int]) -> None:
    """Report a NIfTI of so many slices (and volumes), of which two show a tumor."""
    volume = np.random.default_rng(1).integers(0, 900, (mr.COLUMNS, mr.ROWS, *stacked)).astype(np.int16)
    data = nib.Nifti1Image(volume, np.diag([1.25, 1.5, 5, 1])).to_bytes()
    slices = int(np.prod(stacked))
    made = Scanned(world, [data] * slices, {number: mr.disc(8) for number in tumors}, {})
    for number in range(slices):
        source = made.record(number).source.model_copy(update={"frame": number})
        made.settle([number], kind=Kind.NIFTI, source=source)
    report(SERIES, world.services)


def test_volumes_of_one_nifti_do_not_support_each_other(world: World, scanned: Callable[..., Any]) -> None:
    """The last slice of one volume is no neighbour of the first slice of the next."""
    report_nifti(world, (4, 2), tumors=(3, 4))
    found = summary(world, 8)
    assert (found["predicted"], found["review_reasons"]) == ("no_tumor", ["isolated_slice"])
    assert [each["slices"] for each in found["acquisitions"]] == [4, 4]


def test_lesions_of_a_nifti_have_volumes_in_the_pipeline_too(world: World, scanned: Callable[..., Any]) -> None:
    report_nifti(world, (4,), tumors=(1, 2))
    [lesion] = summary(world, 4)["lesions"]
    assert lesion["volume_mm3"] == pytest.approx(2 * mr.disc(8).sum() * 1.25 * 1.5 * 5)
