"""Fits the scope check: the Gaussian on fitted scans' features, its threshold on held-out scans'."""

from typing import Final

import numpy as np
import numpy.typing as npt

from brainscan.inference.scope import Scope

AXES: Final = 48
"""Principal axes that are kept: a tenth of a megabyte in the manifest."""
BEYOND: Final = 0.01
"""Share of held-out in-scope scans that the threshold gives up."""

Features = npt.NDArray[np.float32]


def fit_scope(fitted: Features, held: Features, axes: int = AXES, beyond: float = BEYOND) -> Scope:
    """A Gaussian of `fitted` by principal components, and the distance that a share `beyond` of `held` exceeds.

    Args:
        fitted: (n, F) features of scans that the network was trained on.
        held: (m, F) of scans of other patients.
        axes: principal axes to keep, fewer than n and F.
        beyond: share of `held` that is given up.
    """
    mean = fitted.mean(axis=0)
    deviations = (fitted - mean).astype(np.float64)
    _, singular, directions = np.linalg.svd(deviations, full_matrices=False)
    variances = singular**2 / max(1, len(fitted) - 1)
    kept = min(axes, len(variances) - 1)
    # The rest of the variance, spread evenly over the rest of the directions: probabilistic PCA.
    rest = max(float(variances[kept:].sum()) / max(1, fitted.shape[1] - kept), 1e-12)
    first = Scope.of(
        mean,
        directions[:kept].astype(np.float32),
        np.maximum(variances[:kept], rest).astype(np.float32),
        rest,
        threshold=1.0,
        held_out_beyond=0.0,
    )
    distances = first.distances(held)
    threshold = float(np.quantile(distances, 1 - beyond))
    return first.model_copy(update={"threshold": threshold, "held_out_beyond": float((distances > threshold).mean())})
