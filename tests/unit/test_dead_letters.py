"""Messages that were given up can be looked at without a trace, and sent back without a loss."""

import itertools
import json
from collections.abc import Iterator
from typing import Any, Literal, cast

import boto3
import pytest
from moto import mock_aws
from moto.core.responses import ActionResult
from moto.sqs.responses import SQSResponse
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import GivenUpReport
from brainscan.store import dead_letters
from brainscan.store.dead_letters import DeadLetters
from brainscan.store.queues import message
from brainscan.store.table import Reports
from tests.making import a_record, s3_event

DEAD = {"UploadGiveUpQueue": "UploadDLQ", "ScanGiveUpQueue": "ScanDLQ", "DeliveryGiveUpQueue": "DeliveryDLQ"}
QUEUES = ("UploadQueue", "ScanQueue", "DeliveryQueue", "ReportDLQ", *DEAD, *DEAD.values())


def redriving(name: str) -> dict[str, Any]:
    """A queue's redrive policy, as the template has it."""
    if name not in DEAD:
        return {}
    return {"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": [DEAD[name], "Arn"]}, "maxReceiveCount": 5}}


TEMPLATE = {
    "Resources": {name: {"Type": "AWS::SQS::Queue", "Properties": redriving(name)} for name in QUEUES},
    "Outputs": {"TableName": {"Value": "scans"}} | {f"{name}Url": {"Value": {"Ref": name}} for name in QUEUES},
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


class Moves:
    """SQS moving messages, ten a look, which moto does not: one move a queue at a time, and of dead letters alone."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.stops_after: int | None = None

    def start(self, response: SQSResponse) -> ActionResult:
        source, to = (response._get_param(name) for name in ("SourceArn", "DestinationArn"))
        assert response.sqs_backend.list_dead_letter_source_queues(source.rpartition(":")[2])
        assert all(task["Status"] != "RUNNING" for task in self.tasks if task["SourceArn"] == source)
        task = {"SourceArn": source, "DestinationArn": to, "Status": "RUNNING", "ApproximateNumberOfMessagesMoved": 0}
        self.tasks.insert(0, task)
        return ActionResult({"TaskHandle": "handle"})

    def list(self, response: SQSResponse) -> ActionResult:
        found = [task for task in self.tasks if task["SourceArn"] == response._get_param("SourceArn")]
        if found and found[0]["Status"] == "RUNNING":
            self._go_on(found[0])
        return ActionResult({"Results": [dict(task) for task in found[: response._get_param("MaxResults")]]})

    def _go_on(self, task: dict[str, Any]) -> None:
        sqs = boto3.client("sqs")
        source, to = (
            sqs.get_queue_url(QueueName=task[name].rpartition(":")[2])["QueueUrl"]
            for name in ("SourceArn", "DestinationArn")
        )
        if task["ApproximateNumberOfMessagesMoved"] == self.stops_after:
            task |= {"Status": "FAILED", "FailureReason": "AccessDenied"}
            return
        messages = sqs.receive_message(QueueUrl=source, MaxNumberOfMessages=10).get("Messages", [])
        for each in messages:
            sqs.send_message(QueueUrl=to, MessageBody=each["Body"])
            sqs.delete_message(QueueUrl=source, ReceiptHandle=each["ReceiptHandle"])
        task["ApproximateNumberOfMessagesMoved"] += len(messages)
        if not messages:
            task["Status"] = "COMPLETED"


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> Moves:
    """Lets moto's SQS move messages."""
    made = Moves()
    monkeypatch.setattr(SQSResponse, "start_message_move_task", lambda self: made.start(self), raising=False)
    monkeypatch.setattr(SQSResponse, "list_message_move_tasks", lambda self: made.list(self), raising=False)
    monkeypatch.setattr(dead_letters, "LOOK_S", 0)
    return made


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


def test_a_redrive_of_all_empties_the_queue(urls: Any, moves: Moves) -> None:
    send(urls["UploadDLQUrl"], *(f"{number}" for number in range(15)))
    assert dlq("redrive", "--queue", "uploads", "--all").output == "sent back: 15\n"
    assert (depth(urls["UploadDLQUrl"]), depth(urls["UploadQueueUrl"])) == (0, 15)
    assert dlq("redrive", "--queue", "uploads", "--all").exit_code == 1


def test_a_redrive_of_all_follows_one_that_is_under_way(urls: Any, moves: Moves) -> None:
    send(urls["ScanDLQUrl"], *(f"{number}" for number in range(25)))
    letters = DeadLetters(boto3.client("sqs"), urls["ScanDLQUrl"], urls["ScanQueueUrl"])
    arns = [letters._arn(urls[name]) for name in ("ScanDLQUrl", "ScanQueueUrl")]
    boto3.client("sqs").start_message_move_task(SourceArn=arns[0], DestinationArn=arns[1])
    assert letters.redrive_all() == 25
    assert len(moves.tasks) == 1


def test_a_redrive_of_all_that_sqs_stops_says_so_and_leaves_the_rest(urls: Any, moves: Moves) -> None:
    moves.stops_after = 10
    send(urls["ScanDLQUrl"], *(f"{number}" for number in range(25)))
    stopped = dlq("redrive", "--all")
    assert stopped.exit_code == 3
    assert "AccessDenied" in stopped.stderr
    assert (depth(urls["ScanDLQUrl"]), depth(urls["ScanQueueUrl"])) == (15, 10)


def test_a_queue_that_takes_longer_to_read_than_its_messages_hide_comes_to_an_end(
    urls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "VISIBILITY_S", 0)
    send(urls["ScanDLQUrl"], *(message(a_record(number)) for number in range(25)))
    letters = DeadLetters(boto3.client("sqs"), urls["ScanDLQUrl"], urls["ScanQueueUrl"])
    assert 1 <= len(letters.letters()) <= 25
    assert letters.redrive(["no such message"]) == []
    assert depth(urls["ScanDLQUrl"]) == 25


def test_reports_that_the_pacs_did_not_take_are_sent_back_as_well(urls: Any, moves: Moves) -> None:
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


def test_exit_codes_tell_empty_queues_wrong_usage_and_an_unknown_stack(urls: Any, moves: Moves) -> None:
    assert dlq("list").exit_code == 1
    assert dlq("redrive", "--all").exit_code == 1
    assert dlq("redrive").exit_code == 2
    assert dlq("list", "--stack", "nowhere").exit_code == 3


def test_a_series_that_was_given_up_is_asked_for_again_and_a_place_in_the_stream_stays(
    urls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def reset_attempts(_: Reports, series_id: str) -> bool:
        asked.append(series_id)
        return series_id != "5" * 32

    monkeypatch.setattr(Reports, "reset_attempts", reset_attempts)
    gone = GivenUpReport(series_id="5" * 32, revision=1).model_dump_json()
    place = json.dumps({"DDBStreamBatchInfo": {"shardId": "shard"}})
    send(urls["ReportDLQUrl"], GivenUpReport(series_id="4" * 32, revision=6).model_dump_json(), gone, place)
    listed = dlq("list").output
    assert f"revision 6 of series {'4' * 32}" in listed
    assert "the message is not a series" in listed
    assert dlq("redrive", "--queue", "reports", "--all").output == "sent back: 1\n"
    assert sorted(asked) == ["4" * 32, "5" * 32]
    assert depth(urls["ReportDLQUrl"]) == 2


class Endless:
    """A queue that is filled faster than it is read."""

    def __init__(self) -> None:
        self.given = itertools.count()
        self.released = 0

    def receive_message(self, **_: Any) -> Any:
        numbers = list(itertools.islice(self.given, 10))
        attributes = {"SentTimestamp": "0", "ApproximateReceiveCount": "1"}
        found = [
            {"MessageId": f"{n}", "ReceiptHandle": f"{n}", "Body": "{}", "Attributes": attributes} for n in numbers
        ]
        return {"Messages": found if numbers[-1] < 10 * dead_letters.LISTED else []}

    def change_message_visibility(self, **_: Any) -> None:
        self.released += 1


def test_of_a_long_queue_a_thousand_are_looked_at_and_all_of_them_released() -> None:
    queue = Endless()
    assert len(DeadLetters(cast(Any, queue), "url").letters()) == dead_letters.LISTED
    assert queue.released == dead_letters.LISTED
