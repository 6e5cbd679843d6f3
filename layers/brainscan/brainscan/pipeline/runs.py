"""Runs over stored scans as staff handle them: choose scans, estimate, start, look, pause, resume, stop."""

import csv
import io
import json
import secrets
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import groupby
from typing import Any, Final, NamedTuple, Protocol

from botocore.exceptions import ClientError

from brainscan.domain import ANSWERED, ReviewState, ScanRecord, TumorClass
from brainscan.domain.base import BrainscanError
from brainscan.domain.reprocess import Run, RunProgress, RunState
from brainscan.store import Results, Table
from brainscan.store.errors import error_code
from brainscan.store.objects import manifest_key
from brainscan.store.table.query import all_pages
from brainscan.store.table.worklist_filter import Sort, WorklistFilter

BATCH: Final = 64
"""Scans that are read together: a step of the state machine costs as much as two scans, and a batch takes seconds."""

FIRST_DAY: Final = date(2000, 1, 1)
"""No scan arrived before."""

COLUMNS: Final = ("batch", "scans")


class UnknownRunError(BrainscanError):
    """There is no run of that id."""


class RunExecutor(Protocol):
    """What goes through a run's batches."""

    def start(self, run: Run, bucket: str, /) -> None:
        """Start an execution; one that was started before goes on."""

    def stop(self, run: Run, /) -> None:
        """End the execution of a run, as far as there is one."""


@dataclass(frozen=True)
class StateMachine:
    """The state machine that goes through a run's batches; `client` is one of Step Functions."""

    client: Any
    arn: str

    def start(self, run: Run, bucket: str) -> None:
        """Start an execution; one that was started before goes on."""
        execution_input = {
            "run": run.run_id,
            "execution": run.execution,
            "bucket": bucket,
            "manifest": manifest_key(run.run_id, run.execution),
            "results": f"reprocess/{run.run_id}/results",
            "at_once": run.most_at_once,
        }
        self.client.start_execution(stateMachineArn=self.arn, name=_name(run), input=json.dumps(execution_input))

    def stop(self, run: Run) -> None:
        """End the execution of a run, as far as there is one; batches that are read meanwhile are still kept."""
        arn = f"{self.arn.replace(':stateMachine:', ':execution:')}:{_name(run)}"
        try:
            self.client.stop_execution(executionArn=arn)
        except ClientError as error:
            if error_code(error) != "ExecutionDoesNotExist":
                raise


def _name(run: Run) -> str:
    return f"{run.run_id}-{run.execution:03d}"


@dataclass(frozen=True)
class Selection:
    """Which stored scans a run is to read: those of which all that is given holds, or all.

    `review` is what their readers came to, `answered_by` the model whose answer stands.
    """

    export_id: str | None = None
    days: tuple[date, date] | None = None
    finding: TumorClass | None = None
    review: ReviewState | None = None
    answered_by: str | None = None

    @property
    def question(self) -> WorklistFilter:
        """The same as one to the worklist, but for the export; in the order in which an index answers it alone."""
        first, last = self.days or (FIRST_DAY, datetime.now(UTC).date())
        by_class = self.finding and not self.review and not self.answered_by
        return WorklistFilter(
            first=first.isoformat(),
            last=last.isoformat(),
            finding=self.finding,
            review=self.review,
            model_id=self.answered_by,
            sort=Sort.PROBABILITY if by_class else Sort.ARRIVAL,
        )


class StoredScan(NamedTuple):
    """What a run must know of a scan to put it into a batch: a million records would not fit into memory.

    They sort as they are read: by day and series, so that a file with several frames is read once. A scan of no series
    is one by itself.
    """

    day: str
    series_id: str
    order: int
    scan_id: str

    @classmethod
    def of(cls, record: ScanRecord) -> "StoredScan":
        """What is needed of a record."""
        return cls(sys.intern(record.day), sys.intern(record.series_id or record.scan_id), record.order, record.scan_id)


def select_scans(table: Table, model_id: str, wanted: Selection) -> list[StoredScan]:
    """Stored scans that a network had a part in and that another model answered, of those that are wanted."""
    question = wanted.question
    found: Iterable[ScanRecord]
    if wanted.export_id is not None:
        found = all_pages(partial(table.queries.of_export, wanted.export_id))
    else:
        found = all_pages(partial(table.worklist.scans, question))
    return [
        StoredScan.of(each)
        for each in found
        if each.outcome in ANSWERED and not each.superseded and each.model_id != model_id and not question.unmet(each)
    ]


