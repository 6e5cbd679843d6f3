"""What a prepared scan is like as a picture, whatever it shows: its gray values and its detail at every scale."""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

GRAYS: Final = 16
"""Bins of the histogram over [-1, 1]."""
SCALES: Final = 13
"""Rings of the power spectrum, from two periods a side to the finest."""
COARSEST: Final = 2.0
"""Periods a side at which the rings begin; below, the head's outline is all there is."""
FAINTEST: Final = 1e-3
"""Keeps the logarithm of an empty ring finite."""


def texture(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Histogram and power spectrum of scans as the network sees them.

    Args:
        inputs: (B, N, N, 1) in [-1, 1].

    Returns:
        (B, 29): roots of the shares of 16 gray levels, which brings their spreads together, and natural logarithms
        of the mean power in 13 rings of spatial frequency, evenly spaced by octaves.
    """
    return np.stack([np.concatenate([_grays(scan), _scales(scan)]) for scan in inputs[..., 0]])


def _grays(scan: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    levels = np.clip((scan + 1) * (GRAYS / 2), 0, GRAYS - 1).astype(np.intp)
    shares: npt.NDArray[np.float32] = np.sqrt(np.bincount(levels.ravel(), minlength=GRAYS) / scan.size)
    return shares.astype(np.float32)


def _scales(scan: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    rings, sizes = _rings(scan.shape[0])
    brightness = (scan + 1) / 2
    power = np.abs(np.fft.fft2(brightness - brightness.mean())) ** 2
    means = np.bincount(rings, power.ravel(), minlength=SCALES + 2)[1:-1] / sizes
    return np.log(means + FAINTEST).astype(np.float32)


@cache
def _rings(side: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Ring of each spatial frequency, (side * side,), 0 and the last for those outside; and the rings' sizes."""
    frequency = np.fft.fftfreq(side, 1 / side)
    radius = np.hypot(frequency[:, np.newaxis], frequency).ravel()
    edges = np.geomspace(COARSEST, side / 2, SCALES)
    rings = np.digitize(radius, np.r_[0.5, edges])
    return rings, np.maximum(np.bincount(rings, minlength=SCALES + 2)[1:-1], 1).astype(np.float64)
