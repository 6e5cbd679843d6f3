"""How sure a figure is: draws of whole groups (patients), with replacement."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

REPEATS: Final = 1000
"""Bootstrap draws of groups."""
INTERVAL: Final = 0.95

Floats = npt.NDArray[np.float64]


def group_sums(groups: Sequence[str], values: Floats) -> Floats:
    """(n, k) values -> (groups, k) sums."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.zeros((int(index.max()) + 1, values.shape[1]))
    np.add.at(sums, index, values)
    return sums


def draws(groups: int, repeats: int, seed: int) -> Floats:
    """(repeats, groups): how often each group is drawn, with replacement."""
    return np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), repeats).astype(np.float64)


def bounds(values: Floats) -> tuple[float, float]:
    """Lower and upper bound at `INTERVAL`; NaN where no value is finite."""
    if not np.isfinite(values).any():
        return float("nan"), float("nan")
    tail = (1 - INTERVAL) / 2
    low, high = np.quantile(values[np.isfinite(values)], [tail, 1 - tail])
    return float(low), float(high)
