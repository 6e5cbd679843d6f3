"""Pixels -> the network's input, and its maps -> the source's pixel grid; for training and serving alike."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from brainscan.domain import Reason, ScanError

OUTSIDE_LOGIT: Final = -20.0
"""Logit of pixels that the network never saw: a probability of 2e-9."""

DARKEST_FOREGROUND: Final = 8.0
"""On the 0..255 scale; air and compression noise stay below."""
FOREGROUND_SHARE: Final = 0.1
"""Foreground is brighter than this share of the bright end of the intensities."""
LINE_SHARE: Final = 0.02
"""A row or column belongs to the head when more than this share of it is foreground."""
MARGIN: Final = 0.02
"""Border around the crop on each side, as a share of the square."""
PERCENTILES: Final = (1.0, 99.5)
"""Intensities of the whole image that become black and white."""
FINEST: Final = 4
"""Sides of the network's input that a head with oblong pixels is resampled to at most: finer than it can see."""


@dataclass(frozen=True, slots=True)
class Crop:
    """Where the square that the network saw lies on the source grid.

    `top`, `left`, `height` and `width` are in source pixels. `pad_top`, `pad_left` and `side` are in the square
    pixels that the crop is resampled to: `row_scale` and `column_scale` of them to a source pixel, both 1 where the
    source's own pixels are square.
    """

    top: int
    left: int
    height: int
    width: int
    pad_top: int
    pad_left: int
    side: int
    row_scale: float = 1.0
    column_scale: float = 1.0

    @property
    def area(self) -> int:
        """Source pixels of the foreground crop, without its padding."""
        return self.height * self.width

    @property
    def resampled(self) -> tuple[int, int]:
        """(rows, columns) of the crop in square pixels, without its padding."""
        return max(1, round(self.height * self.row_scale)), max(1, round(self.width * self.column_scale))


@dataclass(frozen=True, slots=True)
class Prepared:
    """One scan as the network takes it: `input` float32 (N, N, 1) in [-1, 1]."""

    input: npt.NDArray[np.float32]
    crop: Crop


def prepare(pixels: npt.NDArray[np.generic], size: int, pixel_aspect: float = 1.0) -> Prepared:
    """Crop a scan to its foreground, give it square pixels, pad it to a square, normalise and resize it.

    Args:
        pixels: (rows, columns) gray, in any integer or floating type. 8-bit intensities are taken as they are,
            others are first brought linearly from [minimum, maximum] to [0, 255]; pixels that are not finite
            count as minimum.
        size: N, the side of the network's input in pixels.
        pixel_aspect: a pixel's height over its width, in the patient.

    Raises:
        ScanError: `BLANK_IMAGE`, nothing stands out from the background.
        ValueError: `pixels` is not two-dimensional or empty, or `pixel_aspect` not positive.
    """
    if not 0 < pixel_aspect < math.inf:
        raise ValueError(f"a pixel's height over its width is positive, got {pixel_aspect}")
    if pixels.ndim != 2 or pixels.size == 0:
        raise ValueError(f"expected (rows, columns), got {pixels.shape}")
    gray = _to_8_bit_range(pixels)
    black, white = (float(p) for p in np.percentile(gray, PERCENTILES))
    if white <= black:
        raise _blank()
    crop = _foreground(gray, white, size, pixel_aspect)
    square = np.full((crop.side, crop.side), -1.0, np.float32)
    head = gray[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width].astype(np.float32)
    head = _resampled(np.clip((head - black) / (white - black), 0, 1) * 2 - 1, crop.resampled)
    rows, columns = crop.resampled
    square[crop.pad_top : crop.pad_top + rows, crop.pad_left : crop.pad_left + columns] = head
    return Prepared(input=_resize_square(square, size)[..., np.newaxis], crop=crop)


