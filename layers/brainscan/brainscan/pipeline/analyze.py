"""Queued scans -> findings, masks and overlays in S3 and in the table, each committed once."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from brainscan.domain import BrainscanError, Finding, Outcome, Reason, Scan, ScanRecord
from brainscan.inference.runtime import Network
from brainscan.pipeline.examine import Examined, Task, examine, milliseconds_since
from brainscan.services import WORKERS, Services
from brainscan.store.objects import result_key


class UnknownScanError(BrainscanError):
    """A message speaks of a scan that intake never registered."""


@dataclass(frozen=True)
class Answer:
    """What became of one message: the scan's record (its earlier one for a repeat), or the error to retry."""

    scan_id: str
    record: ScanRecord | None = None
    error: Exception | None = None
    repeat: bool = False


def analyze(scans: Sequence[Scan], services: Services, network: Network) -> list[Answer]:
    """Fetch, examine and commit scans; a scan whose outcome is final is left as it is.

    Returns:
        One answer a scan, in order. An answer with an error is to be retried; it never affects its neighbours.

    Raises:
        botocore.exceptions.ClientError: the table cannot be read or written; the whole batch is to be retried.
    """
    unique = {scan.scan_id: scan for scan in scans}
    known = services.scans.get_many(list(unique))
    answers = {scan_id: _standing_answer(scan_id, known.get(scan_id)) for scan_id in unique}
    waiting = [record for record in known.values() if answers[record.scan_id] is None]
    answers |= {answer.scan_id: answer for answer in _analyze_waiting(waiting, services, network)}
    return [answer for scan in scans if (answer := answers[scan.scan_id])]


def give_up(scan: Scan, services: Services) -> ScanRecord | None:
    """Commit the outcome of a scan whose retries are exhausted; its message goes on to the dead-letter queue.

    Returns:
        The failed scan; None if its outcome was final before, or there is no such scan.
    """
    known = services.scans.get(scan.scan_id)
    if known is None or known.outcome != Outcome.QUEUED:
        return None
    finding = Finding(outcome=Outcome.FAILED, reasons=(Reason.RETRIES_EXHAUSTED,))
    record = ScanRecord.of(known, finding, finished_at=datetime.now(UTC))
    services.results.put_record(record)
    return record if services.scans.commit([record], [known.outcome]) == [True] else None


def _standing_answer(scan_id: str, known: ScanRecord | None) -> Answer | None:
    """The answer that needs no work: an unknown scan, or a repeat. A failed scan that comes back is tried again."""
    if known is None:
        return Answer(scan_id, error=UnknownScanError(f"scan {scan_id} is not in the table; upload its file again"))
    if known.outcome in {Outcome.QUEUED, Outcome.FAILED} and not known.superseded:
        return None
    return Answer(scan_id, known, repeat=True)


def _analyze_waiting(waiting: Sequence[ScanRecord], services: Services, network: Network) -> list[Answer]:
    with ThreadPoolExecutor(WORKERS) as pool:
        replaced = services.scans.superseded([record.export_id for record in waiting])
        tasks = _fetch([record for record in waiting if record.export_id not in replaced], services, pool)
        ready = {scan_id: task for scan_id, task in tasks.items() if isinstance(task, Task)}
        found = dict(zip(ready, examine(list(ready.values()), network, services.limits), strict=True))
        lost = {scan_id: Examined(error=task) for scan_id, task in tasks.items() if isinstance(task, Exception)}
        store = _storing(found | lost, services, network)
        answers = list(pool.map(store, waiting))
    stored = {answer.scan_id: answer.record for answer in answers if answer.record}
    before = [record.outcome for record in waiting if record.scan_id in stored]
    services.scans.commit(list(stored.values()), before)
    return answers


def _fetch(waiting: Sequence[ScanRecord], services: Services, pool: ThreadPoolExecutor) -> dict[str, Task | Exception]:
    """The bytes of each scan; files with several frames are read once."""
    keys = list({record.staged_key for record in waiting})
    read = dict(zip(keys, pool.map(lambda key: _caught(services.results.get, key), keys), strict=True))
    tasks: dict[str, Task | Exception] = {}
    for record in waiting:
        data = read[record.staged_key]
        tasks[record.scan_id] = data if isinstance(data, Exception) else Task(data, record.kind, record.source.frame)
    return tasks


def _caught(get: Callable[[str], bytes], key: str) -> bytes | Exception:
    try:
        return get(key)
    except Exception as error:
        return error


def _storing(found: dict[str, Examined], services: Services, network: Network) -> Callable[[ScanRecord], Answer]:
    def store(waiting: ScanRecord) -> Answer:
        examined = found.get(waiting.scan_id)
        if examined is None:
            return Answer(waiting.scan_id, _superseded(waiting))
        if examined.finding is None:
            return Answer(waiting.scan_id, error=examined.error)
        try:
            finding = examined.finding.flagged(waiting.flags)
            return Answer(waiting.scan_id, _store(waiting, examined, finding, services, network))
        except Exception as error:
            return Answer(waiting.scan_id, error=error)

    return store


def _superseded(waiting: ScanRecord) -> ScanRecord:
    finding = Finding(outcome=Outcome.SKIPPED, reasons=(Reason.SUPERSEDED,))
    return ScanRecord.of(waiting, finding, superseded=True, finished_at=datetime.now(UTC))


def _store(
    waiting: ScanRecord, examined: Examined, finding: Finding, services: Services, network: Network
) -> ScanRecord:
    """Write the images and `result.json`; the same scan always writes the same keys."""
    begin = time.perf_counter()
    images = {"image": examined.image_png, "mask": examined.mask_png, "overlay": examined.overlay_png}
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
        rows=examined.rows,
        columns=examined.columns,
        spacing_mm=examined.spacing_mm,
        timings_ms=examined.timings_ms | {"store": stored_ms},
        finished_at=datetime.now(UTC),
        **keys,
    )
    services.results.put_record(record)
    return record
