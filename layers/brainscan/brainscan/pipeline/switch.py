"""Stored scans of a batch -> the answers of the model that is served, in place of those that stood.

A series is switched whole, or stays as it is: while some of its slices are switched and some are not, it is not
reported. What the model that is left said stays beside its scan, so that going back is the same pass again.
"""

import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from brainscan.domain import ANSWERED, BrainscanError, Finding, Outcome, Review, ScanRecord
from brainscan.domain.reprocess import Batch, BatchDone, ReprocessedScan, Run, Spent
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.domain.traits import Traits
from brainscan.inference.runtime import Model
from brainscan.observability import error_fields, logger
from brainscan.pipeline.attempt import new_attempt, write_images
from brainscan.pipeline.reader_masks import dice_with_network
from brainscan.pipeline.reprocess import BatchFailedError, RunNotActiveError, pause_run, predict_stored
from brainscan.services import WORKERS, Services
from brainscan.store import ObjectGoneError, Results, Table
from brainscan.store.retry import Threads

MOST_ROUNDS = 5
"""How often a series is looked at anew because slices of it changed meanwhile, before the state machine tries again."""

StoredFinding = ShadowFinding | ScanRecord
"""What a model said: beside the answers that stood, or as one of them."""


class ScanWaitsError(BrainscanError):
    """A slice of the series waits for its answer, and which model gives it may be settled already; try again."""


def refuse_unserved(run: Run, shipped_id: str, table: Table) -> None:
    """Only to the model that is served are stored scans switched.

    Args:
        run: that switches.
        shipped_id: the model that the image carries, which answers while no other is served.
        table: what says which.

    Raises:
        RunNotActiveError: another is served by now; the run is paused.
    """
    if (table.models.rollout().served or shipped_id) != run.model_id:
        pause_run(run, "another model is served", table)
        raise RunNotActiveError(f"run {run.run_id} switches to a model that is not served")


def switch_batch(batch: Batch, run: Run, model: Callable[[], Model], services: Services) -> BatchDone:
    """Switch scans to what a run's model says of them, and with each the whole series that it is of.

    Args:
        batch: ids of scans.
        run: whose model is served.
        model: it, for scans that it has not answered yet.
        services: the stores.

    Returns:
        How many of the batch's scans the model answers now, in this call or before; and, as gone, how many stay as they
        were, since the model has no answer to them or to a slice of their series.

    Raises:
        BatchFailedError: some could not be switched; the others are.
        botocore.exceptions.ClientError: the table refuses.
    """
    begin = time.perf_counter()
    dead = set(services.table.runs.dead(run.run_id))
    found = services.table.scans.get_many(batch.scan_ids)
    units: dict[str, list[ScanRecord]] = {}
    for record in found.values():
        units.setdefault(record.series_id or record.scan_id, []).append(record)
    tally = Counter(gone=len(set(batch.scan_ids) - found.keys()))
    for unit, records in units.items():
        try:
            tally[_switch_series(records, dead, run, model, services)] += len(records)
        except Exception as error:
            logger.error("series is not switched", run_id=run.run_id, unit=unit, **error_fields(error))
            tally["left"] += len(records)
    spent = Spent(seconds=time.perf_counter() - begin, scans=len(found))
    services.table.runs.add_spent(run.run_id, spent, batch.number or 0)
    if left := tally.pop("left", 0):
        raise BatchFailedError(f"{left} of {len(batch.scan_ids)} scans are not switched")
    done = BatchDone(number=batch.number or 0, **tally)
    if batch.number is not None:
        services.table.runs.put_done(run.run_id, done)
    return done


def _switch_series(
    records: Sequence[ScanRecord], dead: Collection[str], run: Run, model: Callable[[], Model], services: Services
) -> str:
    """What becomes of a series' scans in a batch, as a field of `BatchDone`; one of which was given up stays."""
    if any(record.scan_id in dead for record in records):
        return "failed"
    return "answered" if _switched(records[0], run, model, services) else "gone"


def _switched(scan: ScanRecord, run: Run, model: Callable[[], Model], services: Services) -> bool:
    """Whether a scan, and its series, is the model's now; False if it stays whole as it was."""
    for _ in range(MOST_ROUNDS):
        records = _as_now(scan, services.table)
        if any(record.outcome is Outcome.QUEUED for record in records):
            raise ScanWaitsError("a slice waits for its answer")
        left = [record for record in records if record.outcome in ANSWERED and record.model_id != run.model_id]
        if not left:
            return True
        stored = _stored_findings(left, run, model, services)
        ids = [record.scan_id for record in left]
        if stored.keys() != set(ids):
            return False
        if scan.series_id:  # first: what arrives from now on is the model's
            replaced = {str(record.model_id) for record in left}
            services.table.models.switch_series(scan.series_id, run.model_id, replaced)
        with Threads(WORKERS) as pool:
            list(pool.map(partial(_exchange, run=run, services=services), left, map(stored.__getitem__, ids)))
    raise ScanWaitsError("slices change faster than they are switched")


