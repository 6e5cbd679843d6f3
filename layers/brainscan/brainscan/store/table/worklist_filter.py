"""Which studies, series or scans a list asks for, in which order, and how many each value of a filter has."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from pydantic import Field

from brainscan.domain import (
    FrozenModel,
    Outcome,
    Probability,
    ReviewState,
    ScanVerdict,
    Summary,
    TumorClass,
)
from brainscan.store.table import keys
from brainscan.store.table.cells import REVIEWED, Cell, Judged
from brainscan.store.table.items import Item, model_attributes

MOST_DAYS: Final = 36_525
"""Days of one question, a century: those on which nothing arrived cost nothing, and a typing error should say so."""

STATES: Final = (ReviewState.NEEDED, ReviewState.SECOND, ReviewState.DISPUTED, keys.NOT_REVIEWED, *REVIEWED)
"""In the order of a list by review state."""


class Listed(StrEnum):
    """What a list is of."""

    STUDY = "study"
    SERIES = "series"
    SCAN = "scan"


class Sort(StrEnum):
    """The order of a list."""

    ARRIVAL = "arrival"
    PROBABILITY = "probability"
    VOLUME = "volume"
    REVIEW = "review"


class ScanSort(StrEnum):
    """The order of a list of scans: a scan has no volume, and no index holds the area that is outlined in it."""

    ARRIVAL = "arrival"
    PROBABILITY = "probability"
    REVIEW = "review"


class Filterable(Judged, Protocol):
    """A study, a series or a scan, as far as filters look at it."""

    @property
    def day(self) -> str: ...
    @property
    def probabilities(self) -> dict[TumorClass, Probability] | None: ...
    @property
    def confidence(self) -> Probability | None: ...
    @property
    def export_ids(self) -> tuple[str, ...]: ...


class WorklistFilter(FrozenModel):
    """Which studies, series or scans to list, and how. All that is given must hold."""

    first: str = Field(description="first UTC day of arrival")
    last: str = Field(description="last UTC day of arrival")
    finding: TumorClass | None = Field(
        default=None, description="the class that stands, a reader's before the network's"
    )
    outcome: Outcome | None = None
    min_confidence: Probability = Field(default=0.0, description="the network's confidence in the class that stands")
    review: ReviewState | None = None
    model_id: str | None = None
    export_id: str | None = None
    reader: str | None = Field(default=None, description="whose verdict is the latest")
    sort: Sort = Sort.ARRIVAL
    second_reader: str | None = Field(default=None, description="who asks, and is not told of what they read first")

    @property
    def is_of_cells(self) -> bool:
        """Whether nothing but the day and the cell of a scan tells whether it passes."""
        return not self.min_confidence and self.export_id is None

    def unmet(self, listed: Filterable) -> frozenset[str]:
        """The filters that a study, series or scan does not pass, by name."""
        passed = {
            "days": self.first <= listed.day <= self.last,
            "min_confidence": _finding_confidence(listed) >= self.min_confidence,
            "export_id": self.export_id is None or self.export_id in listed.export_ids,
        }
        return self.unmet_of(Cell.of(listed)) | {name for name, holds in passed.items() if not holds}

    def unmet_of(self, cell: Cell) -> frozenset[str]:
        """The filters that all of a cell do not pass, by name."""
        mine = cell.review is ReviewState.SECOND and cell.reader is not None and cell.reader == self.second_reader
        passed = {
            "finding": self.finding is None or cell.finding is self.finding,
            "outcome": self.outcome is None or cell.outcome is self.outcome,
            "review": self.review is None or (cell.review is self.review and not mine),
            "model_id": self.model_id is None or cell.model_id == self.model_id,
            "reader": self.reader is None or (cell.review in REVIEWED and cell.reader == self.reader),
        }
        return frozenset(name for name, holds in passed.items() if not holds)


class WorklistCounts(FrozenModel):
    """How many there are for each value of a filter, among those that pass all other filters."""

    total: int = Field(description="that pass all filters")
    findings: dict[str, int] = Field(description="by the class that stands; `none` without one")
    outcomes: dict[str, int]
    reviews: dict[str, int] = Field(description="by review state; `none` where nobody looked and nobody needs to")
    models: dict[str, int]
    readers: dict[str, int]
    complete: bool = Field(description="false where there are more than were counted")


FACTS: Final[tuple[str, ...]] = (
    "received_at",
    "outcome",
    "predicted",
    "probabilities",
    "confidence",
    "needs_review",
    "review",
    "others",
    "readers_required",
    "reviewed_class",
    "model_id",
    "export_id",
    "export_ids",
)
"""Attributes that filters look at."""


class _ScanFacts(ScanVerdict):
    """A scan as far as filters look at it."""

    received_at: datetime
    model_id: str | None = None
    export_id: str

    @property
    def day(self) -> str:
        return self.received_at.astimezone(UTC).date().isoformat()

    @property
    def export_ids(self) -> tuple[str, ...]:
        return (self.export_id,)


def facts_of(kind: Listed, item: Item) -> Filterable:
    """What filters look at of an item of the table."""
    model = _ScanFacts if kind is Listed.SCAN else Summary
    known = {name: item[name] for name in FACTS if name in item}
    return model.model_validate(model_attributes(model, known))


def values_of(cell: Cell) -> Iterator[tuple[str, str]]:
    """The value of each filter that is counted."""
    yield "finding", cell.finding or "none"
    yield "outcome", cell.outcome
    yield "review", cell.review or keys.NOT_REVIEWED
    if cell.model_id:
        yield "model_id", cell.model_id
    if cell.review in REVIEWED and cell.reader:
        yield "reader", cell.reader


def days_between(first: date, last: date) -> tuple[str, ...]:
    """UTC days from the last to the first, both included.

    Raises:
        ValueError: they are more than `MOST_DAYS`, or in the wrong order.
    """
    count = (last - first).days + 1
    if not 1 <= count <= MOST_DAYS:
        raise ValueError(f"ask for 1 to {MOST_DAYS} days, the first before the last")
    return tuple((last - timedelta(days=back)).isoformat() for back in range(count))


def _finding_confidence(listed: Filterable) -> float:
    """The network's confidence in the class that stands, or in its own; 0 without any."""
    if listed.finding and listed.probabilities:
        return listed.probabilities[listed.finding]
    return listed.confidence or 0.0
