"""Whether a picture has lines of text in it, as consoles and film digitizers burn names into corners."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from brainscan.series.components import Mask, bounding_boxes

LEVELS: Final = (0.12, 0.3, 0.6)
"""Shares of the range of intensities above which pixels may be of letters; the same from the top for dark ones."""
BRIGHTEST: Final = 0.9
"""The same for letters that cross the head and are brighter than it."""
UPRIGHT_LEVELS: Final = (0.3, 0.6)
"""The same for letters along a side."""
LEAST_HEIGHT: Final = 5
"""Pixels of the smallest letter that can be read."""
LARGEST_SHARE: Final = 1 / 8
"""Of the picture's rows, that the largest letter takes."""
FEWEST_LETTERS: Final = 4
SURELY_LETTERS: Final = 6
"""Of one height, where anatomy looks like letters now and then: across the head, and along a side."""
WORD: Final = 4.0
"""Width over height of the shortest word that is found where its letters touch, as they do in small fonts alone."""
SMALL: Final = 16
"""Pixels of the largest letters that touch."""
MANY_LETTERS: Final = 5
"""Of fewer, all have to be of one height, as capitals and digits are."""
ON_BASE: Final = 0.75
"""Share of letters that stand on the base line: the rest hang below it, as in g, or above, as a dash."""
EVEN: Final = 0.1
"""Of their height, by which letters miss the line."""
LONGEST_SIDE: Final = 1024
"""Pixels; of larger pictures every second, third, ... pixel is looked at."""

_WIDEST: Final = 1.6
"""Width of a letter, and the way to the next, in heights."""
_NARROW: Final = 0.3
"""Of its height; a letter that is no narrower tells text from the ticks of a ruler."""


@dataclass(frozen=True)
class _Boxes:
    """Bounding boxes of connected pixels, from the left to the right."""

    top: npt.NDArray[np.intp]
    bottom: npt.NDArray[np.intp]
    left: npt.NDArray[np.intp]
    right: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.top)

    @property
    def height(self) -> npt.NDArray[np.intp]:
        return self.bottom - self.top

    @property
    def width(self) -> npt.NDArray[np.intp]:
        return self.right - self.left

    def only(self, which: npt.NDArray[np.bool_] | list[int]) -> "_Boxes":
        return _Boxes(self.top[which], self.bottom[which], self.left[which], self.right[which])


def shows_text(pixels: npt.NDArray[np.generic]) -> bool:
    """Look for a line of letters, bright on dark or dark on bright, beside the head.

    Letters are of one size, stand on one line close to each other, and have an even margin above and below: what
    anatomy does not do; upright along a side as well. Text across the head is found where it is brighter.

    Args:
        pixels: (rows, columns), as decoded, finite.
    """
    step = -(-max(pixels.shape) // LONGEST_SIDE)
    values = pixels[::step, ::step].astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return False
    values = (values - low) / (high - low)
    if any(_has_line(view > level) for view in (values, 1 - values) for level in LEVELS):
        return True
    upright = np.rot90(values)
    masks = (values > BRIGHTEST, *(upright > level for level in UPRIGHT_LEVELS))
    return any(_surely_has_line(mask) for mask in masks)


def _has_line(mask: Mask) -> bool:
    found = _of_letters_height(mask)
    letters = found.only(found.width <= _WIDEST * found.height)
    words = found.only((found.width >= WORD * found.height) & (found.height <= SMALL))
    of_letters = any(_stands_alone(line, mask) for line in _lines(letters) if _is_line(line))
    return of_letters or any(_is_word(words.only([place]), mask) for place in range(len(words)))


def _surely_has_line(mask: Mask) -> bool:
    found = _of_letters_height(mask)
    letters = found.only(found.width <= _WIDEST * found.height)
    lines = (line for line in _lines(letters) if len(line) >= SURELY_LETTERS and _is_line(line))
    return any(_of_one_height(line) and _stands_alone(line, mask) for line in lines)


def _of_one_height(line: _Boxes) -> bool:
    return bool(np.ptp(line.top) <= 1 and np.ptp(line.bottom) <= 1)


def _of_letters_height(mask: Mask) -> _Boxes:
    """Connected pixels that are as high as letters may be."""
    boxes = bounding_boxes(mask)
    boxes = boxes[np.argsort(boxes[:, 2], kind="stable")]
    every = _Boxes(*boxes.T)
    tall = (every.height >= LEAST_HEIGHT) & (every.height <= max(LEAST_HEIGHT, mask.shape[0] * LARGEST_SHARE))
    return every.only(tall)


def _lines(letters: _Boxes) -> list[_Boxes]:
    """Letters that follow each other on one line."""
    following = [_following(letters, place) for place in range(len(letters))]
    starts = set(range(len(letters))) - set(following)
    lines = []
    for start in sorted(starts):
        line = [start]
        while (place := following[line[-1]]) is not None:
            line.append(place)
        if len(line) >= FEWEST_LETTERS:
            lines.append(letters.only(line))
    return lines


def _following(letters: _Boxes, place: int) -> int | None:
    """The nearest letter to the right on the same line and of about the same height."""
    height = letters.height[place]
    gap = letters.left - letters.right[place]
    overlap = np.minimum(letters.bottom, letters.bottom[place]) - np.maximum(letters.top, letters.top[place])
    smaller, larger = np.minimum(letters.height, height), np.maximum(letters.height, height)
    near = (gap >= -1) & (gap <= _WIDEST * height) & (overlap >= 0.7 * smaller) & (larger <= 1.8 * smaller)
    near[: place + 1] = False
    candidates = np.flatnonzero(near)
    return int(candidates[np.argmin(gap[candidates])]) if candidates.size else None


def _is_line(line: _Boxes) -> bool:
    """Whether letters share a base line and are not all strokes."""
    even = max(1.0, EVEN * float(np.median(line.height)))
    on_base = np.abs(line.bottom - np.median(line.bottom)) <= even
    of_one_height = np.abs(line.top - np.median(line.top)) <= even
    few = len(line) < MANY_LETTERS
    if (few and not (on_base & of_one_height).all()) or on_base.mean() < ON_BASE:
        return False
    return bool((line.width >= _NARROW * line.height).sum() >= 2)


def _is_word(word: _Boxes, mask: Mask) -> bool:
    """Whether a wide piece is letters that touch: its rows are broken as often as those of letters are."""
    if not _stands_alone(word, mask):
        return False
    inside = mask[word.top[0] : word.bottom[0], word.left[0] : word.right[0]].astype(np.int8)
    starts = (np.diff(inside, axis=1, prepend=0) == 1).sum(axis=1)
    letters = word.width[0] / word.height[0]
    return bool(np.median(starts) >= 1.2 * letters)


def _stands_alone(line: _Boxes, mask: Mask) -> bool:
    """Whether there is nothing right above and below, and as much ink between as letters have."""
    top, bottom = int(line.top.min()), int(line.bottom.max())
    left, right = int(line.left[0]), int(line.right.max())
    margins = [mask[max(0, top - 2) : top, left:right], mask[bottom : bottom + 2, left:right]]
    inked = sum(int(margin.sum()) for margin in margins) / max(1, sum(margin.size for margin in margins))
    return inked < 0.05 and 0.1 < float(mask[top:bottom, left:right].mean()) < 0.65
