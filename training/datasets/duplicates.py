"""Finds the same picture twice: byte for byte, or nearly, mirrored too."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

THUMBNAIL: Final = 24
"""Side of the thumbnails that are compared, pixels."""
ALIKE: Final = 0.97
"""Correlation of two thumbnails from which on a split must not tear them apart: neighbouring slices, too."""
SAME: Final = 0.998
"""Correlation from which on they are one picture, resized or compressed anew; the audit measures how well it tells."""
BLOCK: Final = 1024
"""Rows of the correlation matrix that are held at a time."""

Vectors = npt.NDArray[np.float32]


def thumbnail(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(rows, columns) -> (THUMBNAIL**2,), of mean 0 and length 1, so that a dot product is a correlation.

    A picture of one gray becomes zeros, which resemble nothing.
    """
    small = Image.fromarray(pixels).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    vector = np.asarray(small, np.float32).ravel()
    vector = vector - vector.mean()
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector


def mirrored(vectors: Vectors) -> Vectors:
    """The thumbnails of the same pictures flipped left to right."""
    return vectors.reshape(-1, THUMBNAIL, THUMBNAIL)[:, :, ::-1].reshape(len(vectors), -1)


def alike_pairs(vectors: Vectors, flips: bool = True, alike: float = ALIKE) -> list[tuple[int, int, float]]:
    """Every pair (i, j, correlation), i < j, of thumbnails that correlate by at least `alike`.

    Args:
        vectors: (n, THUMBNAIL**2) from `thumbnail`.
        flips: also compare with the mirrored picture; the higher correlation counts.
        alike: the least correlation.
    """
    pairs: list[tuple[int, int, float]] = []
    other = mirrored(vectors) if flips else vectors
    for start in range(0, len(vectors), BLOCK):
        rows = vectors[start : start + BLOCK]
        scores = rows @ vectors.T
        if flips:
            scores = np.maximum(scores, rows @ other.T)
        for i, j in np.argwhere(scores >= alike):
            if start + i < j:
                pairs.append((int(start + i), int(j), float(scores[i, j])))
    return pairs


def clusters(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Joins what the pairs connect, directly or over others: the cluster's smallest index for each of `count`."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs:
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    return [root(i) for i in range(count)]


def join_groups(groups: Sequence[str], pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Groups (patients) merged wherever a pair of alike pictures connects them; the name is its first member's."""
    first = {group: index for index, group in reversed(list(enumerate(groups)))}
    within = [(first[group], index) for index, group in enumerate(groups)]
    return [groups[root] for root in clusters(len(groups), [*within, *pairs])]
