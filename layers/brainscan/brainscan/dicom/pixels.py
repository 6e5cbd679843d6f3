"""One frame of a DICOM object as gray pixels in its own intensities."""

import io
import math
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, dcmread
from pydicom.filereader import read_dataset, read_preamble
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGExtended12Bit,
)

from brainscan.dicom.bits import stored_values
from brainscan.dicom.characters import make_readable
from brainscan.dicom.copied_text import PATIENT_AND_STUDY
from brainscan.dicom.geometry import macro
from brainscan.dicom.mosaic import is_mosaic, tile, tile_count
from brainscan.dicom.pixel_description import complete_pixel_description, state_frames
from brainscan.dicom.repair import name_by_meta, repair
from brainscan.dicom.unstated_padding import unstated_padding
from brainscan.dicom.values import has, integer, texts
from brainscan.domain import Reason, ScanError

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]

PIXEL_KEYWORDS: Final = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_DEPTH_KEYWORDS: Final = ("PhotometricInterpretation", "BitsStored", "PixelRepresentation")
RESCALE_KEYWORDS: Final = ("RescaleSlope", "RescaleIntercept")
VOI_KEYWORDS: Final = ("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction")
LEAST_SHOWN: Final = 0.05
"""Share of the pixels of the head that a window which was meant for them leaves gray."""
_LUMINANCE: Final = (0.299, 0.587, 0.114)
"""ITU-R 601, which `convert("L")` uses for all other formats."""


def read_object(data: bytes, max_bytes: int) -> Dataset:
    """Read an image object, with or without preamble.

    Args:
        data: the whole file.
        max_bytes: what a deflated data set may inflate to.

    Raises:
        ScanError: `NOT_AN_IMAGE` (a report, a directory, ...), `EXPANDED_TOO_LARGE`, or `UNREADABLE` where an
            object that should hold an image ends before it.
        Exception: whatever pydicom raises on bytes that are not DICOM.
    """
    inflated, meta = _inflated(data, max_bytes)
    dataset = dcmread(io.BytesIO(inflated), force=True)
    make_readable(dataset, PATIENT_AND_STUDY)
    repair(dataset)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, _ = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    if not has(dataset, "Rows") or not any(has(dataset, keyword) for keyword in PIXEL_KEYWORDS):
        raise _without_image(dataset)
    name_by_meta(dataset, dataset.file_meta if meta is None else meta)
    if not is_mosaic(dataset):
        state_frames(dataset)
    return dataset


def frame_count(dataset: Dataset) -> int:
    """Frames of an image object, or the slices of a mosaic; an absent or empty NumberOfFrames means one.

    Raises:
        ScanError: a mosaic without its number of slices.
    """
    if is_mosaic(dataset):
        return tile_count(dataset)
    return max(1, int(dataset.NumberOfFrames or 1)) if has(dataset, "NumberOfFrames") else 1


def frame_pixels(dataset: Dataset, frame: int) -> Pixels:
    """Decode one frame as it is meant to be seen: bright is bright, padding dark, colour as luminance.

    The modality LUT or rescale and the first VOI LUT or window are applied (PS3.3 C.11.1, C.11.2).

    Args:
        dataset: from `read_object`.
        frame: from 0.

    Returns:
        (Rows, Columns), of a mosaic those of one slice; unsigned integers of up to 16 bits keep their type where
        neither a rescale nor a window applies, all else is float32.

    Raises:
        ScanError: `UNSUPPORTED_ENCODING`, no decoder for the transfer syntax.
        Exception: whatever the decoder raises on a damaged or truncated stream.
    """
    _require_decoder(dataset)
    complete_pixel_description(dataset)
    if is_mosaic(dataset):
        stored = tile(stored_values(dataset, None), tile_count(dataset), frame)
    else:
        stored = stored_values(dataset, frame)
    photometric = dataset.PhotometricInterpretation
    if photometric == "PALETTE COLOR":
        return _luminance(apply_color_lut(stored, dataset))
    if stored.ndim == 3:
        return _luminance(stored)
    transformation = macro(dataset, frame, "PixelValueTransformationSequence")
    rescale = [texts(transformation, keyword) for keyword in RESCALE_KEYWORDS]
    if _in_doubt(rescale):
        values: npt.NDArray[Any] = stored
    else:
        values = _of_interest(_rescaled(stored, transformation, rescale), dataset, frame)
    if values.dtype not in (np.uint8, np.uint16):
        values = values.astype(np.float32)
    inverted = photometric == "MONOCHROME1"
    return _background_dark(values, _padding(dataset, stored, inverted=inverted), inverted=inverted)


def _inflated(data: bytes, max_bytes: int) -> tuple[bytes, Dataset | None]:
    """The file as it is; or where it is deflated, its data set inflated, and apart from it its meta information.

    pydicom itself would inflate without end.
    """
    if str(DeflatedExplicitVRLittleEndian).encode() not in data:
        return data, None
    stream = io.BytesIO(data)
    read_preamble(stream, force=True)
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return data, None
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    body = inflater.decompress(stream.read(), max_bytes)
    if inflater.unconsumed_tail:
        raise ScanError(Reason.EXPANDED_TOO_LARGE, "the deflated DICOM object exceeds the limit; send it uncompressed")
    if not inflater.eof:
        raise ScanError(Reason.UNREADABLE, "the deflated DICOM object is cut off; export it again")
    # Without its meta information, which calls it deflated, the object is recognised as explicit VR.
    return body, meta


