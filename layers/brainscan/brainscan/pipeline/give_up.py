"""A scan whose retries are over -> `failed`, without a look at its bytes: they may have ended every process before."""

from datetime import UTC, datetime

from brainscan.domain import Finding, Outcome, Reason, Scan, ScanRecord
from brainscan.pipeline.attempt import commit, new_attempt
from brainscan.services import Services


def give_up(scan: Scan, services: Services) -> ScanRecord | None:
    """Commit that a scan failed; one that comes back after that is analyzed again.

    Returns:
        The failed scan; None if its outcome was final before, or there is no such scan.

    Raises:
        ScanChangedError, botocore.exceptions.ClientError: to be repeated.
    """
    known = services.table.scans.get(scan.scan_id)
    if known is None or known.outcome is not Outcome.QUEUED:
        return None
    finding = Finding(outcome=Outcome.FAILED, reasons=(Reason.RETRIES_EXHAUSTED,))
    failed = ScanRecord.of(known, finding, finished_at=datetime.now(UTC))
    result = commit(known, services.results.put_record(failed, new_attempt()), services)
    if result.error is not None:
        raise result.error
    return None if result.repeat else result.record
