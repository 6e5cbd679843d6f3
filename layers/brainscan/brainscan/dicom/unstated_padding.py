"""Filler around a picture that the header does not speak of, as resampling and defacing leave it."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

BORDER_SHARE: Final = 0.1
"""Of the pixels along the border, that are of one value where a picture is filled up."""


def unstated_padding(values: npt.NDArray[Any], *, inverted: bool = False) -> npt.NDArray[np.bool_] | None:
    """Which pixels are filler: of one value that is common at the border and far from all others.

    It is above them, or negative and below them, by more than they differ among each other. What lies below and is not
    negative is background. Where bright is dark, background lies above, and filler below.

    Args:
        values: (rows, columns), stored.
        inverted: Whether bright is dark in them, as in MONOCHROME1.
    """
    border = np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])
    low, high = values.min(), values.max()
    for end in (high, low):
        if (end == (high if inverted else low) and not end < 0) or (border == end).mean() < BORDER_SHARE:
            continue
        filler = values == end
        rest = values[~filler].astype(np.float64)
        if rest.size and np.ptp(rest) > 0 and np.abs(rest - float(end)).min() > np.ptp(rest):
            return np.asarray(filler)
    return None