def _without_image(dataset: Dataset) -> ScanError:
    """An object of an image class without an image is cut off; one of another class is something else."""
    for header, prefix in ((dataset, "SOP"), (dataset.file_meta, "MediaStorageSOP")):
        # The instance follows its class: where it is there, the class is whole.
        if f"{prefix}InstanceUID" in header and f"{prefix}ClassUID" in header:
            if "Image Storage" in UID(str(header[f"{prefix}ClassUID"].value)).name:
                break
            return ScanError(Reason.NOT_AN_IMAGE, "a DICOM object without pixels, such as a report or a directory")
    return ScanError(Reason.UNREADABLE, "the DICOM object ends before its pixels; export it again")


@cache
def has_decoder(transfer_syntax: UID) -> bool:
    """Whether pixels of a transfer syntax can be decoded here."""
    try:
        return get_decoder(transfer_syntax).is_available
    except NotImplementedError:
        return False


def _require_decoder(dataset: Dataset) -> None:
    transfer_syntax = dataset.file_meta.TransferSyntaxUID
    # What reads its 8-bit form does not read the 12-bit one.
    if not has_decoder(transfer_syntax) or (transfer_syntax == JPEGExtended12Bit and int(dataset.BitsStored) > 8):
        raise ScanError(Reason.UNSUPPORTED_ENCODING, "no decoder for this DICOM compression; send it uncompressed")


def _in_doubt(rescale: Sequence[tuple[str, ...]]) -> bool:
    """Whether a rescale is stated, but not as a number, or its slope is 0, which makes all values the same.

    Then the units of values, and so of a window, are unknown. The picture is better shown in full, which a linear scale
    does not change.
    """
    slope, _ = rescale
    stated = [text for texts in rescale for text in texts if text]
    return not all(map(_is_decimal, stated)) or any(float(text) == 0 for text in slope[:1] if text)


def _is_decimal(text: str) -> bool:
    with suppress(ValueError):
        return math.isfinite(float(text))
    return False


def _rescaled(
    stored: npt.NDArray[np.generic], transformation: Dataset, rescale: Sequence[tuple[str, ...]]
) -> npt.NDArray[Any]:
    """Values after the modality LUT or the rescale, as far as one is stated.

    Args:
        stored: of one frame.
        transformation: what states a modality LUT.
        rescale: slope and intercept as they are stated, not in doubt.
    """
    if "ModalityLUTSequence" in transformation:
        return apply_modality_lut(stored, transformation)
    if not all(stated and stated[0] for stated in rescale):
        return stored
    slope, intercept = (float(stated[0]) for stated in rescale)
    return stored.astype(np.float64) * slope + intercept


def _of_interest(values: npt.NDArray[Any], dataset: Dataset, frame: int) -> npt.NDArray[Any]:
    """Values after the first VOI LUT or window; one that shows next to nothing is passed over."""
    stated = macro(dataset, frame, "FrameVOILUTSequence")
    if not any(keyword in stated for keyword in VOI_KEYWORDS):
        return values
    view = Dataset()
    view.file_meta = dataset.file_meta
    for source, keywords in ((dataset, _DEPTH_KEYWORDS), (stated, VOI_KEYWORDS)):
        for keyword in keywords:
            if keyword in source:
                view[keyword] = source[keyword]
    # An attribute that a scan can do without must not cost it its answer.
    with suppress(TypeError, ValueError, AttributeError, IndexError, KeyError, NotImplementedError, struct.error):
        exact = np.rint(values).astype(np.int32) if view.get("VOILUTSequence") else values
        seen = apply_voi_lut(exact, view)
        if _shows_something(values, seen):
            return seen
    return values


def _shows_something(values: npt.NDArray[Any], seen: npt.NDArray[Any]) -> bool:
    """Whether a window leaves of what is no background more than black and white."""
    low = values.min()
    head = seen[values > low + (values.mean() - low) / 2]
    between = (head > seen.min()) & (head < seen.max())
    return bool(head.size and between.mean() >= LEAST_SHOWN)


def _padding(dataset: Dataset, stored: npt.NDArray[np.generic], *, inverted: bool) -> npt.NDArray[np.bool_] | None:
    """Which stored pixels are filler (PS3.3 C.7.5.1.1.2): by the padding value, or by what they look like."""
    value, limit = (integer(dataset, keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    if value is None:
        return unstated_padding(stored, inverted=inverted)
    # Cast: files exist that write the padding of signed pixels as if unsigned.
    ends = np.array([value, value if limit is None else limit]).astype(stored.dtype)
    return np.asarray((stored >= ends.min()) & (stored <= ends.max()))


def _background_dark(values: Pixels, padding: npt.NDArray[np.bool_] | None, *, inverted: bool) -> Pixels:
    """Turn MONOCHROME1 over, within the range of its values, and give padding the darkest one."""
    inside = values if padding is None else values[~padding]
    if not inside.size:
        return np.zeros_like(values)
    low, high = inside.min(), inside.max()
    if inverted:
        values = high - (values - low)
    if padding is not None:
        values[padding] = low
    return values


def _luminance(colour: npt.NDArray[np.generic]) -> Pixels:
    """(rows, columns, 3 or 4) to (rows, columns), in the same unsigned type."""
    gray = colour[..., :3].astype(np.float32) @ np.asarray(_LUMINANCE, np.float32)
    return np.rint(gray).astype(np.uint8) if colour.dtype == np.uint8 else np.rint(gray).astype(np.uint16)
