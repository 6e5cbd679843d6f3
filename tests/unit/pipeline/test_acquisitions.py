"""Echoes, times, averages and planes of one series are acquisitions; its verdict says which one it rests on."""

import io
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import highdicom
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import UID

from brainscan.pipeline.report import report
from tests import series as mr
from tests.conftest import World
from tests.unit.pipeline.reporting import SERIES, errors_of, objects, summary


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
