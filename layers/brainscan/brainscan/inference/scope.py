"""Is this a scan of the kind that the network was trained on? Asked of the picture, and of what the network saw in it.

The training scans are described by two Gaussians: one of their textures, one of the features that the network pooled,
each free along its principal axes and round across them. What lies far from either is no brain MR, whatever class the
network names for it.
"""

import base64
from functools import cached_property
from typing import Annotated, Any, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from brainscan.domain import FrozenModel
from brainscan.imaging.texture import texture

Positive = Annotated[float, Field(gt=0)]
MEAN: Final = np.dtype("<f4")
"""How the manifest packs the mean: nothing bounds what a network pools, and float16 ends at 65,504."""
AXES: Final = np.dtype("<f2")
"""How it packs directions, most of what it holds: float16 keeps three digits, which a distance never misses."""


class Gaussian(FrozenModel):
    """What training scans are like, and the distance from which on a scan is unlike them.

    Arrays are base64 of little-endian numbers: `mean` (features,) float32, `axes` (principal axes, features) float16.
    """

    mean: str
    axes: str
    variances: tuple[Positive, ...] = Field(description="along each axis")
    rest_variance: Positive = Field(description="across the axes, in every direction alike")
    threshold: Positive = Field(description="distance beyond which a scan is out of scope")

    @classmethod
    def of(
        cls,
        mean: npt.NDArray[np.float32],
        axes: npt.NDArray[np.float32],
        variances: npt.NDArray[np.float32],
        rest_variance: float,
        threshold: float,
    ) -> Self:
        """Pack arrays: mean (F,), axes (k, F), variances (k,)."""
        return cls(
            mean=_pack(mean, MEAN),
            axes=_pack(axes, AXES),
            variances=tuple(float(v) for v in variances),
            rest_variance=rest_variance,
            threshold=threshold,
        )

    @cached_property
    def _arrays(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Mean (F,) and axes (k, F)."""
        mean = _unpack(self.mean, MEAN)
        return mean, _unpack(self.axes, AXES).reshape(len(self.variances), len(mean))

    def distances(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """How far scans lie from the training scans: their Mahalanobis distance.

        Args:
            features: (B, F) as those that were fitted.

        Returns:
            (B,) root mean square of the deviations in units of their spread: about 1 for a typical scan.

        Raises:
            ValueError: F is not what was fitted.
        """
        mean, axes = self._arrays
        if features.ndim != 2 or features.shape[1] != len(mean):
            raise ValueError(f"expected (batch, {len(mean)}) features, got {features.shape}")
        deviations = (features - mean).astype(np.float64)
        along = deviations @ axes.T.astype(np.float64)
        across = np.maximum((deviations**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        squares = (along**2 / np.asarray(self.variances)).sum(axis=1) + across / self.rest_variance
        root: npt.NDArray[np.float64] = np.sqrt(squares / len(mean))
        return root


class Scope(FrozenModel):
    """Both checks; a scan is out of scope if either says so."""

    texture: Gaussian = Field(description="of `imaging.texture`")
    features: Gaussian = Field(description="of the network's pooled features")
    beyond: Annotated[float, Field(ge=0, le=1)] = Field(
        description="share of the in-scope scans behind the thresholds that are out of scope by either check"
    )

    def distances(self, inputs: npt.NDArray[np.float32], features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """How far scans lie from the training scans, by the check that puts them farther.

        Args:
            inputs: (B, N, N, 1) as the network saw them.
            features: (B, F) as it pooled them.

        Returns:
            (B,) in units of the threshold: above 1 a scan is out of scope.
        """
        return self.distances_of(texture(inputs), features)

    def distances_of(
        self, textures: npt.NDArray[np.float32], features: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float64]:
        """The same of scans whose textures (B, T) are known."""
        by_texture = self.texture.distances(textures) / self.texture.threshold
        by_features = self.features.distances(features) / self.features.threshold
        return np.maximum(by_texture, by_features)


def _pack(array: npt.NDArray[np.float32], form: np.dtype[Any]) -> str:
    return base64.b64encode(array.astype(form).tobytes()).decode("ascii")


def _unpack(text: str, form: np.dtype[Any]) -> npt.NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), form).astype(np.float32)
