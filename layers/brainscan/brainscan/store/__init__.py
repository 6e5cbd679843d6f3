"""What is kept: objects in S3, messages in SQS, items in the single DynamoDB table."""

from brainscan.store.bus import Bus
from brainscan.store.multipart import Inbox
from brainscan.store.object_errors import ObjectGoneError
from brainscan.store.object_versions import ObjectVersions
from brainscan.store.objects import Results, staged_key
from brainscan.store.queues import DeadLetterQueue, PartQueue, Queue, ScanQueue
from brainscan.store.secrets import Secrets
from brainscan.store.table import Table
from brainscan.store.table.query import Page
from brainscan.store.uploaded_objects import Uploads

__all__ = [
    "Bus",
    "DeadLetterQueue",
    "Inbox",
    "ObjectGoneError",
    "ObjectVersions",
    "Page",
    "PartQueue",
    "Queue",
    "Results",
    "ScanQueue",
    "Secrets",
    "Table",
    "Uploads",
    "staged_key",
]
