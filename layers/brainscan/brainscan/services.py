"""What the use cases work with: the stores, the queue and the pseudonyms, made once a process from its settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

from brainscan.identity import Keyring, Pseudonyms
from brainscan.settings import Limits, Settings, limits, settings
from brainscan.store import (
    Bus,
    DeadLetterQueue,
    Inbox,
    ObjectVersions,
    PartQueue,
    Queue,
    Results,
    ScanQueue,
    Secrets,
    Table,
    Uploads,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

WORKERS = 16
"""Threads that talk to S3 at once; its latency, not this machine, bounds small objects."""

CLIENT = Config(
    max_pool_connections=WORKERS,
    connect_timeout=5,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 2},
)
"""An answer that is lost on its way costs ten seconds, and is asked for again by `store/retry.py`."""

SECRET_AGE_S = 3600
"""How long a process goes on with the pseudonym secret that it read: a rotation is known everywhere after that."""


class ReportStore(Protocol):
    """Where a report's sources are read from, and its files written to: the results bucket, or a folder."""

    def get(self, key: str) -> bytes:
        """Read one object whole; `ObjectGoneError` if there is none."""

    def put(self, key: str, data: bytes, content_type: str) -> str:
        """Write one object; its key."""


class ReportServices(Protocol):
    """What the report of a series needs of its surroundings."""

    @property
    def results(self) -> ReportStore:
        """Where its sources and files lie."""

    @property
    def pseudonyms(self) -> Pseudonyms:
        """What UIDs of its objects follow from."""

    @property
    def limits(self) -> Limits:
        """How large a source may be."""


@dataclass(frozen=True)
class Services:
    """Everything that a use case needs of its surroundings."""

    uploads: Uploads
    results: Results
    versions: ObjectVersions
    table: Table
    queue: ScanQueue
    retries: ScanQueue
    parts: PartQueue
    given_up_uploads: Queue
    dead_scans: DeadLetterQueue
    dead_uploads: DeadLetterQueue
    dead_reports: DeadLetterQueue
    given_up_deliveries: Queue
    dead_deliveries: DeadLetterQueue
    bus: Bus
    secret: Callable[[], str]
    secrets: Secrets
    limits: Limits
    sites: tuple[str, ...] = ()

    @property
    def keyring(self) -> Keyring:
        """Read when asked for: who has no need of the secret needs no right to it, and a process sees a rotation."""
        return _keyring(self.secret())

    @property
    def pseudonyms(self) -> Pseudonyms:
        """What UIDs of reports follow from, whatever version named the series."""
        return self.keyring.oldest


@cache
def services() -> Services:
    """The process's services, from its environment."""
    return services_of(settings(), limits(), _client)


def services_of(configured: Settings, limits: Limits, client: Callable[[str], Any]) -> Services:
    """Services over clients that the caller makes, by a service's name."""
    s3, sqs = client("s3"), client("sqs")
    secrets = Secrets(partial(client, "secretsmanager"))
    return Services(
        uploads=Uploads(s3),
        results=Results(s3, configured.results_bucket),
        versions=ObjectVersions(s3),
        table=Table.over(client("dynamodb"), configured.table_name, configured.retention_days),
        bus=Bus(partial(client, "events"), configured.event_bus, configured.event_source),
        queue=ScanQueue(sqs, configured.scan_queue_url),
        retries=ScanQueue(sqs, configured.retry_queue_url),
        parts=PartQueue(sqs, configured.upload_queue_url),
        given_up_uploads=Queue(sqs, configured.upload_give_up_queue_url),
        dead_scans=DeadLetterQueue(sqs, configured.scan_dlq_url),
        dead_uploads=DeadLetterQueue(sqs, configured.upload_dlq_url),
        dead_reports=DeadLetterQueue(sqs, configured.report_dlq_url),
        given_up_deliveries=Queue(sqs, configured.delivery_give_up_queue_url),
        dead_deliveries=DeadLetterQueue(sqs, configured.delivery_dlq_url),
        secret=partial(_secret, configured, secrets),
        secrets=secrets,
        limits=limits,
        sites=configured.named_sites,
    )


def table(configured: Settings) -> Table:
    """The table alone, for those who only ask."""
    return Table.over(_client("dynamodb"), configured.table_name, configured.retention_days)


def results(configured: Settings) -> Results:
    """The results bucket alone.

    Its links are signed in the one way that every region takes, and lead to the bucket's own region: the global name
    redirects for hours after a bucket is made, and leads nowhere from behind a VPC endpoint.
    """
    return Results(_linking_s3(), configured.results_bucket)


def inbox(configured: Settings) -> Inbox | None:
    """Where the page sends files; None where it takes none. Its links are signed as those of `results` are."""
    return Inbox(_linking_s3(), configured.uploads_bucket) if configured.uploads_bucket else None


def _linking_s3() -> "S3Client":
    regional = Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
    return boto3.client("s3", config=CLIENT.merge(Config(signature_version="s3v4")).merge(regional))


def _client(name: str) -> Any:
    return boto3.client(name, config=CLIENT)  # type: ignore[call-overload]


_keyring = lru_cache(maxsize=2)(Keyring.parse)


def _secret(configured: Settings, secrets: Secrets) -> str:
    if configured.pseudonym_secret is not None:
        return configured.pseudonym_secret.get_secret_value()
    return secrets.text(configured.pseudonym_secret_arn, SECRET_AGE_S)
