"""A batch of stored scans -> what another model says of each, kept beside the answers that stand, each once.

The state machine of infra/reprocess.asl.json calls these; a call that it repeats finds what the one before has done.
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from brainscan.domain import ANSWERED, Outcome, Reason, ScanRecord
from brainscan.domain.base import BrainscanError
from brainscan.domain.reprocess import Batch, BatchDone, ReprocessedScan, Run, RunMode, RunState, Spent
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.inference.runtime import Model
from brainscan.observability import error_fields, logger
from brainscan.pipeline.fetch import fetch
from brainscan.pipeline.predict import ScanBytes, predict
from brainscan.pipeline.shadow import put_findings, shadow_finding_of
from brainscan.services import WORKERS, Services
from brainscan.store import ObjectGoneError, Table
from brainscan.store.retry import Threads
from brainscan.store.table.runs import RunConflictError


class RunNotActiveError(BrainscanError):
    """The run is not running: its batches are left for when it is resumed. The state machine knows this name."""


class BatchFailedError(BrainscanError):
    """Scans of a batch failed and have no answer yet; the state machine tries them again."""


def active_run(run_id: str, table: Table) -> Run:
    """A run that may go on.

    Raises:
        RunNotActiveError: it is paused, stopped or finished, there is no such run, or it has spent what it may.
    """
    run = table.runs.get(run_id)
    if run is None or run.state is not RunState.RUNNING:
        raise RunNotActiveError(f"run {run_id} is {run.state if run else 'unknown'}")
    if run.most_dollars is not None and run.dollars(table.runs.spent(run_id)) >= run.most_dollars:
        pause_run(run, f"it has spent its {run.most_dollars:g} dollars", table)
        raise RunNotActiveError(f"run {run_id} has spent its {run.most_dollars:g} dollars")
    return run


def pause_run(run: Run, why: str, table: Table) -> None:
    """Pause a run, unless somebody changed it meanwhile."""
    try:
        table.runs.put(run.with_state(RunState.PAUSED, why))
    except RunConflictError:
        logger.info("run was changed meanwhile", run_id=run.run_id)


def reprocess_batch(batch: Batch, run: Run, model: Model, services: Services) -> BatchDone:
    """Read scans with a run's model and keep what it says; those that it has answered before are left alone.

    Returns:
        What became of the batch's scans, in this call or before.

    Raises:
        BatchFailedError: it failed on some of them; the others have their answers.
        botocore.exceptions.ClientError: the table or S3 refuses.
    """
    begin = time.perf_counter()
    known = services.table.runs.reprocessed(run.model_id, batch.scan_ids)
    missing = [scan_id for scan_id in dict.fromkeys(batch.scan_ids) if scan_id not in known]
    failed = predict_stored(missing, run, model, services) if missing else []
    spent = Spent(seconds=time.perf_counter() - begin, scans=len(missing))
    services.table.runs.add_spent(run.run_id, spent, batch.number or 0)
    if failed:
        raise BatchFailedError(f"{len(failed)} of {len(batch.scan_ids)} scans failed")
    return close_batch(batch, run, services)


def give_up(batch: Batch, run: Run, services: Services) -> None:
    """Keep that scans failed to the end, as their answer and on the run's list of dead letters.

    Of a run that switches scans, their answers are there, and stay.
    """
    if run.mode is RunMode.SWITCH:
        for scan_id in batch.scan_ids:
            services.table.runs.put_dead(run.run_id, scan_id)
        return
    answers = [_without(each, run, Outcome.FAILED, Reason.RETRIES_EXHAUSTED) for each in batch.scan_ids]
    first = services.table.runs.put_reprocessed(answers)
    for scan_id in (each for each, is_first in zip(batch.scan_ids, first, strict=True) if is_first):
        services.table.runs.put_dead(run.run_id, scan_id)


def close_batch(batch: Batch, run: Run, services: Services) -> BatchDone:
    """Mark a batch whose scans all have their answers as done."""
    outcomes = Counter(each.outcome for each in services.table.runs.reprocessed(run.model_id, batch.scan_ids).values())
    gone, failed = outcomes[Outcome.SKIPPED], outcomes[Outcome.FAILED]
    done = BatchDone(number=batch.number or 0, answered=outcomes.total() - gone - failed, gone=gone, failed=failed)
    if batch.number is not None:
        services.table.runs.put_done(run.run_id, done)
    return done


def finish(run_id: str, execution: int, table: Table) -> Run | None:
    """The end of an execution: the run is finished if all of its batches are done, and else waits to be resumed.

    An execution that was stopped may end after another has taken its place: it says nothing of the run any more.
    """
    run = table.runs.get(run_id)
    if run is None or run.state is not RunState.RUNNING or run.execution != execution:
        return run
    left = run.batches - len(table.runs.done(run_id))
    if left:
        pause_run(run, f"{left} batches could not be done", table)
    else:
        table.runs.put(run.with_state(RunState.FINISHED))
    return table.runs.get(run_id)


def predict_stored(scan_ids: Sequence[str], run: Run, model: Model, services: Services) -> list[str]:
    """Answer scans that the model has not answered; ids of those on which it failed."""
    records = services.table.scans.get_many(scan_ids)
    readable = [record for record in records.values() if record.outcome in ANSWERED and not record.superseded]
    with Threads(WORKERS) as pool:
        fetched = fetch(readable, services, pool)
    sources = {scan_id: each for scan_id, each in fetched.items() if isinstance(each, ScanBytes)}
    predicted = dict(zip(sources, predict(list(sources.values()), model, services.limits), strict=True))
    findings = {
        scan_id: found
        for scan_id, each in predicted.items()
        if (found := shadow_finding_of(records[scan_id], each, model))
    }
    troubles = {scan_id: each for scan_id, each in fetched.items() if isinstance(each, Exception)}
    troubles |= {scan_id: each.error for scan_id, each in predicted.items() if each.error is not None}
    gone = {scan_id for scan_id in scan_ids if isinstance(troubles.get(scan_id), ObjectGoneError)}
    gone |= set(scan_ids) - fetched.keys()  # erased, or replaced by a newer upload, since the run began
    answers = _write_findings(findings, records, run, services)
    services.table.runs.put_reprocessed(
        answers + [_without(each, run, *_why(records.get(each))) for each in sorted(gone)]
    )
    failed = sorted(troubles.keys() - gone)
    for scan_id in failed:
        logger.error("scan failed", run_id=run.run_id, scan_id=scan_id, **error_fields(troubles[scan_id]))
    return failed


def _write_findings(
    findings: Mapping[str, ShadowFinding], records: Mapping[str, ScanRecord], run: Run, services: Services
) -> list[ReprocessedScan]:
    """Write what a model said, an object a day of arrival; the markers that are to name them."""
    days: dict[str, list[ShadowFinding]] = {}
    for scan_id, answer in findings.items():
        days.setdefault(records[scan_id].day, []).append(answer)
    return [
        ReprocessedScan(
            scan_id=answer.scan_id, model_id=run.model_id, run_id=run.run_id, outcome=answer.outcome, key=key
        )
        for day, answers in days.items()
        for key in [put_findings(answers, day, services.results)]
        for answer in answers
    ]


def _why(record: ScanRecord | None) -> tuple[Outcome, Reason]:
    replaced = record is not None and record.superseded
    return Outcome.SKIPPED, Reason.SUPERSEDED if replaced else Reason.OBJECT_GONE


def _without(scan_id: str, run: Run, outcome: Outcome, reason: Reason) -> ReprocessedScan:
    return ReprocessedScan(scan_id=scan_id, model_id=run.model_id, run_id=run.run_id, outcome=outcome, reason=reason)
