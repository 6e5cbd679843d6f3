"""One attempt at a scan: its files lie under keys of its own, and stand once the table's record names them.

Two attempts may run at the same time, of two deliveries or two models. Each writes all of its files before it commits,
and the table decides: the record of the attempt that won names that attempt's files, nothing ever names those of the
others.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from brainscan.domain import BrainscanError, Outcome, ScanRecord
from brainscan.observability import error_fields, logger
from brainscan.services import Services
from brainscan.store import Results
from brainscan.store.objects import attempt_prefix, result_key, scan_prefix


class ScanChangedError(BrainscanError):
    """The scan changed while it was analyzed, and still waits: it is to be analyzed as it is now."""


@dataclass(frozen=True)
class ScanResult:
    """What became of one message: the scan's record (another's for a repeat), or the error to retry."""

    scan_id: str
    record: ScanRecord | None = None
    error: Exception | None = None
    repeat: bool = False


def needs_analysis(record: ScanRecord) -> bool:
    """Whether a scan is to be analyzed: one that has no outcome, and one that failed and comes back."""
    return record.outcome in {Outcome.QUEUED, Outcome.FAILED} and not record.superseded


def new_attempt() -> str:
    """A name that no other attempt has."""
    return secrets.token_hex(8)


def write_images(scan_id: str, attempt: str, images: Mapping[str, bytes | None], results: Results) -> dict[str, str]:
    """Write the images of an attempt that are there, PNG each by its name; their keys, as fields of the record."""
    return {
        f"{name}_key": results.put(result_key(scan_id, attempt, f"{name}.png"), png, "image/png")
        for name, png in images.items()
        if png is not None
    }


def commit(waiting: ScanRecord, written: ScanRecord, services: Services) -> ScanResult:
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
    if current is None or needs_analysis(current):
        return ScanResult(scan_id, error=ScanChangedError(f"scan {scan_id} changed while it was analyzed"))
    return ScanResult(scan_id, current, repeat=True)


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
        logger.warning("files of an attempt stay, named by nothing", extra={"files": len(keys), **error_fields(error)})
