"""Queued scans -> findings, masks and overlays in S3 and in the table, each committed once."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from brainscan.domain import BrainscanError, Finding, Outcome, Reason, Scan, ScanRecord
from brainscan.inference.runtime import Network
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, milliseconds_since, predict
from brainscan.services import WORKERS, Services
from brainscan.store.objects import result_key


class UnknownScanError(BrainscanError):
    """A message speaks of a scan that intake never registered."""


@dataclass(frozen=True)
class ScanResult:
    """What became of one message: the scan's record (its earlier one for a repeat), or the error to retry."""

    scan_id: str
    record: ScanRecord | None = None
    error: Exception | None = None
    repeat: bool = False


def analyze(scans: Sequence[Scan], services: Services, network: Network) -> list[ScanResult]:
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
    results |= {result.scan_id: result for result in _analyze_waiting(waiting, services, network)}
    return [result for scan in scans if (result := results[scan.scan_id])]


def give_up(scan: Scan, services: Services) -> ScanRecord | None:
    """Commit the outcome of a scan whose retries are exhausted; its message goes on to the dead-letter queue.

    Returns:
        The failed scan; None if its outcome was final before, or there is no such scan.
    """
    known = services.table.scans.get(scan.scan_id)
    if known is None or known.outcome != Outcome.QUEUED:
        return None
    finding = Finding(outcome=Outcome.FAILED, reasons=(Reason.RETRIES_EXHAUSTED,))
    record = ScanRecord.of(known, finding, finished_at=datetime.now(UTC))
    services.results.put_record(record)
    return record if services.table.scans.commit([record], [known.outcome]) == [True] else None


def _known_result(scan_id: str, known: ScanRecord | None) -> ScanResult | None:
    """The result that needs no work: an unknown scan, or a repeat. A failed scan that comes back is tried again."""
    if known is None:
        return ScanResult(scan_id, error=UnknownScanError(f"scan {scan_id} is not in the table; upload its file again"))
    if known.outcome in {Outcome.QUEUED, Outcome.FAILED} and not known.superseded:
        return None
    return ScanResult(scan_id, known, repeat=True)


def _analyze_waiting(waiting: Sequence[ScanRecord], services: Services, network: Network) -> list[ScanResult]:
    with ThreadPoolExecutor(WORKERS) as pool:
        replaced = services.table.exports.superseded([record.export_id for record in waiting])
        fetched = _fetch([record for record in waiting if record.export_id not in replaced], services, pool)
        ready = {scan_id: source for scan_id, source in fetched.items() if isinstance(source, ScanBytes)}
        found = dict(zip(ready, predict(list(ready.values()), network, services.limits), strict=True))
        lost = {
            scan_id: ScanPrediction(error=source)
            for scan_id, source in fetched.items()
            if isinstance(source, Exception)
        }
        store = _storing(found | lost, services, network)
        results = list(pool.map(store, waiting))
    stored = {result.scan_id: result.record for result in results if result.record}
    before = [record.outcome for record in waiting if record.scan_id in stored]
    services.table.scans.commit(list(stored.values()), before)
    return results


def _fetch(
    waiting: Sequence[ScanRecord], services: Services, pool: ThreadPoolExecutor
) -> dict[str, ScanBytes | Exception]:
    """The bytes of each scan; files with several frames are read once."""
    keys = list({record.staged_key for record in waiting})
    read = dict(zip(keys, pool.map(lambda key: _caught(services.results.get, key), keys), strict=True))
    fetched: dict[str, ScanBytes | Exception] = {}
    for record in waiting:
        data = read[record.staged_key]
        fetched[record.scan_id] = (
            data if isinstance(data, Exception) else ScanBytes(data, record.kind, record.source.frame)
        )
    return fetched


def _caught(get: Callable[[str], bytes], key: str) -> bytes | Exception:
    try:
        return get(key)
    except Exception as error:
        return error


def _storing(
    found: dict[str, ScanPrediction], services: Services, network: Network
) -> Callable[[ScanRecord], ScanResult]:
    def store(waiting: ScanRecord) -> ScanResult:
        predicted = found.get(waiting.scan_id)
        if predicted is None:
            return ScanResult(waiting.scan_id, _superseded(waiting))
        if predicted.finding is None:
            return ScanResult(waiting.scan_id, error=predicted.error)
        try:
            finding = predicted.finding.flagged(waiting.flags)
            return ScanResult(waiting.scan_id, _store(waiting, predicted, finding, services, network))
        except Exception as error:
            return ScanResult(waiting.scan_id, error=error)

    return store


def _superseded(waiting: ScanRecord) -> ScanRecord:
    finding = Finding(outcome=Outcome.SKIPPED, reasons=(Reason.SUPERSEDED,))
    return ScanRecord.of(waiting, finding, superseded=True, finished_at=datetime.now(UTC))


def _store(
    waiting: ScanRecord, predicted: ScanPrediction, finding: Finding, services: Services, network: Network
) -> ScanRecord:
    """Write the images and `result.json`; the same scan always writes the same keys."""
    begin = time.perf_counter()
    images = {"image": predicted.image_png, "mask": predicted.mask_png, "overlay": predicted.overlay_png}
    keys = {
        f"{name}_key": services.results.put(result_key(waiting.scan_id, f"{name}.png"), png, "image/png")
        for name, png in images.items()
        if png is not None
    }
    stored_ms = milliseconds_since(begin)
    record = ScanRecord.of(
        waiting,
        finding,
        model_id=network.manifest.model_id,
        rows=predicted.rows,
        columns=predicted.columns,
        spacing_mm=predicted.spacing_mm,
        timings_ms=predicted.timings_ms | {"store": stored_ms},
        finished_at=datetime.now(UTC),
        **keys,
    )
    services.results.put_record(record)
    return record
