"""A label volume lies on the slices that it was made from, or says why it cannot."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from brainscan.dicom.label_volume import label_volume
from brainscan.dicom.source import SourceImage
from brainscan.domain import RESEARCH_USE_STATEMENT, Reason
from tests import series as mr

MARK = mr.disc(3, row=10, column=50).astype(np.uint8)


def images(places_mm, **changes):
    normal = np.array([0.0, 0.0, 1.0])
    slices = [mr.mr_slice(number + 1, place * normal) for number, place in enumerate(places_mm)]
    for each in slices:
        each.update(changes)
    return [SourceImage(each) for each in slices]


def read(data):
    return nib.Nifti1Image.from_bytes(gzip.decompress(data))


def test_a_slice_that_was_not_analyzed_is_empty_and_moves_no_other():
    volume = read(label_volume(images([0, 3, 9, 12]), {1: MARK, 2: 2 * MARK}))
    pixels = np.asarray(volume.dataobj)
    assert [int(pixels[50, 10, place]) for place in range(5)] == [0, 1, 0, 2, 0]
    assert volume.header.get_zooms() == pytest.approx((mr.SPACING[1], mr.SPACING[0], 3))


def test_positions_that_scanners_round_are_even():
    rounded = [round(place * 1.0049, 2) for place in range(200)]
    volume = read(label_volume(images(rounded), {150: MARK}))
    assert volume.shape[2] == 200
    assert np.flatnonzero(np.asarray(volume.dataobj).any(axis=(0, 1))).tolist() == [150]


def test_a_single_slice_is_as_thick_as_it_says():
    assert read(label_volume(images([5]), {0: MARK})).header.get_zooms()[2] == 2


@pytest.mark.parametrize(
    ("places_mm", "reason"),
    [([0, 3, 3, 6], Reason.REPEATED_POSITIONS), ([0, 3, 7.2, 10.2], Reason.UNEVEN_SLICES)],
)
def test_slices_that_no_grid_fits_have_no_volume(places_mm, reason):
    assert label_volume(images(places_mm), {0: MARK}) is reason


def test_it_names_nobody_and_says_research_use():
    data = gzip.decompress(label_volume(images([0, 3]), {0: MARK}))
    assert RESEARCH_USE_STATEMENT.encode() in data
    for secret in (mr.PATIENT_ID, "Canary", mr.ACCESSION, mr.STUDY_UID):
        assert secret.encode() not in data


def test_without_spacing_or_position_there_is_none():
    slices = images([0, 3])
    del slices[1].header.ImagePositionPatient
    assert label_volume(slices, {0: MARK}) is Reason.NO_POSITIONS
    slices = images([0, 3])
    for each in slices:
        del each.header.PixelSpacing
    assert label_volume(slices, {0: MARK}) is Reason.NO_SPACING
