"""Counts of days -> how far they are from a reference window, of all sites or of one. No image is touched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import StrEnum
from typing import Final

from pydantic import Field

from brainscan.domain import RESEARCH_USE_STATEMENT, BrainscanError, FrozenModel
from brainscan.domain.drift import Farthest, FeatureDrift, drift_of, farthest
from brainscan.domain.features import DayHistograms, DeviceQuality, quality_of
from brainscan.domain.model_version import ModelState
from brainscan.services import WORKERS
from brainscan.store.retry import Threads
from brainscan.store.table import Table

REFERENCE_DAYS: Final = 28
"""Four weeks: as many of each day of the week."""
MOST_DAYS: Final = 400
"""Of the reference and of what is compared: each day on which scans arrived is a small read."""


class DriftQueryError(BrainscanError):
    """A question about drift that has no answer; the text says what to ask instead."""


class Reference(StrEnum):
    """Where the reference window lies."""

    BEFORE = "before"
    MODEL = "model"


@dataclass(frozen=True)
class Window:
    """Days to compare, `first` to `last`, and where the days are that they are compared with.

    `reference_days` before `first`; or from the day on that the served model began to answer.
    """

    first: date
    last: date
    reference: Reference = Reference.BEFORE
    reference_days: int = REFERENCE_DAYS


class ReferenceWindow(FrozenModel):
    """The days of the reference, first to last, and the scans of them."""

    first: str
    last: str
    scans: int
    models: tuple[str, ...] = Field(description="that answered then")


class DriftReport(FrozenModel):
    """How far the scans of some days and their answers are from those of a reference window."""

    site: str | None = Field(description="None: of all sites together")
    first: str
    last: str
    scans: int
    models: tuple[str, ...] = Field(description="that answered; a change of these moves answers by itself")
    reference: ReferenceWindow
    features: tuple[FeatureDrift, ...]
    devices: tuple[DeviceQuality, ...] = Field(description="of the compared days, the busiest first")
    research_use: str = RESEARCH_USE_STATEMENT


def report_drift(window: Window, table: Table, site: str | None = None) -> DriftReport:
    """Compare days with the reference.

    Raises:
        DriftQueryError: too many days, or the served model's beginning is not known.
    """
    since, until = _reference(window, table)
    if window.first > window.last:
        raise DriftQueryError("the first day comes before the last")
    if max((until - since).days, (window.last - window.first).days) >= MOST_DAYS:
        raise DriftQueryError(f"at most {MOST_DAYS} days are compared, and as many are the reference")
    reference = _histograms(since, until, table, site)
    days = _histograms(window.first, window.last, table, site)
    return DriftReport(
        site=site,
        first=window.first.isoformat(),
        last=window.last.isoformat(),
        scans=_scans(days),
        models=_models(days),
        reference=ReferenceWindow(
            first=since.isoformat(), last=until.isoformat(), scans=_scans(reference), models=_models(reference)
        ),
        features=drift_of(reference, days),
        devices=quality_of(days),
    )


def farthest_features(answer: DriftReport) -> list[Farthest]:
    """The feature of what comes in, and that of the answers, that are farthest off; of too few scans there is none."""
    found = (farthest(answer.features, output=output) for output in (False, True))
    return [each for each in found if each]


def _reference(window: Window, table: Table) -> tuple[date, date]:
    """First and last day of the reference."""
    length = timedelta(days=window.reference_days - 1)
    if window.reference is Reference.BEFORE:
        last = window.first - timedelta(days=1)
        return last - length, last
    began = [change.at for change in table.models.history() if change.state is ModelState.SERVED]
    if not began:
        raise DriftQueryError("the registry served no model yet, so that none began: compare with the days before")
    first = began[-1].astimezone(UTC).date()
    return first, first + length


def _histograms(first: date, last: date, table: Table, site: str | None) -> list[DayHistograms]:
    """Those of the days on which scans arrived, the first first."""
    days = sorted(table.statistics.arrival_days(first.isoformat(), last.isoformat()))
    with Threads(WORKERS) as pool:
        found = list(pool.map(lambda day: table.statistics.histograms(day, site), days))
    return [each for each in found if each.scans]


def _scans(days: Sequence[DayHistograms]) -> int:
    return sum(each.scans for each in days)


def _models(days: Sequence[DayHistograms]) -> tuple[str, ...]:
    return tuple(sorted({model for each in days for model in each.models}))
