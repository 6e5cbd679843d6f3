"""Queued scans -> findings, masks and overlays in S3, and one record in the table, each committed once."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime

from brainscan.domain import BrainscanError, Finding, Outcome, Reason, Scan, ScanRecord
from brainscan.inference.runtime import Model
from brainscan.pipeline.attempt import discard_attempt, discard_other_attempts, write_attempt, write_failure
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.services import WORKERS, Services
from brainscan.store.retry import Threads


class UnknownScanError(BrainscanError):
    """A message speaks of a scan that intake never registered."""


class ScanChangedError(BrainscanError):
    """The scan changed while it was analyzed, and still waits: it is to be analyzed as it is now."""


@dataclass(frozen=True)
class ScanResult:
    """What became of one message: the scan's record (another's for a repeat), or the error to retry."""

    scan_id: str
    record: ScanRecord | None = None
    error: Exception | None = None
    repeat: bool = False


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


def give_up(scan: Scan, services: Services) -> ScanRecord | None:
    """Commit the outcome of a scan whose retries are exhausted; its message goes on to the dead-letter queue.

    Returns:
        The failed scan; None if its outcome was final before, or there is no such scan.
    """
    known = services.table.scans.get(scan.scan_id)
    if known is None or known.outcome != Outcome.QUEUED:
        return None
    result = _commit(known, write_failure(known, services.results), services)
    return None if result.repeat else result.record


def _known_result(scan_id: str, known: ScanRecord | None) -> ScanResult | None:
    """The result that needs no work: an unknown scan, or a repeat. A failed scan that comes back is tried again."""
    if known is None:
        return ScanResult(scan_id, error=UnknownScanError(f"scan {scan_id} is not in the table; upload its file again"))
    return None if _waits(known) else ScanResult(scan_id, known, repeat=True)


def _waits(record: ScanRecord) -> bool:
    return record.outcome in {Outcome.QUEUED, Outcome.FAILED} and not record.superseded


def _analyze_waiting(waiting: Sequence[ScanRecord], services: Services, model: Model) -> list[ScanResult]:
    with Threads(WORKERS) as pool:
        replaced = services.table.exports.superseded([record.export_id for record in waiting])
        fetched = _fetch([record for record in waiting if record.export_id not in replaced], services, pool)
        ready = {scan_id: source for scan_id, source in fetched.items() if isinstance(source, ScanBytes)}
        found = dict(zip(ready, predict(list(ready.values()), model, services.limits), strict=True))
        lost = {scan_id: ScanPrediction(error=each) for scan_id, each in fetched.items() if isinstance(each, Exception)}
        finish = _finishing(found | lost, services, model)
        return list(pool.map(finish, waiting))


def _fetch(waiting: Sequence[ScanRecord], services: Services, pool: Executor) -> dict[str, ScanBytes | Exception]:
    """The bytes of each scan; files with several frames are read once."""
    keys = list(dict.fromkeys(record.staged_key for record in waiting))
    read = dict(zip(keys, pool.map(lambda key: _caught(services.results.get, key), keys), strict=True))
    fetched: dict[str, ScanBytes | Exception] = {}
    for record in waiting:
        data = read[record.staged_key]
        found = data if isinstance(data, Exception) else ScanBytes.of(data, record)
        fetched[record.scan_id] = found
    return fetched


def _caught(get: Callable[[str], bytes], key: str) -> bytes | Exception:
    try:
        return get(key)
    except Exception as error:
        return error


def _finishing(
    found: Mapping[str, ScanPrediction], services: Services, model: Model
) -> Callable[[ScanRecord], ScanResult]:
    """What writes and commits a scan's prediction; trouble stays with the scan that has it."""

    def finish(waiting: ScanRecord) -> ScanResult:
        predicted = found.get(waiting.scan_id)
        try:
            if predicted is None:
                return _commit(waiting, _superseded(waiting), services)
            if predicted.finding is None:
                return ScanResult(waiting.scan_id, error=predicted.error)
            finding = predicted.finding.flagged(waiting.flags)
            return _commit(waiting, write_attempt(waiting, predicted, finding, services.results, model), services)
        except Exception as error:
            return ScanResult(waiting.scan_id, error=error)

    return finish


def _superseded(waiting: ScanRecord) -> ScanRecord:
    finding = Finding(outcome=Outcome.SKIPPED, reasons=(Reason.SUPERSEDED,))
    return ScanRecord.of(waiting, finding, superseded=True, finished_at=datetime.now(UTC))


def _commit(waiting: ScanRecord, written: ScanRecord, services: Services) -> ScanResult:
    """Commit what an attempt wrote; of an attempt that lost, delete the files, and answer with the record that won."""
    scan_id = waiting.scan_id
    if services.table.scans.commit([written], [waiting.outcome]) == [True]:
        if waiting.outcome is Outcome.FAILED:
            discard_other_attempts(written, services.results)
        return ScanResult(scan_id, written)
    current = services.table.scans.get(scan_id)
    if current is not None and current.result_key is not None and current.result_key == written.result_key:
        return ScanResult(scan_id, current)  # it was written, and the answer was lost on its way
    discard_attempt(written, services.results)
    if current is None or _waits(current):
        return ScanResult(scan_id, error=ScanChangedError(f"scan {scan_id} changed while it was analyzed"))
    return ScanResult(scan_id, current, repeat=True)
