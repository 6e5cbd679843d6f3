"""A reported series -> its DICOM objects in the PACS, unless a later report has taken its place."""

from brainscan.dicom.stow import Pacs
from brainscan.domain import Report
from brainscan.store import Results, Table

DICOM_SUFFIX = ".dcm"


def deliver(report: Report, table: Table, results: Results, pacs: Pacs) -> int:
    """Send the DICOM objects of a report; a repeat sends the same objects, which a PACS keeps once.

    Returns:
        How many were sent: none for a report without objects, or one that a later revision replaced.

    Raises:
        DeliveryError, ObjectGoneError, botocore.exceptions.ClientError: to be retried.
    """
    latest = table.reports.latest(report.series_id)
    if latest is not None and latest.revision > report.revision:
        return 0
    keys = [key for _, key in sorted(report.files.items()) if key.endswith(DICOM_SUFFIX)]
    if keys:
        pacs.store([results.get(key) for key in keys])
    return len(keys)
