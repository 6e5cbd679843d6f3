"""Messages that were given up can be looked at without a trace, and sent back without a loss."""

import json
from collections.abc import Iterator
from typing import Any, Literal

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.store import dead_letters
from brainscan.store.dead_letters import DeadLetters
from brainscan.store.queues import message
from tests.making import a_record, s3_event

QUEUES = ("UploadQueue", "UploadDLQ", "ScanQueue", "ScanDLQ", "DeliveryQueue", "DeliveryDLQ")
TEMPLATE = {
    "Resources": {name: {"Type": "AWS::SQS::Queue"} for name in QUEUES},
    "Outputs": {f"{name}Url": {"Value": {"Ref": name}} for name in QUEUES},
}


@pytest.fixture
def urls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Queues of a stack called `brainscan`, by their outputs' names."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    with mock_aws():
        client = boto3.client("cloudformation")
        client.create_stack(StackName="brainscan", TemplateBody=json.dumps(TEMPLATE))
        [stack] = client.describe_stacks(StackName="brainscan")["Stacks"]
        yield {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def send(url: str, *bodies: str) -> None:
    for body in bodies:
        boto3.client("sqs").send_message(QueueUrl=url, MessageBody=body)


def depth(url: str) -> int:
    name: Literal["ApproximateNumberOfMessages"] = "ApproximateNumberOfMessages"
    found = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    return int(found["Attributes"][name])


def dlq(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["dlq", *arguments])


def test_looking_changes_nothing(urls: Any) -> None:
    send(urls["ScanDLQUrl"], *(message(a_record(number)) for number in range(12)))
    letters = DeadLetters(boto3.client("sqs"), urls["ScanDLQUrl"], urls["ScanQueueUrl"])
    assert len(letters.letters()) == 12
    assert len(letters.letters()) == 12
    assert depth(urls["ScanDLQUrl"]) == 12


def test_a_redrive_sends_the_named_messages_and_leaves_the_others(urls: Any) -> None:
    send(urls["ScanDLQUrl"], "one", "two", "three")
    letters = DeadLetters(boto3.client("sqs"), urls["ScanDLQUrl"], urls["ScanQueueUrl"])
    [two] = [letter.message_id for letter in letters.letters() if letter.body == "two"]
    assert letters.redrive([two]) == [two]
    [moved] = boto3.client("sqs").receive_message(QueueUrl=urls["ScanQueueUrl"])["Messages"]
    assert moved["Body"] == "two"
    assert sorted(letter.body for letter in letters.letters()) == ["one", "three"]


def test_a_redrive_of_all_empties_the_queue(urls: Any) -> None:
    send(urls["UploadDLQUrl"], *(f"{number}" for number in range(15)))
    assert dlq("redrive", "--queue", "uploads", "--all").output == "sent back: 15\n"
    assert (depth(urls["UploadDLQUrl"]), depth(urls["UploadQueueUrl"])) == (0, 15)


def test_a_queue_that_takes_longer_to_read_than_its_messages_hide_comes_to_an_end(
    urls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "HIDDEN_S", 0)
    send(urls["ScanDLQUrl"], *(message(a_record(number)) for number in range(25)))
    letters = DeadLetters(boto3.client("sqs"), urls["ScanDLQUrl"], urls["ScanQueueUrl"])
    assert 1 <= len(letters.letters()) <= 25
    assert len(letters.redrive()) == 25
    assert (depth(urls["ScanDLQUrl"]), depth(urls["ScanQueueUrl"])) == (0, 25)


def test_reports_that_the_pacs_did_not_take_are_sent_back_as_well(urls: Any) -> None:
    send(urls["DeliveryDLQUrl"], "Jane Doe")
    listed = dlq("list")
    assert "deliveries" in listed.output
    assert "Doe" not in listed.output
    assert dlq("redrive", "--all", "--queue", "deliveries").output == "sent back: 1\n"
    assert (depth(urls["DeliveryDLQUrl"]), depth(urls["DeliveryQueueUrl"])) == (0, 1)


def test_the_command_names_scans_and_never_a_key(urls: Any) -> None:
    record = a_record()
    send(urls["ScanDLQUrl"], message(record), "Jane Doe")
    send(urls["UploadDLQUrl"], s3_event("uploads", "Doe_Jane.zip", version_id="v7"))
    listed = dlq("list")
    assert listed.exit_code == 0
    assert record.scan_id in listed.output
    assert "v7" in listed.output
    assert "Doe" not in listed.output
    [letter] = boto3.client("sqs").receive_message(QueueUrl=urls["UploadDLQUrl"], VisibilityTimeout=0)["Messages"]
    shown = dlq("show", letter["MessageId"], "--queue", "uploads")
    assert "v7" in shown.output
    assert "Doe" not in shown.output


def test_exit_codes_tell_empty_queues_wrong_usage_and_an_unknown_stack(urls: Any) -> None:
    assert dlq("list").exit_code == 1
    assert dlq("redrive", "--all").exit_code == 1
    assert dlq("redrive").exit_code == 2
    assert dlq("list", "--stack", "nowhere").exit_code == 3
