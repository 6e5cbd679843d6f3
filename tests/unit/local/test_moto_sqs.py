"""The repaired queues keep what SQS promises, and a message costs the same however many wait."""

from typing import Any

import boto3
import pytest
from moto.sqs.models import Message

from brainscan_local import moto_sqs

COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]


@pytest.fixture
def sqs(aws: None) -> Any:
    moto_sqs.patch()
    return boto3.client("sqs")


@pytest.fixture
def url(sqs: Any) -> str:
    made: str = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
    return made


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Every look at whether a message may be received."""
    seen: list[Message] = []
    visible: Any = Message.visible
    monkeypatch.setattr(Message, "visible", property(lambda message: seen.append(message) or visible.fget(message)))
    return seen


def send(sqs: Any, url: str, count: int) -> None:
    for start in range(0, count, 10):
        entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(start, min(start + 10, count))]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def counts(sqs: Any, url: str) -> tuple[int, ...]:
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=COUNTS)["Attributes"]
    return tuple(int(told[name]) for name in COUNTS)


def test_messages_are_counted_by_whether_they_wait_are_in_flight_or_delayed(sqs: Any, url: str) -> None:
    send(sqs, url, 5)
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=600)
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2)["Messages"]
    assert counts(sqs, url) == (3, 2, 1)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=received[0]["ReceiptHandle"])
    assert counts(sqs, url) == (3, 1, 1)
    everything = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (everything["ApproximateNumberOfMessages"], everything["VisibilityTimeout"]) == ("3", "900")


def test_each_message_is_received_once_and_deleted_for_good(sqs: Any, url: str) -> None:
    send(sqs, url, 25)
    bodies = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [int(message["Body"]) for message in messages]
        entries = [{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"]} for m in reversed(messages)]
        assert len(sqs.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(messages)
        assert len(sqs.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]) == len(messages)
    assert bodies == list(range(25))
    assert counts(sqs, url) == (0, 0, 0)


def test_a_handle_that_no_message_had_is_refused(sqs: Any, url: str) -> None:
    send(sqs, url, 1)
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="nobody's")
    assert counts(sqs, url) == (1, 0, 0)


def test_a_message_costs_the_same_however_many_wait(sqs: Any, url: str, looks: list[Message]) -> None:
    def cost() -> int:
        looks.clear()
        sqs.send_message(QueueUrl=url, MessageBody="one more")
        [message] = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(looks)

    few = cost()
    send(sqs, url, 200)
    assert cost() == few
