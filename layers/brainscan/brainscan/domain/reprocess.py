"""Stored scans and another model: a run over many batches, which reads them or switches them to what it said."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import Field

from brainscan.domain.base import BrainscanError, FrozenModel
from brainscan.domain.model_version import ModelId
from brainscan.domain.reasons import Outcome, Reason

MOST_AT_ONCE: Final = 1000
"""Batches at once: each writes to the run's partition, of which DynamoDB takes 1,000 writes a second."""


class RunStateError(BrainscanError):
    """A run cannot go from the state that it is in to the one that is wanted; the text says what can be done."""


class RunState(StrEnum):
    """Where a run stands. `FINISHED` and `STOPPED` are final."""

    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


class RunMode(StrEnum):
    """What a run does with each scan."""

    READ = "read"
    """Keep what the model says beside the answer that stands."""
    SWITCH = "switch"
    """Put what the model said in its place."""


_NEXT: Final = {
    RunState.RUNNING: {RunState.PAUSED, RunState.STOPPED, RunState.FINISHED},
    RunState.PAUSED: {RunState.RUNNING, RunState.STOPPED},
    RunState.STOPPED: set[RunState](),
    RunState.FINISHED: set[RunState](),
}


class Run(FrozenModel):
    """A run over the scans of its manifest; `revision` counts its changes, `execution` those of its state machine."""

    run_id: str
    model_id: ModelId
    mode: RunMode = RunMode.READ
    selection: str = Field(description="which scans, in the command's words")
    state: RunState = RunState.RUNNING
    why: str | None = Field(default=None, description="why it is not running")
    by: str = Field(description="staff, as AWS knows the caller")
    started_at: datetime
    scans: int = Field(gt=0)
    batches: int = Field(gt=0)
    most_at_once: int = Field(ge=1, le=MOST_AT_ONCE, description="batches")
    most_dollars: float | None = Field(default=None, gt=0)
    dollars_per_second: float = Field(ge=0, description="of the function that reads the scans")
    dollars_per_scan: float = Field(ge=0, description="requests and writes")
    execution: int = 1
    revision: int = 0

    def with_state(self, state: RunState, why: str | None = None, most_dollars: float | None = None) -> Self:
        """The next revision, in another state; to run again is another execution.

        Raises:
            RunStateError: it cannot go there from where it is.
        """
        if state not in _NEXT[self.state]:
            remedy = f"it can become {' or '.join(sorted(_NEXT[self.state]))}" if _NEXT[self.state] else "start another"
            raise RunStateError(f"run {self.run_id} is {self.state} and cannot become {state}; {remedy}")
        changed: dict[str, Any] = {"state": state, "why": why, "revision": self.revision + 1}
        changed["execution"] = self.execution + int(state is RunState.RUNNING)
        changed["most_dollars"] = most_dollars or self.most_dollars
        return self.model_validate(self.model_dump() | changed)

    def dollars(self, spent: "Spent") -> float:
        """What work costs."""
        return spent.seconds * self.dollars_per_second + spent.scans * self.dollars_per_scan


class Batch(FrozenModel):
    """Scans that are read together; `number` is None for a scan that is tried alone."""

    run_id: str
    number: int | None = None
    scan_ids: tuple[str, ...] = Field(min_length=1)


class BatchDone(FrozenModel):
    """A batch of which every scan has its answer, or the reason why it has none."""

    number: int
    answered: int = 0
    gone: int = Field(default=0, description="their bytes, or they themselves, are no longer there")
    failed: int = 0


class Spent(FrozenModel):
    """Work of all attempts, those that were repeated included."""

    seconds: float = 0.0
    scans: int = 0


class ReprocessedScan(FrozenModel):
    """That a model has answered a stored scan, once; what it said is a line of the object at `key`."""

    scan_id: str
    model_id: ModelId
    run_id: str
    outcome: Outcome
    reason: Reason | None = None
    key: str | None = None


class RunProgress(FrozenModel):
    """How far a run is."""

    run: Run
    batches: int = Field(description="that are done")
    answered: int
    gone: int
    failed: int
    dollars: float
    dead: tuple[str, ...] = Field(default=(), description="scans that failed to the end")
