"""Decoding DICOM: how far apart pixels are, in whatever form the header says it."""

from typing import Any

import numpy as np
import pytest

from brainscan.domain import Kind
from brainscan.imaging.decode import decode
from tests.unit.imaging.decoding import GRAY, LIMITS, decoded, in_form
from tests.unit.imaging.files import dicom_bytes, dicom_object


@pytest.mark.parametrize(
    ("elements", "spacing"),
    [
        ({"PixelSpacing": [0.5, 0.75], "ImagerPixelSpacing": [9, 9]}, (0.5, 0.75)),
        ({"ImagerPixelSpacing": [0.4, 0.3], "NominalScannedPixelSpacing": [9, 9]}, (0.4, 0.3)),
        ({"NominalScannedPixelSpacing": [0.2, 0.1]}, (0.2, 0.1)),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.4, 0.3]}, (0.4, 0.3)),
        ({"PixelSpacing": None}, None),
        ({"PixelSpacing": "0.5"}, None),
        ({}, None),
    ],
)
def test_the_most_trusted_plausible_spacing_is_taken(
    elements: dict[str, Any], spacing: tuple[float, float] | None
) -> None:
    assert decoded(dicom_object(GRAY, **elements)).spacing_mm == spacing


@pytest.mark.parametrize("stated", ["1e30\\1", "1\\0.00001", "250\\250", "1e-300\\1e-300"])
def test_a_spacing_that_no_picture_of_a_patient_has_costs_only_the_spacing(stated: str) -> None:
    answer = decoded(dicom_object(GRAY, PixelSpacing=stated.split("\\")))
    assert (answer.spacing_mm, answer.pixel_aspect) == (None, 1)


def test_a_spacing_that_is_no_number_costs_only_the_spacing() -> None:
    data = dicom_bytes(dicom_object(GRAY, PixelSpacing=[1.25, 2.25])).replace(b"1.25\\2.25", b"DOE^JANE ")
    answer = decode(data, Kind.DICOM, LIMITS)
    np.testing.assert_array_equal(answer.pixels, GRAY)
    assert answer.spacing_mm is None


@pytest.mark.parametrize("vr", ["DS", "UT", "LO", "UN"])
@pytest.mark.parametrize("value", [b"0.9\\0.5", b"0,9\\0,5", b" 0.9 \\ 0.5\0"])
def test_spacing_is_read_in_whatever_form(value: bytes, vr: str) -> None:
    answer = decoded(in_form(value, "PixelSpacing", vr))
    assert answer.spacing_mm == (0.9, 0.5)
    assert answer.pixel_aspect == pytest.approx(1.8)


@pytest.mark.parametrize(
    ("value", "aspect"), [(b"9\\5", 1.8), (b"1\\2", 0.5), (b"", 1), (b"0\\1", 1), (b"2", 1), (b"a\\b", 1)]
)
def test_without_spacing_the_aspect_ratio_tells_how_oblong_pixels_are(value: bytes, aspect: float) -> None:
    answer = decoded(in_form(value, "PixelAspectRatio", "IS"))
    assert answer.spacing_mm is None
    assert answer.pixel_aspect == pytest.approx(aspect)
