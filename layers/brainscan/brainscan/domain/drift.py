"""Drift: how far a day's scans and answers are from those of a reference window, by counts alone.

Three measures of two histograms over the same bins, with shares p of the day and q of the reference:

- population stability index, sum of (p - q) ln(p / q). Below 0.1 little has changed, above 0.25 much has: N. Siddiqi,
  Credit Risk Scorecards, 2006. It grows as the samples shrink, by about (bins - 1)(1/n + 1/m) where nothing has
  changed: B. Yurdakul and J. Naranjo, Statistical properties of the population stability index, J. Risk Model
  Validation 14(4), 2020. Hence the least counts.
- Jensen-Shannon divergence in bits, 0 to 1: J. Lin, Divergence measures based on the Shannon entropy, IEEE Trans.
  Inf. Theory 37(1), 1991.
- Kolmogorov and Smirnov's distance, the most that the cumulated shares differ, of bins that have an order.

Slices of a series are alike, so that a day of few series lies far from any other. What is usual is therefore measured:
a day counts as drifted only if it is also farther off than nine in ten of the reference's own days.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from math import ceil, log, log2
from typing import Final

from pydantic import Field

from brainscan.domain.base import FrozenModel, Probability
from brainscan.domain.features import BINS, ORDERED, OUTPUTS, DayHistograms, Feature

SHIFTED: Final = 0.1
DRIFTED: Final = 0.25
LEAST_DAY: Final = 200
"""Scans that a day must have: with ten bins, chance alone makes 0.05 of two hundred."""
LEAST_REFERENCE: Final = 1000
LEAST_DAYS: Final = 5
"""Days of the reference that must have enough scans before they say what is usual."""
USUAL: Final = 0.9
"""Share of the reference's days that are as near."""
SMALLEST: Final = 1e-4
"""Share that an empty bin counts as, so that no logarithm is infinite."""

Histogram = Mapping[str, int]


class Level(StrEnum):
    """What a distance means."""

    TOO_FEW = "too_few"
    STABLE = "stable"
    SHIFTED = "shifted"
    DRIFTED = "drifted"


class Distance(FrozenModel):
    """How far the scans of a day, or of several, are from the reference; no numbers where there are too few."""

    scans: int = Field(description="of which the feature is known")
    psi: float | None = Field(default=None, description="population stability index")
    jensen_shannon: float | None = Field(default=None, description="bits, 0 to 1")
    kolmogorov_smirnov: float | None = Field(default=None, description="0 to 1, of features whose bins have an order")
    level: Level = Level.TOO_FEW


class DayDistance(Distance):
    """That of one day."""

    day: str


class FeatureDrift(FrozenModel):
    """One feature, in the reference and since."""

    feature: Feature
    output: bool = Field(description="of the network's answers; False: of what comes in")
    bins: tuple[str, ...]
    reference_scans: int
    reference: tuple[Probability, ...] = Field(description="shares of the bins")
    current: tuple[Probability, ...] = Field(description="shares over all compared days")
    usual_psi: float | None = Field(
        description="nine in ten days of the reference are nearer to it; None: too few days"
    )
    overall: Distance = Field(description="of all compared days together")
    days: tuple[DayDistance, ...] = Field(description="the first first")


def population_stability(reference: Histogram, current: Histogram, bins: Sequence[str]) -> float:
    """The population stability index of two histograms, neither of them empty."""
    pairs = [(max(p, SMALLEST), max(q, SMALLEST)) for p, q in _pairs(reference, current, bins)]
    return sum((p - q) * log(p / q) for p, q in pairs)


def jensen_shannon(reference: Histogram, current: Histogram, bins: Sequence[str]) -> float:
    """The Jensen-Shannon divergence of two histograms, neither of them empty, in bits."""
    pairs = _pairs(reference, current, bins)
    halves = (_entropy((p + q) / 2 for p, q in pairs), _entropy(p for p, _ in pairs), _entropy(q for _, q in pairs))
    return min(1.0, max(0.0, halves[0] - (halves[1] + halves[2]) / 2))


