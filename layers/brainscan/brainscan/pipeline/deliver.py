"""A reported series -> its DICOM objects in the PACS, unless a later report has taken its place or is on its way.

Announcements wait in their queue for a quiet period. Slices that are pushed one by one make a report each; of these,
the PACS gets the last one alone. What became of a report stands in the table, beside it.
"""

from datetime import UTC, datetime

from brainscan.dicom.stow import Pacs
from brainscan.domain import Delivery, DeliveryState, Reason, Report
from brainscan.store import Results, Table

DICOM_SUFFIX = ".dcm"


def deliver(report: Report, table: Table, results: Results, pacs: Pacs) -> int:
    """Send the DICOM objects of a report; a repeat sends the same objects, which a PACS keeps once.

    Returns:
        How many were sent: none for a report without objects, or one that a later revision replaces.

    Raises:
        DeliveryError, ObjectGoneError, botocore.exceptions.ClientError: to be retried.
    """
    if _is_replaced(report, table):
        return 0
    keys = [key for _, key in sorted(report.files.items()) if key.endswith(DICOM_SUFFIX)]
    if keys:
        pacs.store([results.get(key) for key in keys])
    delivered = Delivery(state=DeliveryState.DELIVERED, at=datetime.now(UTC), objects=len(keys))
    table.reports.put_delivery(report.series_id, report.revision, delivered)
    return len(keys)


def give_up(report: Report, table: Table) -> bool:
    """Say that a report could not be delivered, without a look at its objects: they may have ended every process.

    Returns:
        False if it was delivered before, or a later report has taken its place.

    Raises:
        botocore.exceptions.ClientError: to be repeated.
    """
    failed = Delivery(state=DeliveryState.FAILED, at=datetime.now(UTC), reason=Reason.RETRIES_EXHAUSTED)
    return table.reports.put_delivery(report.series_id, report.revision, failed)


def _is_replaced(report: Report, table: Table) -> bool:
    """Whether there is a later report, or will be: slices that came meanwhile are reported once none of them waits.

    A report that is in the table no more is as good as replaced: its patient was erased.
    """
    series = table.series.get(report.series_id)
    if series is not None and (series.remaining or series.revision > report.revision):
        return True
    latest = table.reports.latest(report.series_id)
    return latest is None or latest.revision > report.revision
