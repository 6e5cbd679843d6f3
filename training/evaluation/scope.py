"""Fits the scope check: Gaussians of fitted scans, their thresholds on held-out scans."""

from typing import Final

import numpy as np
import numpy.typing as npt

from brainscan.inference.scope import Gaussian, Scope

AXES: Final = 48
"""Principal axes that are kept, where there are so many: a tenth of a megabyte in the manifest."""
BEYOND: Final = 0.01
"""Share of held-out in-scope scans that each check's threshold gives up."""

Features = npt.NDArray[np.float32]
Described = tuple[Features, Features]
"""Of n scans: textures (n, T), and features (n, F) that the network pooled."""


def fit_scope(fitted: Described, held: Described, beyond: float = BEYOND) -> Scope:
    """Both checks.

    Args:
        fitted: scans that the network was trained on.
        held: scans of other patients.
        beyond: share of `held` that each check gives up.
    """
    by_texture, by_features = (fit_gaussian(*pair, beyond=beyond) for pair in zip(fitted, held, strict=True))
    outside = [
        check.distances(own) > check.threshold for check, own in zip((by_texture, by_features), held, strict=True)
    ]
    return Scope(texture=by_texture, features=by_features, held_out_beyond=float(np.logical_or(*outside).mean()))


def fit_gaussian(fitted: Features, held: Features, axes: int = AXES, beyond: float = BEYOND) -> Gaussian:
    """A Gaussian of `fitted` by principal components, and the distance that a share `beyond` of `held` exceeds.

    Args:
        fitted: (n, F).
        held: (m, F).
        axes: principal axes to keep, if n and F are larger.
        beyond: share of `held` that is given up.
    """
    mean = fitted.mean(axis=0)
    deviations = (fitted - mean).astype(np.float64)
    _, singular, directions = np.linalg.svd(deviations, full_matrices=False)
    variances = singular**2 / max(1, len(fitted) - 1)
    kept = min(axes, len(variances) - 1)
    # The rest of the variance, spread evenly over the rest of the directions: probabilistic PCA.
    rest = max(float(variances[kept:].sum()) / max(1, fitted.shape[1] - kept), 1e-12)
    first = Gaussian.of(
        mean,
        directions[:kept].astype(np.float32),
        np.maximum(variances[:kept], rest).astype(np.float32),
        rest,
        threshold=1.0,
    )
    return first.model_copy(update={"threshold": float(np.quantile(first.distances(held), 1 - beyond))})
