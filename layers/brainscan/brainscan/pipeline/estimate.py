"""What a run over stored scans will take and cost, from measured durations and list prices of AWS."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, TypeAdapter

from brainscan.domain.reprocess import RunMode

FIGURES: Final = Path(__file__).parent.parent / "cost"
"""Of a wheel, a folder in it; of a checkout, a link to infra/cost."""

MEMORY_MB: Final = 3008
"""Of the template's functions that run the network, unless an operator says otherwise."""
MEASURED_BATCH: Final = 8
"""Scans of which `warm_batch_s` was measured."""
SWITCH_PUTS: Final = 2
"""Mask and `result.json`."""
SWITCH_WRITE_UNITS: Final = 14
"""Where both answers lie, the scan, its place in each worklist that it leaves and enters: an estimate, not metered."""
MIB_PER_GIB: Final = 1024


class Prices(BaseModel):
    """Dollars, of what a run uses."""

    lambda_gb_second: float
    s3_put: float
    s3_get: float
    dynamodb_write_unit: float
    dynamodb_read_unit: float
    states_transition: float


class Measured(BaseModel):
    """Durations of the image at a size of memory."""

    memory_mb: int
    warm_batch_s: float


class Estimate(BaseModel):
    """What a run will take, and the two rates by which it counts what it has spent."""

    scans: int
    batches: int
    hours: float
    dollars: float
    dollars_per_second: float
    dollars_per_scan: float


def estimate(scans: int, batches: int, at_once: int, mode: RunMode = RunMode.READ) -> Estimate:
    """Estimate a run of so many batches, of which so many are gone through at once.

    A scan takes what it took the model of the image; it costs a read of its bytes, a write unit and two read units, and
    its part of a batch: an object, two write units and four steps of the state machine. One that is switched takes no
    longer, and costs what `SWITCH_PUTS` and `SWITCH_WRITE_UNITS` say beside.
    """
    prices = Prices.model_validate_json((FIGURES / "prices.json").read_bytes())
    measured = TypeAdapter(list[Measured]).validate_json((FIGURES / "measured.json").read_bytes())
    nearest = min(measured, key=lambda each: abs(each.memory_mb - MEMORY_MB))
    seconds = scans * nearest.warm_batch_s / MEASURED_BATCH
    dollars_per_second = prices.lambda_gb_second * MEMORY_MB / MIB_PER_GIB
    a_batch = prices.s3_put + 2 * prices.dynamodb_write_unit + 4 * prices.states_transition
    if mode is RunMode.SWITCH:
        a_batch += scans / batches * (SWITCH_PUTS * prices.s3_put + SWITCH_WRITE_UNITS * prices.dynamodb_write_unit)
    a_scan = prices.s3_get + prices.dynamodb_write_unit + 2 * prices.dynamodb_read_unit + a_batch * batches / scans
    return Estimate(
        scans=scans,
        batches=batches,
        hours=seconds / min(at_once, batches) / 3600,
        dollars=seconds * dollars_per_second + scans * a_scan,
        dollars_per_second=dollars_per_second,
        dollars_per_scan=a_scan,
    )
