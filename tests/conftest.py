"""Fixtures that several rooms of the tests share."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import hypothesis
import pytest
from botocore.config import Config
from moto import mock_aws
from samtranslator.yaml_helper import yaml_parse

import brainscan.observability  # noqa: F401 - its handler takes the standard output of now, not that of one test
from brainscan.domain import Part, Scan
from brainscan.events import parse_part, parse_scan, parse_scan_changes
from brainscan.inference.runtime import Model
from brainscan.pipeline.count import count
from brainscan.services import Services
from brainscan.settings import Limits
from brainscan.store import (
    Bus,
    DeadLetterQueue,
    ObjectVersions,
    PartQueue,
    Queue,
    Results,
    ScanQueue,
    Secrets,
    Table,
    Uploads,
)
from brainscan.store.table import Counts
from brainscan.store.upload import Upload
from brainscan_local import moto_dynamodb
from tests.clients import shared_clients
from tests.making import NOON, PSEUDONYMS

# A busy machine is no defect: the timeout of pytest bounds what a test may take.
hypothesis.settings.register_profile("brainscan", deadline=None, max_examples=50)
hypothesis.settings.load_profile("brainscan")

ROOT = Path(__file__).parent.parent
TABLE = "scans"


LONGEST = (
    *("test_lists.py", "test_studies.py", "test_viewer.py", "test_page.py"),
    *("test_rollout.py", "test_uploading.py", "test_figures.py", "test_main_job.py", "test_loop.py"),
    *("test_canary.py", "test_gateway.py", "test_switch.py", "test_terminology.py", "test_sagemaker.py"),
    *("test_corrections_loop.py", "test_pacs.py", "test_erase.py", "test_validated.py", "test_dead_letters.py"),
    *("test_chaos.py", "test_worklist_scans.py", "test_harness.py", "test_two_workers.py", "test_roles.py"),
)
"""Files that take longest go first, the longest of all first: begun late, one of them would keep a single process busy
at a tier's end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring tests into the order in which processes take their files."""
    place = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))


@pytest.fixture(scope="session")
def network() -> Model:
    """The network that is served."""
    return Model.load(ROOT / "functions/analyze/model")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In-process AWS, and no way to the real one."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    moto_dynamodb.patch()
    # What goes through `requests` is none of ours: moto would make a thousand patterns for it each time.
    monkeypatch.setattr("moto.core.models.RESPONSES_METHODS", [])
    # One session for all tests: to make one reads megabytes of AWS's descriptions again.
    with mock_aws(config={"core": {"reset_boto3_session": False}}), shared_clients(monkeypatch):
        yield


@cache
def table_of_the_template() -> dict[str, Any]:
    """Properties of the table, as the template states them."""
    properties: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["Scans"]["Properties"]
    return properties


@pytest.fixture
def dynamodb(aws: None) -> Any:
    """DynamoDB with the table that the template describes."""
    client = boto3.client("dynamodb")
    properties = table_of_the_template()
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    stream: Any = {"StreamEnabled": True, **properties["StreamSpecification"]}
    client.create_table(TableName=TABLE, StreamSpecification=stream, **{name: properties[name] for name in kept})
    return client


class Stream:
    """The table's stream, of which the counting is done as far as it is followed."""

    def __init__(self, dynamodb: Any, table: Table) -> None:
        arn = dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
        self._client = boto3.client("dynamodbstreams", config=Config(account_id_endpoint_mode="disabled"))
        [shard] = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._shard = shard["ShardId"]
        asked = {"StreamArn": arn, "ShardId": self._shard, "ShardIteratorType": "TRIM_HORIZON"}
        self._iterator = self._client.get_shard_iterator(**asked)["ShardIterator"]
        self._table = table

    def read(self) -> list[Any]:
        """Records of scans since the last reading."""
        answer = self._client.get_records(ShardIterator=self._iterator, Limit=1000)
        self._iterator = answer["NextShardIterator"]
        keys = ((each, each["dynamodb"]["Keys"]) for each in answer["Records"])
        return [each for each, key in keys if key["pk"]["S"].startswith("SCAN#") and key["sk"]["S"] == "META"]

    def count(self, records: list[dict[str, Any]]) -> None:
        """Count records as the function does."""
        shard, changes = parse_scan_changes({"shardId": self._shard, "Records": records})
        count(shard, changes, self._table)

    def follow(self) -> None:
        """Count all that has not been counted yet."""
        while records := self.read():
            self.count(records)


