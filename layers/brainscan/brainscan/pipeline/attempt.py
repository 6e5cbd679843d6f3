"""One attempt at a scan: its files lie under keys of its own, and stand once the table's record names them.

Two attempts may run at the same time, of two deliveries or two models. Each writes all of its files before it commits,
and the table decides: the record of the attempt that won names that attempt's files, nothing ever names those of the
others.
"""

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from brainscan.domain import Finding, Outcome, Reason, ScanRecord
from brainscan.domain.traits import Traits
from brainscan.inference.runtime import Model
from brainscan.observability import describe, logger
from brainscan.pipeline.predict import ScanPrediction, milliseconds_since
from brainscan.store import Results
from brainscan.store.objects import attempt_prefix, result_key, scan_prefix


def new_attempt() -> str:
    """A name that no other attempt has."""
    return secrets.token_hex(8)


def write_attempt(
    waiting: ScanRecord, predicted: ScanPrediction, finding: Finding, results: Results, model: Model
) -> ScanRecord:
    """Write images and `result.json` of what was found in a scan; the record to commit, which names them."""
    begin = time.perf_counter()
    attempt = new_attempt()
    images = {"image": predicted.image_png, "mask": predicted.mask_png, "overlay": predicted.overlay_png}
    keys = {
        f"{name}_key": results.put(result_key(waiting.scan_id, attempt, f"{name}.png"), png, "image/png")
        for name, png in images.items()
        if png is not None
    }
    traits = (waiting.traits or Traits()).measured(predicted.intensity, predicted.scope_distance)
    record = ScanRecord.of(
        waiting.model_copy(update={"traits": traits}),
        finding,
        model_id=model.manifest.model_id,
        rows=predicted.rows,
        columns=predicted.columns,
        spacing_mm=predicted.spacing_mm,
        timings_ms=predicted.timings_ms | {"store": milliseconds_since(begin)},
        finished_at=datetime.now(UTC),
        **keys,
    )
    return results.put_record(record, attempt)


def write_failure(waiting: ScanRecord, results: Results) -> ScanRecord:
    """Write the `result.json` of a scan whose retries are exhausted; the record to commit, which names it."""
    finding = Finding(outcome=Outcome.FAILED, reasons=(Reason.RETRIES_EXHAUSTED,))
    return results.put_record(ScanRecord.of(waiting, finding, finished_at=datetime.now(UTC)), new_attempt())


def discard_attempt(record: ScanRecord, results: Results) -> None:
    """Delete the files of an attempt that lost, as far as that succeeds: nothing names them."""
    if record.result_key is not None:
        _delete(results.keys(attempt_prefix(record.result_key)), results)


def discard_other_attempts(record: ScanRecord, results: Results) -> None:
    """Delete what earlier attempts at a scan left, those that broke off included, as far as that succeeds."""
    if record.result_key is not None:
        mine = attempt_prefix(record.result_key)
        _delete([key for key in results.keys(scan_prefix(record.scan_id)) if not key.startswith(mine)], results)


def _delete(keys: Sequence[str], results: Results) -> None:
    try:
        results.delete(keys)
    except Exception as error:
        logger.warning("files of an attempt stay, named by nothing", extra={"files": len(keys), **describe(error)})
