"""S3 objects and DynamoDB items: one repository for each, and every access pattern."""

from brainscan.store.bus import Bus
from brainscan.store.lookups import Lookups
from brainscan.store.objects import ObjectGoneError, Results, Uploads, staged_key
from brainscan.store.query import Page
from brainscan.store.queue import PartQueue, ScanQueue
from brainscan.store.reports import Reports
from brainscan.store.table import Scans

__all__ = [
    "Bus",
    "Lookups",
    "ObjectGoneError",
    "Page",
    "PartQueue",
    "Reports",
    "Results",
    "ScanQueue",
    "Scans",
    "Uploads",
    "staged_key",
]