@pytest.fixture
def lagging_table(dynamodb: Any) -> Table:
    """An empty table whose counts stay behind until its stream is followed."""
    return Table.over(dynamodb, TABLE)


@pytest.fixture
def stream(dynamodb: Any, lagging_table: Table) -> Stream:
    """The stream of the empty table."""
    return Stream(dynamodb, lagging_table)


@pytest.fixture
def table(lagging_table: Table, stream: Stream, monkeypatch: pytest.MonkeyPatch) -> Table:
    """An empty table whose stream is followed to its end before anybody asks for counts."""
    read, idle = Counts.of, threading.Lock()

    def of(counts: Counts, partition: str) -> Any:
        if idle.acquire(blocking=False):  # who counts asks, too
            try:
                stream.follow()
            finally:
                idle.release()
        return read(counts, partition)

    monkeypatch.setattr(Counts, "of", of)
    return lagging_table


@dataclass
class World:
    """Services over in-process AWS, and hands to put things in and look at what came out."""

    services: Services
    s3: Any
    sqs: Any
    queue_url: str
    parts_url: str

    def put(self, key: str, data: bytes) -> str:
        """Upload an object; its version."""
        version: str = self.s3.put_object(Bucket="uploads", Key=key, Body=data)["VersionId"]
        return version

    def upload(self, key: str, data: bytes, sequencer: str | None = None) -> Upload:
        """Upload an object and say so as an event would."""
        return Upload("uploads", key, NOON, self.put(key, data), sequencer)

    def queued(self) -> list[Scan]:
        """Take every message from the ScanQueue."""
        return [parse_scan(body) for body in self._bodies(self.queue_url)]

    def parts(self) -> list[Part]:
        """Take every part of an upload that intake left for itself."""
        return [part for body in self._bodies(self.parts_url) if (part := parse_part(body))]

    def _bodies(self, url: str) -> list[str]:
        found = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [message["Body"] for message in messages]
        return found

    def events(self) -> list[dict[str, Any]]:
        """Take every event that went over the bus."""
        url = self.sqs.get_queue_url(QueueName="events")["QueueUrl"]
        found = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def keys(self, prefix: str = "") -> list[str]:
        """What lies in the results bucket."""
        listed = self.s3.list_objects_v2(Bucket="results", Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in listed]


@pytest.fixture
def world(table: Table) -> World:
    """Empty buckets, an empty queue and an empty table."""
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    for bucket in ("uploads", "results"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="uploads", VersioningConfiguration={"Status": "Enabled"})
    url, parts_url = (sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("scans", "parts"))
    services = Services(
        uploads=Uploads(s3),
        results=Results(s3, "results"),
        versions=ObjectVersions(s3),
        table=table,
        queue=ScanQueue(sqs, url),
        retries=ScanQueue(sqs, sqs.create_queue(QueueName="retries")["QueueUrl"]),
        parts=PartQueue(sqs, parts_url),
        given_up_uploads=Queue(sqs, sqs.create_queue(QueueName="given-up-uploads")["QueueUrl"]),
        dead_scans=DeadLetterQueue(sqs, sqs.create_queue(QueueName="dead-scans")["QueueUrl"]),
        dead_uploads=DeadLetterQueue(sqs, sqs.create_queue(QueueName="dead-uploads")["QueueUrl"]),
        dead_reports=DeadLetterQueue(sqs, sqs.create_queue(QueueName="dead-reports")["QueueUrl"]),
        given_up_deliveries=Queue(sqs, sqs.create_queue(QueueName="given-up-deliveries")["QueueUrl"]),
        dead_deliveries=DeadLetterQueue(sqs, sqs.create_queue(QueueName="dead-deliveries")["QueueUrl"]),
        bus=Bus(_watched_bus(sqs), "default", "brainscan"),
        secret=lambda: PSEUDONYMS.secret.decode(),
        secrets=Secrets(lambda: boto3.client("secretsmanager")),
        limits=Limits(),
    )
    return World(services, s3, sqs, url, parts_url)


def _watched_bus(sqs: Any) -> Callable[[], Any]:
    """EventBridge with a rule that copies every event of ours to a queue."""
    url = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events = boto3.client("events")
    events.put_rule(Name="all", EventPattern=json.dumps({"source": ["brainscan"]}))
    events.put_targets(Rule="all", Targets=[{"Id": "queue", "Arn": arn}])
    return lambda: events
