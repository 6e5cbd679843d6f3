"""The key slice with its outline -> secondary capture, for viewers that know nothing else."""

import io
from typing import Final

import numpy as np
import numpy.typing as npt
from highdicom import (
    ContentQualificationValues,
    CoordinateSystemNames,
    PhotometricInterpretationValues,
)
from highdicom.sc import ConversionTypeValues, SCImage
from PIL import Image, ImageDraw, ImageFont

from brainscan.dicom.report_identity import ReportIdentity, ReportObject
from brainscan.dicom.source import SourceImage
from brainscan.domain import RESEARCH_USE_STATEMENT, SeriesResult

BANNER_LINE: Final = 1 / 18
"""Height of a line of text below the picture, as a share of its width."""
SMALLEST_LINE: Final = 12


def capture(overlay_png: bytes, result: SeriesResult, image: SourceImage, identity: ReportIdentity) -> SCImage:
    """Write the overlay of the key slice as an RGB secondary capture, with what it shows written below it.

    Args:
        overlay_png: The slice with the mask's outline.
        result: What the series shows.
        image: The key slice.
    """
    plane = image.plane
    made = SCImage.from_ref_dataset(
        image.header,
        captioned(overlay_png, _caption(result)),
        photometric_interpretation=PhotometricInterpretationValues.RGB,
        bits_allocated=8,
        coordinate_system=CoordinateSystemNames.PATIENT,
        patient_orientation=_directions(plane.orientation) if plane else ("L", "P"),
        content_qualification=ContentQualificationValues.RESEARCH,
        **identity.series_arguments(ReportObject.CAPTURE, image.header),
    )
    made.ConversionType = ConversionTypeValues.WSD.value
    made.BurnedInAnnotation = "NO"  # nothing in the picture names the patient
    made.BodyPartExamined = "BRAIN"  # says too that there is no laterality
    made.ImageComments = RESEARCH_USE_STATEMENT
    made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = made.ContentDate, made.ContentTime
    identity.make_repeatable(made)
    return made


def captioned(png: bytes, lines: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """(rows, columns, 3): the picture, and below it the lines in white on black; no pixel of it is covered."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    line = max(SMALLEST_LINE, round(picture.width * BANNER_LINE))
    page = Image.new("RGB", (picture.width, picture.height + line * len(lines) + line // 2))
    page.paste(picture)
    draw = ImageDraw.Draw(page)
    for number, text in enumerate(lines):
        size = line * 0.75
        while size > 5 and draw.textlength(text, ImageFont.load_default(size)) > picture.width - 4:
            size -= 0.5
        place = (2, picture.height + number * line + line // 4)
        draw.text(place, text, fill=(255, 255, 255), font=ImageFont.load_default(size))
    return np.asarray(page)


def _caption(result: SeriesResult) -> tuple[str, ...]:
    call = f"{result.predicted} {result.confidence:.0%}" if result.predicted and result.confidence else "no call"
    review = ", needs review" if result.needs_review else ""
    return f"brainscan: {call}{review}", RESEARCH_USE_STATEMENT


def _directions(orientation: tuple[float, ...]) -> tuple[str, str]:
    """Patient directions of rows and columns (PS3.3 C.7.6.1.1.1), by their largest component."""
    letters = (("L", "R"), ("P", "A"), ("H", "F"))
    found = []
    for direction in (orientation[:3], orientation[3:]):
        axis = int(np.argmax(np.abs(direction)))
        found.append(letters[axis][direction[axis] < 0])
    return found[0], found[1]
