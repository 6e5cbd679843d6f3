"""Bytes of one image file -> gray pixels on the file's own rows and columns, under limits.

Orientation tags are left alone: a mask must fit the rows and columns that the file stores. Resolution tags
of PNG, JPEG and TIFF say how to print, not how large the patient is; only DICOM and NIfTI state a spacing.

The readers of DICOM and NIfTI are imported when the first such file comes: that takes longer than to answer a PNG.
"""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from brainscan.domain import Kind, Reason, ScanError
from brainscan.settings import Limits

if TYPE_CHECKING:
    from brainscan.dicom.pixels import Pixels

# The plugins' own classes, because `Image.open` puts Pillow's process-wide pixel limit before ours.
_PLUGINS: Final[dict[Kind, type[ImageFile]]] = {
    Kind.PNG: PngImageFile,
    Kind.JPEG: JpegImageFile,
    Kind.TIFF: TiffImageFile,
}
_UNDO_ORIENTATION: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What brings a TIFF back that Pillow turned upright while loading."""
_MIN_IS_WHITE: Final = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """`pixels` (rows, columns) uint8, uint16 or float32, bright is bright; `spacing_mm` (row, column).

    `pixel_aspect` is a pixel's height over its width; `flags` are what a reader should check.
    """

    pixels: "Pixels"
    spacing_mm: tuple[float, float] | None = None
    pixel_aspect: float = 1.0
    flags: tuple[Reason, ...] = ()


def decode(data: bytes, kind: Kind, limits: Limits, frame: int = 0) -> Decoded:
    """Decode one frame of an image file to gray.

    Gray of 16 bits or floating point keeps its depth; palette, alpha, CMYK and colour become 8-bit luminance.

    Args:
        data: the whole file.
        kind: what `sniff` said.
        limits: `pixels` and `scan_bytes` are checked against the header, before any pixel is decoded.
        frame: DICOM frame, NIfTI slice or TIFF page, from 0.

    Raises:
        ScanError: `UNREADABLE` (damaged, truncated, no such frame), `TOO_MANY_PIXELS`, `EXPANDED_TOO_LARGE`,
            `UNSUPPORTED_ENCODING`, `NOT_AN_IMAGE` (DICOM without pixels), `EMPTY_FILE` or
            `UNRECOGNIZED_CONTENT`. Its text never quotes the file.
    """
    _require_image(kind)
    if kind is Kind.DICOM:
        return _decode_dicom(data, limits, frame)
    if kind is Kind.NIFTI:
        return _decode_nifti(data, limits, frame)
    with _trouble_as_scan_error(), _PLUGINS[kind](io.BytesIO(data)) as image:
        image.seek(frame)
        _require_pixels_within(limits, *image.size)
        return Decoded(_finite(_gray(image)))


def count_frames(data: bytes, kind: Kind, limits: Limits) -> int:
    """Count the images in a file from its headers: frames of DICOM, slices of NIfTI, pages of TIFF, else 1.

    Raises:
        ScanError: as `decode`, and `TOO_MANY_ENTRIES` for more than `limits.frames`.
    """
    _require_image(kind)
    if kind is Kind.DICOM:
        frames = _count_dicom_frames(data, limits)
    elif kind is Kind.NIFTI:
        frames = _count_nifti_slices(data, limits)
    else:
        with _trouble_as_scan_error(), _PLUGINS[kind](io.BytesIO(data)) as image:
            frames = _count_pages(image, limits.frames) if isinstance(image, TiffImageFile) else 1
    if frames > limits.frames:
        raise ScanError(Reason.TOO_MANY_ENTRIES, f"more than {limits.frames} frames in one file; split it")
    return frames


@contextmanager
def _trouble_as_scan_error() -> Iterator[None]:
    """A decoder's complaint becomes a reason; its text, which may quote the header, goes nowhere."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ScanError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except Exception:
        raise ScanError(
            Reason.UNREADABLE, "the image is damaged, cut off or of a rare variant; export it again"
        ) from None


