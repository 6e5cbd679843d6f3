"""What is watched of scans: features with their bins, and how many scans of a day are in each."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Final

from pydantic import Field

from brainscan.domain.base import FrozenModel
from brainscan.domain.devices import Vendor, model_of, vendor_of
from brainscan.domain.reasons import Outcome
from brainscan.domain.scan import ScanRecord
from brainscan.domain.traits import INTENSITY_EDGES, SCOPE_EDGES, Sequence, Traits
from brainscan.terminology import CLASSES


class Feature(StrEnum):
    """What drifts: five of what comes in, four of what is answered."""

    INTENSITY = "intensity"
    SIZE = "size"
    VENDOR = "vendor"
    SEQUENCE = "sequence"
    SCOPE = "scope"
    CLASS = "class"
    CONFIDENCE = "confidence"
    OUTCOME = "outcome"
    AREA = "area"


OUTPUTS: Final = frozenset({Feature.CLASS, Feature.CONFIDENCE, Feature.OUTCOME, Feature.AREA})
ORDERED: Final = frozenset({Feature.INTENSITY, Feature.SIZE, Feature.SCOPE, Feature.CONFIDENCE, Feature.AREA})
"""Features whose bins have an order."""

READ: Final = (Outcome.ANALYZED, Outcome.ABSTAINED, Outcome.REJECTED, Outcome.FAILED)
"""Outcomes that count: a skipped file was never read."""

SIZE_EDGES: Final = (160, 224, 272, 352, 448, 576, 832)
"""Between the bins of an image's longer side, pixels."""
CONFIDENCE_EDGES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
AREA_EDGES: Final = (1e-9, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Between the bins of the mask's share of the image; the first is of those without a mask."""


def _ranges(edges: tuple[float, ...]) -> tuple[str, ...]:
    between = (f"{low:g} to {high:g}" for low, high in pairwise(edges))
    return (f"below {edges[0]:g}", *between, f"from {edges[-1]:g}")


BINS: Final[Mapping[Feature, tuple[str, ...]]] = {
    Feature.INTENSITY: _ranges(INTENSITY_EDGES),
    Feature.SIZE: _ranges(SIZE_EDGES),
    Feature.VENDOR: tuple(Vendor),
    Feature.SEQUENCE: tuple(Sequence),
    Feature.SCOPE: _ranges(SCOPE_EDGES),
    Feature.CLASS: tuple(CLASSES),
    Feature.CONFIDENCE: _ranges(CONFIDENCE_EDGES),
    Feature.OUTCOME: tuple(READ),
    Feature.AREA: ("no mask", *_ranges(AREA_EDGES)[1:]),
}
"""What each bin is called, in order."""

DEVICE: Final = "device"
REJECTED: Final = "rejected"
ABSTAINED: Final = "abstained"
FLAGGED: Final = "flagged"


class DeviceQuality(FrozenModel):
    """Scans of one kind of device, and how many of them were of no use, or doubtful."""

    vendor: Vendor | None = Field(description="None: no header says")
    model: str | None = Field(description="None: one that is on no list")
    scans: int
    rejected: int
    abstained: int
    flagged: int = Field(description="a reader should look at them")


class DayHistograms(FrozenModel):
    """Scans of a day and site by the bins of every feature, and by device; `models` are those that answered."""

    day: str
    counts: Mapping[str, int] = Field(description="of the day's counters")
    models: tuple[str, ...] = ()

    @property
    def scans(self) -> int:
        """Scans that were read, whatever became of them."""
        return self.of(Feature.OUTCOME).total()

    def of(self, feature: Feature) -> Counter[str]:
        """A feature's histogram, by the names of its bins."""
        if feature is Feature.OUTCOME:
            return Counter({each.value: n for each in READ if (n := self.counts.get(each.value, 0))})
        if feature is Feature.VENDOR:
            vendors = Counter[str]()
            for code, n in self.devices():
                if vendor := vendor_of(code):
                    vendors[vendor] += n
            return vendors
        values = range(len(BINS[feature])) if feature in ORDERED else BINS[feature]
        counts = (self.counts.get(f"{feature}_{value}", 0) for value in values)
        return Counter({name: n for name, n in zip(BINS[feature], counts, strict=True) if n > 0})

    def devices(self) -> Iterator[tuple[str, int]]:
        """Devices by their codes, and how many scans are of each."""
        for name, n in self.counts.items():
            kind, _, code = name.partition("_")
            if kind == DEVICE and "_" not in code and n > 0:
                yield code, n


def counter_names(record: ScanRecord) -> Iterator[str]:
    """The names of the day's counters that a scan with an outcome adds one to, beside that of its outcome."""
    if record.outcome not in READ:
        return
    yield from (f"{feature}_{value}" for feature, value in _values(record))
    device = f"{DEVICE}_{(record.traits or Traits()).device}"
    yield device
    if record.outcome in {Outcome.REJECTED, Outcome.ABSTAINED}:
        yield f"{device}_{record.outcome}"
    if record.review_reasons:
        yield f"{device}_{FLAGGED}"


def quality_of(days: Iterable[DayHistograms]) -> tuple[DeviceQuality, ...]:
    """Data quality by device over some days, the busiest first."""
    total, codes = Counter[str](), set[str]()
    for day in days:
        total.update(day.counts)
        codes |= {code for code, _ in day.devices()}
    found = [
        DeviceQuality(
            vendor=vendor_of(code),
            model=model_of(code),
            scans=total[f"{DEVICE}_{code}"],
            rejected=total[f"{DEVICE}_{code}_{REJECTED}"],
            abstained=total[f"{DEVICE}_{code}_{ABSTAINED}"],
            flagged=total[f"{DEVICE}_{code}_{FLAGGED}"],
        )
        for code in codes
    ]
    return tuple(sorted(found, key=lambda each: (-each.scans, str(each.vendor), str(each.model))))


def _values(record: ScanRecord) -> Iterator[tuple[Feature, int | str]]:
    """The bin that a scan is in, of each feature that is known of it: its place where bins have an order."""
    traits = record.traits or Traits()
    area = record.rows * record.columns if record.rows and record.columns else 0
    answered = record.outcome is Outcome.ANALYZED
    found: dict[Feature, int | str | None] = {
        Feature.SIZE: bisect_right(SIZE_EDGES, max(record.rows or 0, record.columns or 0)) if area else None,
        Feature.SEQUENCE: traits.sequence,
        Feature.INTENSITY: traits.intensity,
        Feature.SCOPE: traits.scope,
        Feature.CONFIDENCE: None if record.confidence is None else bisect_right(CONFIDENCE_EDGES, record.confidence),
        Feature.CLASS: record.predicted if answered else None,
        Feature.AREA: bisect_right(AREA_EDGES, _outlined(record) / area) if answered and area else None,
    }
    yield from ((feature, value) for feature, value in found.items() if value is not None)


def _outlined(record: ScanRecord) -> int:
    return record.tumor.area_px if record.tumor else 0
