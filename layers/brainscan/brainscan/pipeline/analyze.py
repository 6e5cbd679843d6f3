"""Queued scans -> findings, images and masks in S3, and one record in the table, each committed once."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from brainscan.domain import BrainscanError, Finding, Outcome, Reason, Scan, ScanRecord
from brainscan.domain.traits import Traits
from brainscan.inference.runtime import Model
from brainscan.pipeline.attempt import ScanResult, commit, needs_analysis, new_attempt, write_images
from brainscan.pipeline.fetch import fetch
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, milliseconds_since, predict
from brainscan.services import WORKERS, Services
from brainscan.store import Results
from brainscan.store.retry import Threads


class UnknownScanError(BrainscanError):
    """A message speaks of a scan that intake never registered."""


def analyze(scans: Sequence[Scan], services: Services, model: Model) -> list[ScanResult]:
    """Fetch, predict and commit scans; a scan whose outcome is final is left as it is.

    Returns:
        One result a scan, in order. A result with an error is to be retried; it never affects its neighbours.

    Raises:
        botocore.exceptions.ClientError: the table cannot be read or written; the whole batch is to be retried.
    """
    unique = {scan.scan_id: scan for scan in scans}
    known = services.table.scans.get_many(list(unique))
    results = {scan_id: _known_result(scan_id, known.get(scan_id)) for scan_id in unique}
    waiting = [record for record in known.values() if results[record.scan_id] is None]
    results |= {result.scan_id: result for result in _analyze_waiting(waiting, services, model)}
    return [result for scan in scans if (result := results[scan.scan_id])]


def _known_result(scan_id: str, known: ScanRecord | None) -> ScanResult | None:
    """The result that needs no work: an unknown scan, or a repeat. A failed scan that comes back is tried again."""
    if known is None:
        return ScanResult(scan_id, error=UnknownScanError(f"scan {scan_id} is not in the table; upload its file again"))
    return None if needs_analysis(known) else ScanResult(scan_id, known, repeat=True)


def _analyze_waiting(waiting: Sequence[ScanRecord], services: Services, model: Model) -> list[ScanResult]:
    with Threads(WORKERS) as pool:
        replaced = services.table.exports.superseded([record.export_id for record in waiting])
        fetched = fetch([record for record in waiting if record.export_id not in replaced], services, pool)
        ready = {scan_id: source for scan_id, source in fetched.items() if isinstance(source, ScanBytes)}
        found = dict(zip(ready, predict(list(ready.values()), model, services.limits), strict=True))
        lost = {scan_id: ScanPrediction(error=each) for scan_id, each in fetched.items() if isinstance(each, Exception)}
        finish = _finishing(found | lost, services, model)
        return list(pool.map(finish, waiting))


def _finishing(
    found: Mapping[str, ScanPrediction], services: Services, model: Model
) -> Callable[[ScanRecord], ScanResult]:
    """What writes and commits a scan's prediction; trouble stays with the scan that has it."""

    def finish(waiting: ScanRecord) -> ScanResult:
        predicted = found.get(waiting.scan_id)
        try:
            if predicted is None:
                return commit(waiting, _superseded(waiting), services)
            if predicted.finding is None:
                return ScanResult(waiting.scan_id, error=predicted.error)
            finding = predicted.finding.flagged(waiting.flags)
            return commit(waiting, _written(waiting, predicted, finding, services.results, model), services)
        except Exception as error:
            return ScanResult(waiting.scan_id, error=error)

    return finish


def _superseded(waiting: ScanRecord) -> ScanRecord:
    finding = Finding(outcome=Outcome.SKIPPED, reasons=(Reason.SUPERSEDED,))
    return ScanRecord.of(waiting, finding, superseded=True, finished_at=datetime.now(UTC))


def _written(
    waiting: ScanRecord, predicted: ScanPrediction, finding: Finding, results: Results, model: Model
) -> ScanRecord:
    """Write image, mask and `result.json` of what was found in a scan; the record to commit, which names them.

    An empty mask is not written: that nothing was measured says the same.
    """
    begin = time.perf_counter()
    attempt = new_attempt()
    images = {"image": predicted.image_png, "mask": predicted.mask_png if finding.tumor else None}
    keys = write_images(waiting.scan_id, attempt, images, results)
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