def batch_scans(scans: Sequence[StoredScan]) -> list[tuple[str, ...]]:
    """Scans in batches; those of a day and a series lie together."""
    ids = [each.scan_id for each in sorted(scans)]
    return [tuple(ids[start : start + BATCH]) for start in range(0, len(ids), BATCH)]


def batch_series(scans: Sequence[StoredScan]) -> list[tuple[str, ...]]:
    """Scans in batches that no series is torn apart by: a run that switches does so series by series."""
    by_series = sorted(scans, key=lambda each: each[1:])
    batches: list[tuple[str, ...]] = []
    for _, group in groupby(by_series, key=lambda each: each.series_id):
        ids = tuple(each.scan_id for each in group)
        if batches and len(batches[-1]) + len(ids) <= BATCH:
            batches[-1] += ids
        else:
            batches.append(ids)
    return batches


def start(run: Run, batches: Sequence[Sequence[str]], table: Table, results: Results, executor: RunExecutor) -> None:
    """Write the manifest, then the run, then start its execution; `resume` completes what broke off in between."""
    write_manifest(run, enumerate(batches), results)
    table.runs.put(run)
    executor.start(run, results.bucket)


def write_manifest(run: Run, batches: Iterable[tuple[int, Sequence[str]]], results: Results) -> None:
    """List numbered batches for an execution, a line each."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    lines.writerows((number, " ".join(scan_ids)) for number, scan_ids in batches)
    results.put(manifest_key(run.run_id, run.execution), text.getvalue().encode(), "text/csv")


def manifest(run: Run, results: Results) -> list[tuple[int, list[str]]]:
    """The batches of a run's first execution, which are all of it."""
    lines = csv.DictReader(io.StringIO(results.get(manifest_key(run.run_id, 1)).decode()))
    return [(int(line["batch"]), line["scans"].split()) for line in lines]


def pause_or_stop(run_id: str, state: RunState, by: str, table: Table, executor: RunExecutor) -> Run:
    """Pause a run, or stop it for good: no batch is begun from now on.

    Raises:
        UnknownRunError: there is none of that id.
        RunStateError, RunConflictError: it cannot go there, or changed meanwhile.
    """
    before = run_of(run_id, table)
    after = before.with_state(state, f"{state} by {by}")
    table.runs.put(after)
    executor.stop(before)
    return after


def resume(run_id: str, most_dollars: float | None, table: Table, results: Results, executor: RunExecutor) -> Run:
    """Let a run go on with the batches that are not done, in another execution.

    A run that is still said to be running lost its execution, or never had one: the same is done for it.

    Raises:
        UnknownRunError: there is none of that id.
        RunStateError, RunConflictError: it is over, or changed meanwhile.
    """
    run = run_of(run_id, table)
    if run.state is RunState.RUNNING:
        executor.stop(run)
        run = run.with_state(RunState.PAUSED)
        table.runs.put(run)
    after = run.with_state(RunState.RUNNING, most_dollars=most_dollars)
    done = {each.number for each in table.runs.done(run_id)}
    write_manifest(after, [each for each in manifest(run, results) if each[0] not in done], results)
    table.runs.put(after)
    executor.start(after, results.bucket)
    return after


def progress(run_id: str, table: Table) -> RunProgress:
    """How far a run is.

    Raises:
        UnknownRunError: there is none of that id.
    """
    run, done = run_of(run_id, table), table.runs.done(run_id)
    return RunProgress(
        run=run,
        batches=len(done),
        answered=sum(each.answered for each in done),
        gone=sum(each.gone for each in done),
        failed=sum(each.failed for each in done),
        dollars=run.dollars(table.runs.spent(run_id)),
        dead=tuple(table.runs.dead(run_id)),
    )


def run_of(run_id: str, table: Table) -> Run:
    """A run.

    Raises:
        UnknownRunError: there is none of that id.
    """
    if (run := table.runs.get(run_id)) is None:
        raise UnknownRunError(f"there is no run {run_id}; `brainscan reprocess list` shows all")
    return run


def new_run_id() -> str:
    """A name that no other run has."""
    return secrets.token_hex(6)
