"""Connected regions of masks, in three dimensions: what touches within a slice, or on the next one, is one region.

Where a report is made there is neither scikit-image nor SciPy; runs of pixels in a row are joined here instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Regions = npt.NDArray[np.int32]
"""(rows, columns): 0 outside, else the number of the region, from 1, the same in every slice."""

Run = tuple[int, int]
"""First column of a run of pixels, and the one after its last."""

_ROWS_BESIDE: Final = (-1, 0, 1)


@dataclass(frozen=True)
class _Slice:
    """Runs of one mask by row, each with its place among the runs of all slices."""

    shape: tuple[int, ...]
    rows: dict[int, list[tuple[Run, int]]]


def connected_regions(masks: Sequence[Mask], follows: Sequence[bool]) -> tuple[list[Regions], int]:
    """Number the connected regions of a stack of masks; corners touch.

    Args:
        masks: (rows, columns) each.
        follows: Whether each mask lies next to the one before it; the first does not.

    Returns:
        The regions on each slice, and how many there are. They are numbered in the order in which they begin.
    """
    slices, count = _runs_of(masks)
    parents = list(range(count))
    for place, current in enumerate(slices):
        _join(current, current, (1,), parents)
        if follows[place]:
            _join(current, slices[place - 1], _ROWS_BESIDE, parents)
    numbers: dict[int, int] = {}
    regions = []
    for each in slices:
        numbered = np.zeros(each.shape, np.int32)
        for row, runs in each.rows.items():
            for (start, stop), run in runs:
                numbered[row, start:stop] = numbers.setdefault(_root(run, parents), len(numbers) + 1)
        regions.append(numbered)
    return regions, len(numbers)


def _runs_of(masks: Sequence[Mask]) -> tuple[list[_Slice], int]:
    slices, count = [], 0
    for mask in masks:
        edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        starts, stops = np.argwhere(edges == 1), np.argwhere(edges == -1)
        rows: dict[int, list[tuple[Run, int]]] = {}
        for (row, start), (_, stop) in zip(starts.tolist(), stops.tolist(), strict=True):
            rows.setdefault(row, []).append(((start, stop), count))
            count += 1
        slices.append(_Slice(mask.shape, rows))
    return slices, count


def _join(one: _Slice, other: _Slice, offsets: Sequence[int], parents: list[int]) -> None:
    """Unite runs that touch, of rows that are `offsets` apart."""
    for row, runs in one.rows.items():
        for offset in offsets:
            for (other_start, other_stop), other_run in other.rows.get(row + offset, ()):
                for (start, stop), run in runs:
                    if start <= other_stop and other_start <= stop:
                        _unite(run, other_run, parents)


def _unite(one: int, other: int, parents: list[int]) -> None:
    first, second = sorted((_root(one, parents), _root(other, parents)))
    parents[second] = first


def _root(run: int, parents: list[int]) -> int:
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run
