"""What a shadow model says of a scan that another one answered."""

from pydantic import Field

from brainscan.domain.model_version import ModelId
from brainscan.domain.scan import Finding


class ShadowFinding(Finding):
    """A finding that reaches nobody: no report, list or count rests on it."""

    scan_id: str
    series_id: str | None = None
    model_id: ModelId = Field(description="the shadow")
    served_id: str | None = Field(description="the model whose answer stands")
    mask: str | None = Field(description="base64 of a PNG, 0 or 255, at the source's rows and columns")
    timings_ms: dict[str, float]
    intensity: float | None = Field(default=None, description="mean of the network's input")
    scope_distance: float | None = Field(default=None, description="from the training scans, in units of its threshold")