def _require_image(kind: Kind) -> None:
    if kind in {Kind.DICOM, Kind.NIFTI} or kind in _PLUGINS:
        return
    if kind is Kind.EMPTY:
        raise ScanError(Reason.EMPTY_FILE, "the file has no bytes; upload it again")
    raise ScanError(Reason.UNRECOGNIZED_CONTENT, "not an image; send DICOM, NIfTI, PNG, JPEG or TIFF")


def _require_pixels_within(limits: Limits, columns: int, rows: int) -> None:
    if rows * columns > limits.pixels:
        raise _too_many_pixels()


def _too_many_pixels() -> ScanError:
    return ScanError(Reason.TOO_MANY_PIXELS, "rows x columns exceed the limit; downsample the image")


def _decode_dicom(data: bytes, limits: Limits, frame: int) -> Decoded:
    from brainscan.dicom.pixels import frame_pixels, read_object
    from brainscan.dicom.spacing import frame_spacing, pixel_aspect, states_spacing

    with _trouble_as_scan_error():
        dataset = read_object(data, limits.scan_bytes)
        _require_pixels_within(limits, int(dataset.Columns), int(dataset.Rows))
        spacing_mm = frame_spacing(dataset, frame)
        aspect = spacing_mm[0] / spacing_mm[1] if spacing_mm else pixel_aspect(dataset, frame)
        unclear = aspect is None and states_spacing(dataset, frame)
        flags = (Reason.UNCLEAR_ORIENTATION,) if unclear else ()
        return Decoded(_finite(frame_pixels(dataset, frame)), spacing_mm, aspect or 1.0, flags)


def _decode_nifti(data: bytes, limits: Limits, index: int) -> Decoded:
    from brainscan.imaging import nifti

    with _trouble_as_scan_error():
        found = nifti.read_slice(data, limits, index)
        return Decoded(_finite(found.pixels), found.spacing_mm, found.pixel_aspect, found.flags)


def _count_dicom_frames(data: bytes, limits: Limits) -> int:
    from brainscan.dicom.pixels import frame_count, read_object

    with _trouble_as_scan_error():
        return frame_count(read_object(data, limits.scan_bytes))


def _count_nifti_slices(data: bytes, limits: Limits) -> int:
    from brainscan.imaging import nifti

    with _trouble_as_scan_error():
        return nifti.slice_count(data, limits)


def _count_pages(image: TiffImageFile, most: int) -> int:
    """Pages of a TIFF; gives up one beyond `most`, because the chain of pages can be made very long."""
    # Page by page: Pillow's own `n_frames` has no such bound, and is wrong after a `seek` beyond the end.
    for page in range(1, most + 1):
        try:
            image.seek(page)
        except EOFError:
            return page
    return most + 1


def _gray(image: ImageFile) -> "Pixels":
    """Load an opened image; Pillow raises on truncation."""
    tags = dict(image.tag_v2) if isinstance(image, TiffImageFile) else {}
    image.load()
    undo = _UNDO_ORIENTATION.get(tags.get(ExifTags.Base.Orientation, 1))
    upright: Image.Image = image.transpose(undo) if undo is not None else image
    if upright.mode.startswith("I;16"):
        deep = np.asarray(upright).astype(np.uint16)
        # Pillow turns white-is-zero over for 8 bits, but not for 16.
        return np.iinfo(np.uint16).max - deep if tags.get(PHOTOMETRIC_INTERPRETATION) == _MIN_IS_WHITE else deep
    if upright.mode in ("I", "F"):
        return np.asarray(upright).astype(np.float32)
    return np.array(upright.convert("L"))


def _finite(pixels: "Pixels") -> "Pixels":
    """Give pixels that are no number the darkest value, so that none reaches the network."""
    if pixels.dtype != np.float32 or bool((finite := np.isfinite(pixels)).all()):
        return pixels
    darkest = pixels[finite].min() if finite.any() else 0
    return np.where(finite, pixels, np.float32(darkest)).astype(np.float32)
