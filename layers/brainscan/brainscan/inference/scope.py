"""Is this a scan of the kind that the network was trained on? Asked of the features that the network pooled.

The training scans' features are described by a Gaussian: free along their principal axes, round across them. A
scan's Mahalanobis distance to it is large for what is no brain MR, whatever class the network names for it.
"""

import base64
from functools import cached_property
from typing import Annotated, Final, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from brainscan.domain import Model

Positive = Annotated[float, Field(gt=0)]
PACKED: Final = np.dtype("<f2")
"""How the manifest packs arrays: float16 keeps three digits, which a distance never misses."""


class Scope(Model):
    """The features' Gaussian, and the distance from which on a scan is out of scope.

    Arrays are base64 of little-endian float16: `mean` (features,), `axes` (principal axes, features).
    """

    mean: str
    axes: str
    variances: tuple[Positive, ...] = Field(description="along each axis, after dividing by the features' scale")
    rest_variance: Positive = Field(description="across the axes, in every direction alike")
    threshold: Positive = Field(description="distance beyond which a scan is out of scope")
    held_out_beyond: Annotated[float, Field(ge=0, le=1)] = Field(
        description="share of in-scope scans, held out of fitting, that lie beyond the threshold"
    )

    @classmethod
    def of(
        cls,
        mean: npt.NDArray[np.float32],
        axes: npt.NDArray[np.float32],
        variances: npt.NDArray[np.float32],
        rest_variance: float,
        threshold: float,
        held_out_beyond: float,
    ) -> Self:
        """Pack arrays: mean (F,), axes (k, F), variances (k,)."""
        return cls(
            mean=_pack(mean),
            axes=_pack(axes),
            variances=tuple(float(v) for v in variances),
            rest_variance=rest_variance,
            threshold=threshold,
            held_out_beyond=held_out_beyond,
        )

    @cached_property
    def _gaussian(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Mean (F,) and axes (k, F)."""
        mean = _unpack(self.mean)
        return mean, _unpack(self.axes).reshape(len(self.variances), len(mean))

    def distances(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """How far scans lie from the training scans.

        Args:
            features: (B, F) as the network pooled them.

        Returns:
            (B,) root mean square of the deviations in units of their spread: about 1 for a typical scan.

        Raises:
            ValueError: F is not the model's.
        """
        mean, axes = self._gaussian
        if features.ndim != 2 or features.shape[1] != len(mean):
            raise ValueError(f"expected (batch, {len(mean)}) features, got {features.shape}")
        deviations = (features - mean).astype(np.float64)
        along = deviations @ axes.T.astype(np.float64)
        across = np.maximum((deviations**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        squares = (along**2 / np.asarray(self.variances)).sum(axis=1) + across / self.rest_variance
        root: npt.NDArray[np.float64] = np.sqrt(squares / len(mean))
        return root


def _pack(array: npt.NDArray[np.float32]) -> str:
    return base64.b64encode(array.astype(PACKED).tobytes()).decode("ascii")


def _unpack(text: str) -> npt.NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), PACKED).astype(np.float32)
