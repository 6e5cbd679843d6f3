"""Connected regions of masks, on one slice or in a stack of them: what touches, corners included, is one region.

Runs of pixels in a row are joined, all at once: as fast as SciPy, which would take longer to load than a batch of scans
to read, and which is not there where reports are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Regions = npt.NDArray[np.int32]
"""(rows, columns): 0 outside, else the number of the region, from 1, the same in every slice."""

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class _Runs:
    """Runs of pixels in the rows of a stack, as places on one long line: slice by slice, row by row.

    A column of nothing lies before and behind each row, and a row of nothing behind each slice, so that what is
    `width` further is below, and what is `area` further on the next slice. Runs are sorted: both ends ascend.
    """

    start: Indices
    stop: Indices
    width: int
    area: int

    @classmethod
    def of(cls, masks: Sequence[Mask]) -> "_Runs":
        width = max(mask.shape[1] for mask in masks) + 2
        area = (max(mask.shape[0] for mask in masks) + 1) * width
        ends = []
        for place, mask in enumerate(masks):
            line = np.zeros((mask.shape[0], width), np.bool_)
            line[:, 1 : mask.shape[1] + 1] = mask
            flat = line.ravel()
            ends.append(np.flatnonzero(flat[1:] != flat[:-1]) + 1 + place * area)
        changes = np.concatenate(ends)
        return cls(changes[::2], changes[1::2], width, area)

    def touching(self, ahead: int, which: Indices) -> tuple[Indices, Indices]:
        """Pairs of those of the runs, and the runs that they touch so many places ahead."""
        first = np.searchsorted(self.stop, self.start[which] + ahead, "left")
        behind = np.searchsorted(self.start, self.stop[which] + ahead, "right")
        counts = behind - first
        one = np.repeat(which, counts)
        within = np.arange(len(one)) - np.repeat(np.cumsum(counts) - counts, counts)
        return one, np.repeat(first, counts) + within


def connected_regions(masks: Sequence[Mask], follows: Sequence[bool]) -> tuple[list[Regions], int]:
    """Number the connected regions of a stack of masks; corners touch.

    Args:
        masks: (rows, columns) each.
        follows: Whether each mask lies next to the one before it; the first does not.

    Returns:
        The regions on each slice, and how many there are. They are numbered in the order in which they begin.
    """
    if not masks:
        return [], 0
    runs = _Runs.of(masks)
    number, count = _joined(runs, follows)
    return [_drawn(runs, number, place, mask.shape) for place, mask in enumerate(masks)], count


def bounding_boxes(mask: Mask) -> npt.NDArray[np.intp]:
    """Where the connected regions of a mask (rows, columns) lie.

    Returns:
        (regions, 4): first row, the one behind the last, first column, the one behind the last.
    """
    runs = _Runs.of([mask])
    number, count = _joined(runs, [False])
    rows = runs.start // runs.width
    boxes = np.empty((count, 4), np.intp)
    boxes[number[::-1], 0] = rows[::-1]  # of several values for a place, the last one stays: that of the first row
    boxes[number, 1] = rows + 1
    boxes[:, 2], boxes[:, 3] = runs.width, 0
    np.minimum.at(boxes[:, 2], number, runs.start % runs.width - 1)
    np.maximum.at(boxes[:, 3], number, runs.stop % runs.width - 1)
    return boxes


def _joined(runs: _Runs, follows: Sequence[bool]) -> tuple[Indices, int]:
    """The number of each run's region, from 0, and how many regions there are."""
    every = np.arange(len(runs.start))
    pairs = [runs.touching(runs.width, every)]
    if any(follows):
        goes_on = np.append(np.asarray(follows[1:], np.bool_), False)
        before = np.flatnonzero(goes_on[runs.start // runs.area])
        pairs += [runs.touching(runs.area + ahead, before) for ahead in (-runs.width, 0, runs.width)]
    parents = _united(len(every), *(np.concatenate(side) for side in zip(*pairs, strict=True)))
    first = parents == every
    return (np.cumsum(first) - 1)[parents], int(first.sum())


def _united(count: int, one: Indices, other: Indices) -> Indices:
    """For each of so many runs the first one of its region, by pairs that touch."""
    parents = np.arange(count)
    while True:
        lower, higher = np.minimum(parents[one], parents[other]), np.maximum(parents[one], parents[other])
        apart = lower != higher
        if not apart.any():
            return parents
        one, other = one[apart], other[apart]
        np.minimum.at(parents, higher[apart], lower[apart])
        while not np.array_equal(parents, further := parents[parents]):
            parents = further


def _drawn(runs: _Runs, number: Indices, place: int, shape: tuple[int, ...]) -> Regions:
    """The numbers of the regions on one slice, from 1."""
    first, behind = np.searchsorted(runs.start, (place * runs.area, (place + 1) * runs.area))
    steps = np.zeros(shape[0] * runs.width, np.int32)
    steps[runs.start[first:behind] - place * runs.area] = number[first:behind] + 1
    steps[runs.stop[first:behind] - place * runs.area] = -(number[first:behind] + 1)
    return np.cumsum(steps, dtype=np.int32).reshape(shape[0], runs.width)[:, 1 : shape[1] + 1]
