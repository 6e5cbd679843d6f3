"""An uploaded object on its way in, its parts, and what a day's scans add up to."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from brainscan.domain.base import FrozenModel
from brainscan.domain.reasons import Outcome
from brainscan.domain.review import ReviewState
from brainscan.domain.scan import Kind
from brainscan.terminology import TumorClass


class Part(FrozenModel):
    """A part range of an upload that one invocation of intake expands; also a message body of the UploadQueue.

    It names no object: what the upload is called is kept with its staged bytes, in the results bucket.
    """

    export_id: str
    number: int = Field(default=0, description="from 0")
    first: int = Field(default=0, description="place of its first file in the archive")
    stop: int | None = Field(default=None, description="place behind its last file, or as far as it goes")
    offset: int = Field(default=0, description="where in a tar its first header begins")
    last: bool = Field(default=True, description="no part follows, unless a tar turns out to be longer")


class PartDone(FrozenModel):
    """What became of a part's files; whole exports are made of these."""

    number: int
    last: bool
    kind: Kind
    files: int
    skipped: int
    scans: int = Field(default=0, description="scans that its files hold")
    failed: bool = Field(default=False, description="its retries are over; some of its files may be missing")
    listing: str | None = Field(default=None, description="of an upload of few files: its files, a JSON line each")


class ExportState(StrEnum):
    """How far intake is with an upload; of one that failed, some files may be missing until it is sent again."""

    EXPANDING = "expanding"
    EXPANDED = "expanded"
    FAILED = "failed"
    SUPERSEDED = "superseded"


class Export(FrozenModel):
    """One uploaded object and what became of its files.

    `files`, `skipped` and `expected` are known once `state` is no more `EXPANDING`; the counts of scans by outcome
    follow what is written by seconds.
    """

    export_id: str
    state: ExportState
    kind: Kind | None = None
    received_at: datetime
    token: str | None = Field(default=None, description="by which its sender finds it: 32 digits that say nothing")
    files: int = 0
    skipped: int = 0
    expected: int = Field(default=0, description="scans that its files hold")
    counts: dict[Outcome, int] = Field(default_factory=dict, description="scans by outcome")
    needs_review: int = 0

    @property
    def scans(self) -> int:
        """Scans counted so far."""
        return sum(self.counts.values())

    @property
    def done(self) -> bool:
        """Nothing more will happen to this export by itself: every scan of it was counted with a final outcome."""
        final = self.scans - self.counts.get(Outcome.QUEUED, 0)
        return self.state != ExportState.EXPANDING and final >= self.expected and final == self.scans


class DayStatistics(FrozenModel):
    """Scans that arrived on a UTC day, counted live; those that a newer version replaced count no more."""

    day: str
    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    findings: dict[TumorClass, int] = Field(default_factory=dict, description="analyzed scans by the class that stands")
    reviews: dict[ReviewState, int] = Field(default_factory=dict)
    models: dict[str, int] = Field(default_factory=dict, description="scans that a model answered, by its id")