def _as_now(scan: ScanRecord, table: Table) -> list[ScanRecord]:
    """The scan, or all slices of its series; none once it was replaced."""
    if scan.series_id:
        return table.series.slices_now(scan.series_id)
    return [record for record in table.scans.get_many([scan.scan_id]).values() if not record.superseded]


def _stored_findings(
    left: Sequence[ScanRecord], run: Run, model: Callable[[], Model], services: Services
) -> dict[str, StoredFinding]:
    """What the model says of scans, by id; of those that it has not answered, it is asked. Without those it cannot."""
    scan_ids = [record.scan_id for record in left]
    known = services.table.runs.reprocessed(run.model_id, scan_ids)
    missing = [scan_id for scan_id in scan_ids if scan_id not in known]
    if missing:
        if predict_stored(missing, run, model(), services):
            raise BatchFailedError("the model failed on slices that it had not answered")
        known = services.table.runs.reprocessed(run.model_id, scan_ids)
    keys = list(dict.fromkeys(answer.key for answer in known.values() if answer.key))
    with Threads(WORKERS) as pool:
        lines = [line for found in pool.map(lambda key: _lines(key, services.results), keys) for line in found]
    return {line.scan_id: line for line in lines if line.scan_id in known}


def _lines(key: str, results: Results) -> list[StoredFinding]:
    """What an object holds: findings of a shadow model, a line each, or a scan's `result.json`."""
    try:
        body = results.get(key)
    except ObjectGoneError:
        return []
    if key.endswith(".jsonl"):
        return [ShadowFinding.model_validate_json(line) for line in body.splitlines()]
    return [ScanRecord.model_validate_json(body)]


def _exchange(before: ScanRecord, stored: StoredFinding, run: Run, services: Services) -> None:
    """Put an answer in place of the one that stands, and keep where both lie, unless the scan changed since."""
    runs = services.table.runs
    after = stored
    if isinstance(after, ShadowFinding):
        after = _written(before, after, services.results)
        runs.update_reprocessed(_answer(after, run))  # now: what breaks off from here on goes on with these files
    runs.put_reprocessed([_answer(before, run)])
    services.table.scans.exchange(before, _with_reviews(before, after, services.results))


def _answer(record: ScanRecord, run: Run) -> ReprocessedScan:
    return ReprocessedScan(
        scan_id=record.scan_id,
        model_id=str(record.model_id),
        run_id=run.run_id,
        outcome=record.outcome,
        key=record.result_key,
    )


def _written(before: ScanRecord, stored: ShadowFinding, results: Results) -> ScanRecord:
    """Write mask and `result.json` of what a model said beside the answer that stood; the image is the scan's own."""
    attempt = new_attempt()
    mask = b64decode(stored.mask) if stored.mask and stored.tumor else None
    known: dict[str, Any] = {
        name: getattr(before, name) for name in ("rows", "columns", "spacing_mm", "image_key")
    } | write_images(before.scan_id, attempt, {"mask": mask}, results)
    record = ScanRecord.of(
        before.model_copy(
            update={"traits": (before.traits or Traits()).measured(stored.intensity, stored.scope_distance)}
        ),
        Finding(**stored.model_dump(include=set(Finding.model_fields))).flagged(before.flags),
        model_id=stored.model_id,
        timings_ms=stored.timings_ms,
        finished_at=datetime.now(UTC),
        **known,
    )
    return results.put_record(record, attempt)


def _with_reviews(before: ScanRecord, after: ScanRecord, results: Results) -> ScanRecord:
    """The new answer with what readers said of the scan; the masks that they drew are compared with its own."""

    def compared(review: Review | None) -> Review | None:
        if review is None or review.drawn_key is None:
            return review
        overlap = dice_with_network(results.get(review.drawn_key), after.mask_key, results)
        return review.model_copy(update={"dice": overlap})

    judged: Mapping[str, Any] = before.restated_for(after.predicted)
    judged_open = after.needs_review and (before.review is None or before.review.is_withdrawn)
    return after.model_copy(
        update={
            **judged,
            "review": compared(judged["review"]),
            "others": tuple(map(compared, judged["others"])),
            "needs_review": judged_open,
        }
    )
