"""Slices are the source of one segmentation where they share one grid, and how each was taken is read from it."""

from typing import Any

import pytest
from pydicom import Dataset

from brainscan.dicom.series_geometry import no_common_grid
from brainscan.dicom.source import SourceImage, read_source
from brainscan.dicom.technique import technique_of
from brainscan.domain import Reason
from tests import series as mr


def read(image: Dataset) -> Dataset:
    return read_source(mr.file_bytes(image), 10**9)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"PixelSpacing": [1.5, 1.5]}, Reason.MIXED_GEOMETRY),
        ({"Columns": mr.COLUMNS - 1}, Reason.MIXED_GEOMETRY),
        ({"FrameOfReferenceUID": "1.2.3"}, Reason.MIXED_GEOMETRY),
        ({"ImageOrientationPatient": list(mr.OBLIQUE)}, Reason.MIXED_GEOMETRY),
        ({"PixelSpacing": None}, Reason.NO_SPACING),
        ({"SOPInstanceUID": f"{mr.SERIES_UID}.1"}, Reason.REPEATED_INSTANCE_UID),
    ],
    ids=lambda each: next(iter(each), "alike") if isinstance(each, dict) else "",
)
def test_one_slice_that_is_unlike_the_other_in_one_way_leaves_no_common_grid(
    changes: dict[str, Any], reason: Reason | None
) -> None:
    one, other = mr.mr_series(2)
    for keyword, value in changes.items():
        setattr(other, keyword, value)
    assert no_common_grid([SourceImage(read(one)), SourceImage(read(other))]) is reason


def test_a_slice_is_of_the_technique_that_its_header_states() -> None:
    [image] = mr.mr_series(1, DiffusionBValue=1000.0, TemporalPositionIdentifier=3)
    found = technique_of(read(image), None)
    assert (found.image_type, found.echo_time_ms) == (("ORIGINAL", "PRIMARY", "M"), 10.0)
    assert (found.temporal_position, found.b_value) == (3.0, 1000.0)
