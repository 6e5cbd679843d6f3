"""Which bits of a word are the value: what the header says, unless the values themselves show that it is wrong."""

from typing import Any

import numpy as np
import pytest
from pydicom import Dataset, FileDataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from brainscan.dicom.bits import stored_values

ROWS, COLUMNS = np.mgrid[:48, :64]
PICTURE = np.clip(600 - ((ROWS - 24) ** 2 + (COLUMNS - 30) ** 2), 3, None)
"""Smooth, dark at the border, below 12 bits."""


def scan(words: np.ndarray, stored: int, high: int, signed: int = 0, allocated: int = 16) -> Dataset:
    """An uncompressed image of words of 16 bits, or of 8."""
    dataset = FileDataset("", {}, preamble=bytes(128))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, generate_uid()
    dataset.Rows, dataset.Columns = words.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = allocated, stored, high
    dataset.PixelRepresentation = signed
    dataset.PixelData = words.astype(f"<u{allocated // 8}").tobytes()
    return dataset


@pytest.mark.parametrize("stored", [10, 12, 14])
def test_a_value_at_the_upper_end_of_the_word_is_read_there(stored: int) -> None:
    values = PICTURE << (stored - 10)
    words = values << (16 - stored)
    words |= 5 & ((1 << (16 - stored)) - 1)  # what else is in the word is no part of the value
    np.testing.assert_array_equal(stored_values(scan(words, stored, 15), 0), values)


@pytest.mark.parametrize("stored", [10, 12, 14])
def test_a_value_at_the_lower_end_is_read_there_whatever_the_highest_bit_is_said_to_be(stored: int) -> None:
    np.testing.assert_array_equal(stored_values(scan(PICTURE, stored, 15), 0), PICTURE)
    np.testing.assert_array_equal(stored_values(scan(PICTURE, stored, stored - 1), 0), PICTURE)


@pytest.mark.parametrize(("stored", "high"), [(12, 13), (12, 15), (14, 15)])
def test_a_dark_picture_at_the_upper_end_is_read_there(stored: int, high: int) -> None:
    dark = PICTURE // 8
    np.testing.assert_array_equal(stored_values(scan(dark << (high + 1 - stored), stored, high), 0), dark)


@pytest.mark.parametrize("stored", [6, 7])
@pytest.mark.parametrize("below", [0, 1])
def test_a_value_at_the_upper_end_of_a_byte_is_read_there(stored: int, below: int) -> None:
    values = PICTURE >> (10 - stored)
    words = values << (8 - stored) | below
    np.testing.assert_array_equal(stored_values(scan(words, stored, 7, allocated=8), 0), values)
    np.testing.assert_array_equal(stored_values(scan(values, stored, 7, allocated=8), 0), values)


@pytest.mark.parametrize("stored", [6, 7])
def test_bytes_of_more_bits_than_are_stated_do_not_fall_apart(stored: int) -> None:
    values = PICTURE // 4
    np.testing.assert_array_equal(stored_values(scan(values, stored, stored - 1, allocated=8), 0), values)


@pytest.mark.parametrize("stored", [12, 14])
def test_signed_values_at_either_end_keep_their_sign(stored: int) -> None:
    values = (PICTURE.astype(np.int16) - 300) << (stored - 10) | 1
    upper = scan((values << (16 - stored)).astype(np.uint16), stored, 15, signed=1)
    np.testing.assert_array_equal(stored_values(upper, 0), values)
    np.testing.assert_array_equal(stored_values(scan(values.astype(np.uint16), stored, 15, signed=1), 0), values)


@pytest.mark.parametrize("middle", [32768, 32500, 33000])
def test_unsigned_values_that_call_themselves_signed_are_read_as_they_are(middle: int) -> None:
    values = PICTURE + middle - 300
    np.testing.assert_array_equal(stored_values(scan(values, 16, 15, signed=1), 0), values)


@pytest.mark.parametrize("below", [1, 20, 400])
def test_signed_values_that_call_themselves_unsigned_are_read_as_they_are(below: int) -> None:
    values = PICTURE.astype(np.int64) - 3 - below
    np.testing.assert_array_equal(stored_values(scan(values.astype(np.uint16), 16, 15), 0), values)


@pytest.mark.parametrize(
    ("values", "signed"),
    [
        (PICTURE * 100, 0),
        (PICTURE * 100 - 30_000, 1),
        (np.where(PICTURE > 300, 65_535, 0), 0),
        (PICTURE - 300, 1),
    ],
    ids=["unsigned", "signed", "black_and_white", "small_signed"],
)
def test_what_fits_its_header_is_left_as_it_is(values: Any, signed: int) -> None:
    found = stored_values(scan(values.astype(np.int64).astype(np.uint16), 16, 15, signed), 0)
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("stored", [8, 9])
@pytest.mark.parametrize("high", [7, 8, 11])
def test_more_bits_than_are_stated_count_where_the_picture_falls_apart_without_them(stored: int, high: int) -> None:
    found = stored_values(scan(PICTURE, stored, min(high, stored - 1)), 0)
    np.testing.assert_array_equal(found, PICTURE)


@pytest.mark.parametrize("bit", [10, 12, 15])
def test_an_overlay_or_litter_in_the_upper_bits_is_no_part_of_the_value(bit: int) -> None:
    box = np.zeros(PICTURE.shape, int)
    box[10:20, 10:40] = 1
    litter = np.random.default_rng(bit).integers(0, 1 << (16 - bit), PICTURE.shape)
    for above in (box, litter):
        np.testing.assert_array_equal(stored_values(scan(PICTURE | (above << bit), 10, 9), 0), PICTURE)


def test_a_sign_that_is_not_carried_into_the_upper_bits_counts() -> None:
    values = PICTURE - 300
    np.testing.assert_array_equal(stored_values(scan(values & 0x0FFF, 12, 11, signed=1), 0), values)


@pytest.mark.parametrize("middle", [128, 120, 140])
def test_unsigned_bytes_that_call_themselves_signed_are_read_as_they_are(middle: int) -> None:
    values = (PICTURE // 4 + middle - 75).astype(np.uint8)
    dataset = scan(values, 8, 7, signed=1, allocated=8)
    np.testing.assert_array_equal(stored_values(dataset, 0), values)


def test_signed_bytes_stay_signed() -> None:
    values = (PICTURE // 4 - 75).astype(np.int8)
    dataset = scan(values, 8, 7, signed=1, allocated=8)
    np.testing.assert_array_equal(stored_values(dataset, 0), values)


@pytest.mark.parametrize(("values", "stored"), [(PICTURE, 12), (PICTURE * 50, 16), (PICTURE, 16)])
def test_words_whose_bytes_stand_in_the_other_order_are_turned_over(values: Any, stored: int) -> None:
    noisy = values + np.random.default_rng(1).integers(0, 20, values.shape)
    swapped = noisy.astype(np.uint16).byteswap()
    np.testing.assert_array_equal(stored_values(scan(swapped, stored, stored - 1), 0), noisy)


@pytest.mark.parametrize("noise", [np.full((48, 64), 7), np.random.default_rng(2).integers(0, 4096, (48, 64))])
def test_a_picture_that_is_rough_in_either_order_is_left_as_it_is(noise: Any) -> None:
    np.testing.assert_array_equal(stored_values(scan(noise, 12, 11), 0), noise)
