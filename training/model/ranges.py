"""The range of values that a fixed int8 scale of a tensor covers: the one of least squared error."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

BINS: Final = 2048
LEVELS: Final = 255
"""Steps of int8 between the ends of a range."""
SHARES: Final = np.geomspace(0.05, 1, 40)
"""How much of each end is tried."""

Array = npt.NDArray[np.floating[Any]]


@dataclass
class Histogram:
    """What values a tensor has, between the smallest and the largest that it had before.

    Args:
        low: the smallest value.
        high: the largest value.
    """

    low: float
    high: float
    counts: Array = field(default_factory=lambda: np.zeros(BINS))

    def add(self, values: Array) -> None:
        """Counts values; those beyond the ends as the ends, zeros not at all: int8 has a level for zero itself."""
        inside = np.clip(values[values != 0], self.low, self.high)
        self.counts += np.histogram(inside, BINS, (self.low, self.high))[0]

    def best_range(self) -> tuple[float, float]:
        """Ends, with zero between them, at which rounding to int8 and cutting at them err least, squared and summed.

        A narrow range rounds finely and cuts tails off, a wide one does neither: rounding errs by a twelfth of a step
        squared (Widrow, 1956), cutting by the distance of each value from the end that it is beyond.
        """
        values = self.low + (np.arange(BINS) + 0.5) * (self.high - self.low) / BINS
        lows, highs = (np.unique(end * SHARES) for end in (min(self.low, 0.0), max(self.high, 0.0)))
        cut_low = self._cut(np.maximum(lows[:, np.newaxis] - values, 0))
        cut_high = self._cut(np.maximum(values - highs[:, np.newaxis], 0))
        steps = (highs - lows[:, np.newaxis]) / LEVELS
        errors = self.counts.sum() * np.square(steps) / 12 + cut_low[:, np.newaxis] + cut_high
        row, column = np.unravel_index(int(np.argmin(errors)), errors.shape)
        return float(lows[row]), float(highs[column])

    def _cut(self, beyond: Array) -> Array:
        """(ends, bins) distances beyond an end -> (ends,) squared errors."""
        errors: Array = np.square(beyond) @ self.counts
        return errors
