"""The gate before a model is served: what a comparison must show, and what it showed."""

from datetime import datetime
from typing import Final

from pydantic import Field

from brainscan.domain.base import FrozenModel
from brainscan.domain.comparison import Comparison
from brainscan.domain.model_version import ModelId, ModelVersion

LEAST_SCANS: Final = 200
LEAST_REVIEWED: Final = 50
"""With fewer, the interval of a share is wider than what two models differ by."""
LEAST_EQUAL: Final = 0.85
"""Two models that agree on less of what both call do different work, whichever is better."""
MOST_SLOWER: Final = 1.5
MOST_BYTES: Final = 100_000_000
"""A process keeps three models in 3,008 MB, and reads one from S3 while a batch waits."""


class GateResult(FrozenModel):
    """What a model showed, and why it may not be served; nothing in `failures` means that it may."""

    model_id: ModelId
    served: tuple[str, ...] = Field(description="models that it was compared with")
    at: datetime
    by: str
    scans: int
    reviewed: int
    accuracy_served: float | None = None
    accuracy_candidate: float | None = None
    equal: float | None = None
    mean_dice: float | None = None
    infer_ms_served: float | None = None
    infer_ms_candidate: float | None = None
    size_bytes: int
    failures: tuple[str, ...] = ()


def gate_of(found: Comparison, version: ModelVersion, by: str, at: datetime) -> GateResult:
    """Hold a comparison against the gate."""
    return GateResult(
        model_id=found.candidate,
        served=found.served,
        at=at,
        by=by,
        scans=found.scans,
        reviewed=found.reviewed_candidate.scans,
        accuracy_served=found.reviewed_served.accuracy,
        accuracy_candidate=found.reviewed_candidate.accuracy,
        equal=found.agreement.equal,
        mean_dice=found.mean_dice,
        infer_ms_served=found.infer_ms_served,
        infer_ms_candidate=found.infer_ms_candidate,
        size_bytes=version.size_bytes,
        failures=tuple(_failures(found, version.size_bytes)),
    )


def _failures(found: Comparison, size_bytes: int) -> list[str]:
    served, candidate = found.reviewed_served.accuracy or 0.0, found.reviewed_candidate.accuracy or 0.0
    equal = found.agreement.equal or 0.0
    slower = (found.infer_ms_candidate or 0.0) / found.infer_ms_served if found.infer_ms_served else 0.0
    reviewed = found.reviewed_candidate.scans
    checks = {
        f"{found.scans} scans compared, {LEAST_SCANS} needed": found.scans >= LEAST_SCANS,
        f"{reviewed} reviewed scans, {LEAST_REVIEWED} needed": reviewed >= LEAST_REVIEWED,
        f"right on {candidate:.1%} of reviewed scans, the served model on {served:.1%}": candidate >= served,
        f"{equal:.1%} of calls equal, {LEAST_EQUAL:.0%} needed": equal >= LEAST_EQUAL,
        f"{slower:.2f} times the served model's time, at most {MOST_SLOWER}": slower <= MOST_SLOWER,
        f"{size_bytes} bytes, at most {MOST_BYTES}": size_bytes <= MOST_BYTES,
    }
    return [text for text, holds in checks.items() if not holds]
