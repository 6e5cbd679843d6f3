"""A needed value is read in whatever form it comes, and a value that cannot be read is as if it were absent."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from brainscan.dicom.values import integer, number, numbers, texts

SLOPE = Tag(0x0028, 0x1053)
COLUMNS = Tag(0x0028, 0x0011)


def stating(value: bytes | None, vr: str | None = "DS") -> Dataset:
    """A data set as it comes from a file, with RescaleSlope in a form of its own."""
    dataset = Dataset()
    dataset[SLOPE] = RawDataElement(SLOPE, vr, len(value or b""), value, 0, False, True)
    return dataset


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"1.25", (1.25,)),
        (b" 1,25 ", (1.25,)),
        (b"1e-3\0", (0.001,)),
        (b"0.9\\0.8", (0.9, 0.8)),
        (b"", None),
        (None, None),
        (b"one", None),
        (b"1\\two", None),
        (b"nan", None),
        (b"inf", None),
        (b"\xff\xfe", None),
        (b"5 mm", (5.0,)),
        (b"0.9/0.8", (0.9, 0.8)),
        (b"0.9,0.8", (0.9, 0.8)),
        (b"1,7;3,4", (1.7, 3.4)),
        (b"[1,7 3,4]", (1.7, 3.4)),
        (b"1,7, 3,4", (1.7, 3.4)),
        (b"1,7 mm x 3,4 mm", (1.7, 3.4)),
        (b"1,7,3,4", None),
        (b"5 miles", None),
    ],
)
@pytest.mark.parametrize("vr", ["DS", "IS", "UT", "LO", "UN", None])
def test_numbers_are_read_whatever_the_representation(
    value: bytes | None, expected: tuple[float, ...] | None, vr: str | None
) -> None:
    assert numbers(stating(value, vr), "RescaleSlope") == expected
    assert number(stating(value, vr), "RescaleSlope") == (expected[0] if expected else None)


def test_values_that_were_parsed_before_are_read_alike() -> None:
    dataset = Dataset()
    dataset.PixelSpacing = [0.9, 0.8]
    dataset.RescaleSlope = "2.5"
    assert numbers(dataset, "PixelSpacing") == (0.9, 0.8)
    assert number(dataset, "RescaleSlope") == 2.5
    assert texts(dataset, "PatientName") == ()
    assert numbers(dataset, "PixelAspectRatio") is None


@given(st.binary(max_size=40), st.sampled_from(["DS", "IS", "FD", "US", "OB", "SQ", "UI", "PN", "UT", None]))
def test_no_bytes_raise(value: bytes, vr: Any) -> None:
    found = numbers(stating(value, vr), "RescaleSlope")
    assert found is None or all(isinstance(each, float) for each in found)
    assert isinstance(texts(stating(value, vr), "RescaleSlope"), tuple)


def test_a_value_of_binary_numbers_is_no_text() -> None:
    written = io.BytesIO()
    dataset = Dataset()
    dataset.EchoTime = 5
    dataset.save_as(written, implicit_vr=False, little_endian=True)
    assert number(dcmread(io.BytesIO(written.getvalue()), force=True), "EchoTime") == 5


@pytest.mark.parametrize(
    ("value", "vr", "little", "expected"),
    [
        (b"\x02\x01", "US", True, 258),
        (b"\x02\x01", "US", False, 513),
        (b"\x02\x01", None, True, 258),
        (b"\xff\xff", "SS", True, -1),
        (b"\x02\x00\x07\x00", "US", True, 2),
        (b"\x02\x01\x00", "US", True, None),
        (b"", "US", True, None),
        (b" 12 ", "IS", True, 12),
        (b"7\\9", "IS", True, 7),
        (b"twelve", "IS", True, None),
        (b"12", "UT", True, None),
    ],
)
def test_an_integer_is_read_by_the_order_of_its_bytes(
    value: bytes, vr: Any, little: bool, expected: int | None
) -> None:
    dataset = Dataset()
    dataset[COLUMNS] = RawDataElement(COLUMNS, vr, len(value), value, 0, vr is None, little)
    assert integer(dataset, "Columns") == expected


def test_an_integer_that_was_parsed_before_is_read_alike() -> None:
    dataset = Dataset()
    dataset.NumberOfFrames, dataset.Columns = "3", 64
    assert (integer(dataset, "NumberOfFrames"), integer(dataset, "Columns")) == (3, 64)
    assert integer(dataset, "Rows") is None


@given(st.binary(max_size=8), st.sampled_from(["DS", "IS", "FD", "US", "SS", "OB", "SQ", "UI", None]))
def test_no_bytes_of_an_integer_raise(value: bytes, vr: Any) -> None:
    assert isinstance(integer(stating(value, vr), "RescaleSlope"), int | None)