def mean_intensity(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """How bright heads are as the network sees them: the mean of all that is not black, in [-1, 1].

    Args:
        inputs: (B, N, N, 1) as `prepare` makes them.

    Returns:
        (B,); -1 for one that is black.
    """
    seen = inputs > -1
    counts = seen.sum(axis=(1, 2, 3))
    means: npt.NDArray[np.float64] = np.where(seen, inputs + 1.0, 0.0).sum(axis=(1, 2, 3)) / np.maximum(counts, 1) - 1
    return means


def uncrop(map_nn: npt.NDArray[np.float32], crop: Crop, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Bring a map of logits back onto the scan's own pixel grid, bilinearly.

    Args:
        map_nn: (N, N), as the network gave it for the prepared input.
        crop: what `prepare` returned with that input.
        shape: (rows, columns) of the source image.

    Returns:
        (rows, columns) float32; `OUTSIDE_LOGIT` outside the crop.

    Raises:
        ValueError: `crop` does not lie within `shape`.
    """
    rows, columns = shape
    if crop.top + crop.height > rows or crop.left + crop.width > columns:
        raise ValueError(f"crop {crop} exceeds the image {shape}")
    scale = map_nn.shape[0] / crop.side
    seen_rows, seen_columns = crop.resampled
    box = (
        crop.pad_left * scale,
        crop.pad_top * scale,
        (crop.pad_left + seen_columns) * scale,
        (crop.pad_top + seen_rows) * scale,
    )
    head = Image.fromarray(np.ascontiguousarray(map_nn, np.float32)).resize(
        (crop.width, crop.height), Image.Resampling.BILINEAR, box=box
    )
    full = np.full(shape, OUTSIDE_LOGIT, np.float32)
    full[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width] = np.asarray(head)
    return full


def _to_8_bit_range(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8] | npt.NDArray[np.float32]:
    """uint8 as it is; anything else linearly from [minimum, maximum] to float32 [0, 255]."""
    if pixels.dtype == np.uint8:
        return pixels.view(np.uint8)
    values = pixels.astype(np.float64)
    finite = np.isfinite(values)
    if not finite.any():
        raise _blank()
    low, high = float(values[finite].min()), float(values[finite].max())
    if high <= low:
        raise _blank()
    return (np.where(finite, values - low, 0.0) * (255 / (high - low))).astype(np.float32)


def _foreground(
    gray: npt.NDArray[np.uint8] | npt.NDArray[np.float32], white: float, size: int, pixel_aspect: float
) -> Crop:
    """The bounding box of the rows and columns that hold foreground, and the padding that makes it square."""
    foreground = gray > max(DARKEST_FOREGROUND, FOREGROUND_SHARE * white)
    rows = np.flatnonzero(foreground.mean(axis=1) > LINE_SHARE)
    columns = np.flatnonzero(foreground.mean(axis=0) > LINE_SHARE)
    if not rows.size or not columns.size:
        raise _blank()
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
    scales = _square_pixels(height, width, size, pixel_aspect)
    bare = Crop(top, left, height, width, 0, 0, 0, *scales)
    seen_rows, seen_columns = bare.resampled
    side = round(max(seen_rows, seen_columns) * (1 + 2 * MARGIN))
    return replace(bare, pad_top=(side - seen_rows) // 2, pad_left=(side - seen_columns) // 2, side=side)


def _square_pixels(height: int, width: int, size: int, pixel_aspect: float) -> tuple[float, float]:
    """Square pixels to a source pixel, along rows' and columns' direction: its shorter side keeps its resolution."""
    row_scale, column_scale = max(1.0, pixel_aspect), max(1.0, 1 / pixel_aspect)
    longest = max(height * row_scale, width * column_scale)
    shrink = min(1.0, max(height, width, FINEST * size) / longest)
    return row_scale * shrink, column_scale * shrink


def _resampled(head: npt.NDArray[np.float32], shape: tuple[int, int]) -> npt.NDArray[np.float32]:
    """(height, width) -> `shape`, cubic along each axis; as it is where that is its shape."""
    if head.shape == shape:
        return head
    image = Image.fromarray(head).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32).clip(-1, 1)


def _resize_square(square: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """Area averaging down, bicubic up; clipped, because bicubic overshoots at edges."""
    resized: npt.NDArray[np.float32]
    if square.shape[0] > size:
        resized = _average_rows(_average_rows(square, size).T, size).T
    else:
        resized = np.asarray(Image.fromarray(square).resize((size, size), Image.Resampling.BICUBIC), np.float32)
    return resized.clip(-1, 1)


def _average_rows(image: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """(rows, columns) -> (size, columns): means over equal stretches, a row on a border counts for both by its shares.

    Pillow's box filter counts such a row for one of them only, which moves class logits; a product of matrices would
    wake the threads of BLAS, which then fight with the network's.
    """
    rows = image.shape[0]
    borders = np.linspace(0, rows, size + 1)
    first = borders[:-1].astype(np.intp)
    total = np.zeros((size, image.shape[1]), np.float32)
    for step in range(-(-rows // size) + 1):
        row = first + step
        share = (np.minimum(borders[1:], row + 1) - np.maximum(borders[:-1], row)).clip(0)
        total += share.astype(np.float32)[:, np.newaxis] * image[np.minimum(row, rows - 1)]
    return total * np.float32(size / rows)


def _blank() -> ScanError:
    return ScanError(Reason.BLANK_IMAGE, "the image has no foreground; check the export's windowing")