def kolmogorov_smirnov(reference: Histogram, current: Histogram, bins: Sequence[str]) -> float:
    """The most that cumulated shares of two histograms differ, neither of them empty."""
    most = here = 0.0
    for p, q in _pairs(reference, current, bins):
        here += p - q
        most = max(most, abs(here))
    return most


def drift_of(reference: Sequence[DayHistograms], days: Sequence[DayHistograms]) -> tuple[FeatureDrift, ...]:
    """Every feature of some days against those of the reference."""
    return tuple(_feature_drift(feature, reference, days) for feature in Feature)


class Farthest(FrozenModel):
    """Of what comes in or of the answers, the feature that is farthest off, in units of where it counts as drifted."""

    feature: Feature
    output: bool
    psi: float
    of_limit: float = Field(description="above 1 it has drifted")


def farthest(found: Sequence[FeatureDrift], *, output: bool) -> Farthest | None:
    """Over all compared days together; None where there are too few scans of every feature."""
    known = [
        Farthest(feature=each.feature, output=output, psi=psi, of_limit=round(psi / _limit(each.usual_psi), 4))
        for each in found
        if each.output is output and (psi := each.overall.psi) is not None
    ]
    return max(known, key=lambda each: each.of_limit, default=None)


def _feature_drift(feature: Feature, reference: Sequence[DayHistograms], days: Sequence[DayHistograms]) -> FeatureDrift:
    whole, since = _total(feature, reference), _total(feature, days)
    usual = _usual(feature, whole, reference)
    return FeatureDrift(
        feature=feature,
        output=feature in OUTPUTS,
        bins=BINS[feature],
        reference_scans=whole.total(),
        reference=_shares(whole, BINS[feature]),
        current=_shares(since, BINS[feature]),
        usual_psi=usual,
        overall=Distance(**_distance(feature, whole, since, usual)),
        days=tuple(DayDistance(day=day.day, **_distance(feature, whole, day.of(feature), usual)) for day in days),
    )


def _distance(feature: Feature, reference: Histogram, current: Histogram, usual: float | None) -> dict[str, object]:
    scans = sum(current.values())
    if scans < LEAST_DAY or sum(reference.values()) < LEAST_REFERENCE:
        return {"scans": scans}
    bins = BINS[feature]
    psi = round(population_stability(reference, current, bins), 4)
    ordered = feature in ORDERED
    return {
        "scans": scans,
        "psi": psi,
        "jensen_shannon": round(jensen_shannon(reference, current, bins), 4),
        "kolmogorov_smirnov": round(kolmogorov_smirnov(reference, current, bins), 4) if ordered else None,
        "level": _level(psi, usual),
    }


def _level(psi: float, usual: float | None) -> Level:
    if psi > _limit(usual):
        return Level.DRIFTED
    return Level.SHIFTED if psi > max(SHIFTED, usual or 0.0) else Level.STABLE


def _limit(usual: float | None) -> float:
    """The index from which on scans have drifted."""
    return max(DRIFTED, usual or 0.0)


def _usual(feature: Feature, whole: Histogram, reference: Sequence[DayHistograms]) -> float | None:
    """How far nine in ten of the reference's own days are from it, of those with enough scans."""
    own = [histogram for day in reference if (histogram := day.of(feature)).total() >= LEAST_DAY]
    if len(own) < LEAST_DAYS:
        return None
    found = sorted(population_stability(whole, each, BINS[feature]) for each in own)
    return round(found[ceil(USUAL * len(found)) - 1], 4)


def _total(feature: Feature, days: Sequence[DayHistograms]) -> Counter[str]:
    return sum((day.of(feature) for day in days), Counter[str]())


def _shares(histogram: Counter[str], bins: Sequence[str]) -> tuple[float, ...]:
    total = histogram.total()
    return tuple(round(histogram[each] / total, 4) if total else 0.0 for each in bins)


def _pairs(reference: Histogram, current: Histogram, bins: Sequence[str]) -> list[tuple[float, float]]:
    """Shares of each bin, of the current scans and of the reference."""
    before, now = sum(reference.values()), sum(current.values())
    return [(current.get(each, 0) / now, reference.get(each, 0) / before) for each in bins]


def _entropy(shares: Iterable[float]) -> float:
    return -sum(share * log2(share) for share in shares if share)
