"""Prepares every slice once, and keeps the result as 8-bit arrays on disk: the input pipeline then costs nothing."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from brainscan.domain import CLASSES, ScanError
from brainscan.imaging.prepare import Crop, prepare
from training.datasets.samples import Box, Sample, admissible_classes, read_gray, read_mask

FORMAT: Final = 2
"""Raised when the arrays' meaning changes, so that an old cache is not read as a new one."""
UNKNOWN: Final = 255
"""Mask value of a pixel of which nobody knows whether it is tumor."""
BOX_GROWTH: Final = 0.08
"""Share of its side by which a box grows on each side before its outside counts as known, beside a pixel."""


@dataclass(frozen=True)
class PreparedSlices:
    """Slices as the network sees them.

    `images` uint8 (n, N, N), 0..255 for -1..1; `masks` uint8 (n, N, N), 0, 1 or `UNKNOWN`, the latter within boxes too;
    `allowed` float32 (n, 4), 1 for every class that the label admits; `samples` the n slices that could be prepared, in
    the same order.
    """

    samples: list[Sample]
    images: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    allowed: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.samples)

    def subset(self, keep: Sequence[int]) -> "PreparedSlices":
        """The slices at the positions `keep`."""
        index = np.asarray(keep, np.int64)
        return PreparedSlices(
            [self.samples[i] for i in keep], self.images[index], self.masks[index], self.allowed[index]
        )


def prepare_all(samples: Sequence[Sample], size: int, cache: Path | None = None) -> PreparedSlices:
    """Every sample through `imaging.prepare`, from `cache` where it has been done before.

    Samples that cannot be read or show nothing are left out, and their number is printed.
    """
    key = _key(samples, size)
    if cache is not None and (cache / key / "kept.npy").exists():
        return _load(samples, cache / key)
    kept, images, masks = [], [], []
    for index, sample in enumerate(samples):
        try:
            image, mask = prepare_one(sample, size)
        except (OSError, ValueError, ScanError):
            continue
        kept.append(index)
        images.append(image)
        masks.append(mask)
    if len(kept) < len(samples):
        print(f"left out, unreadable or blank: {len(samples) - len(kept)} of {len(samples)} slices")
    arrays: dict[str, np.ndarray] = {
        "images": np.stack(images) if images else np.zeros((0, size, size), np.uint8),
        "masks": np.stack(masks) if masks else np.zeros((0, size, size), np.uint8),
        "kept": np.asarray(kept, np.int64),
    }
    if cache is not None:
        (cache / key).mkdir(parents=True, exist_ok=True)
        for name, array in arrays.items():  # `kept` last: its presence says that the cache is whole
            np.save(cache / key / f"{name}.npy", array)
    return _assemble(samples, arrays["kept"], arrays["images"], arrays["masks"])


def prepare_one(sample: Sample, size: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """One slice -> image uint8 (N, N) and mask uint8 (N, N) as `PreparedSlices` holds them.

    Raises:
        OSError: a file is missing or damaged.
        ScanError: the slice is blank.
        ValueError: the mask's size is not the image's.
    """
    pixels = read_gray(sample)
    prepared = prepare(pixels, size)
    image = np.round((prepared.input[..., 0] + 1) * 127.5).astype(np.uint8)
    mask = read_mask(sample)
    if mask is None and sample.boxes:
        return image, crop_mask(inside_boxes(sample.boxes, pixels.shape), prepared.crop, size) * np.uint8(UNKNOWN)
    if mask is None:
        return image, np.full((size, size), 0 if sample.mask_known else UNKNOWN, np.uint8)
    if mask.shape != pixels.shape:
        raise ValueError(f"mask is {mask.shape}, image is {pixels.shape}")
    return image, crop_mask(mask, prepared.crop, size)


def inside_boxes(boxes: Sequence[Box], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """(rows, columns), True where there may be tumor: within a box, each grown by `BOX_GROWTH` and a pixel."""
    inside = np.zeros(shape, np.bool_)
    for left, top, right, bottom in boxes:
        across, down = BOX_GROWTH * (right - left) + 1, BOX_GROWTH * (bottom - top) + 1
        rows = slice(max(0, math.floor(top - down)), math.ceil(bottom + down))
        inside[rows, max(0, math.floor(left - across)) : math.ceil(right + across)] = True
    return inside


def crop_mask(mask: npt.NDArray[np.bool_], crop: Crop, size: int) -> npt.NDArray[np.uint8]:
    """A mask on the source grid -> the network's grid: uint8 (N, N), 1 where at least half of a pixel is tumor."""
    square = np.zeros((crop.side, crop.side), np.uint8)
    inside = mask[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
    square[crop.pad_top : crop.pad_top + crop.height, crop.pad_left : crop.pad_left + crop.width] = inside * np.uint8(
        255
    )
    resized = Image.fromarray(square).resize((size, size), Image.Resampling.BOX)
    return (np.asarray(resized) >= 128).astype(np.uint8)


def allowed_classes(label: str) -> npt.NDArray[np.float32]:
    """(4,) in the order of `CLASSES`: 1 for every class that the label admits."""
    return np.asarray([str(name) in admissible_classes(label) for name in CLASSES], np.float32)


def _key(samples: Sequence[Sample], size: int) -> str:
    rows = [(str(s.path), s.label, str(s.mask), s.view, s.boxes) for s in samples]
    return hashlib.sha256(json.dumps([FORMAT, size, rows]).encode()).hexdigest()[:16]


def _load(samples: Sequence[Sample], folder: Path) -> PreparedSlices:
    images, masks = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "masks"))
    return _assemble(samples, np.load(folder / "kept.npy"), images, masks)


def _assemble(
    samples: Sequence[Sample],
    kept: npt.NDArray[np.int64],
    images: npt.NDArray[np.uint8],
    masks: npt.NDArray[np.uint8],
) -> PreparedSlices:
    usable = [samples[int(index)] for index in kept]
    allowed = (
        np.stack([allowed_classes(s.label) for s in usable]) if usable else np.zeros((0, len(CLASSES)), np.float32)
    )
    return PreparedSlices(usable, images, masks, allowed)
