"""Messages that are worked on stay hidden; what broke off comes back soon, and what failed after its pause."""

import time
from collections.abc import Iterator
from threading import Event
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from brainscan.store import queues
from brainscan.store.queues import ScanQueue, pause_s


@pytest.fixture
def sqs() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1")


@pytest.fixture
def queue(sqs: Any) -> Any:
    url = sqs.create_queue(QueueName="scans", Attributes={"VisibilityTimeout": "721"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="a scan")
    return ScanQueue(sqs, url), url


def received(sqs: Any, url: str) -> list[str]:
    return [each["ReceiptHandle"] for each in sqs.receive_message(QueueUrl=url).get("Messages", [])]


def test_a_message_whose_work_broke_off_comes_back_long_before_the_visibility_timeout(
    sqs: Any, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "VISIBILITY_S", 1)
    scans, url = queue
    with scans.extended_visibility(received(sqs, url)):
        time.sleep(0.1)
    time.sleep(1.1)
    assert len(received(sqs, url)) == 1


def test_a_message_stays_hidden_for_as_long_as_its_work_takes(
    sqs: Any, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "VISIBILITY_S", 1)
    monkeypatch.setattr(queues, "HEARTBEAT_S", 0.2)
    scans, url = queue
    with scans.extended_visibility(received(sqs, url)):
        time.sleep(1.6)
        assert received(sqs, url) == []


def test_a_heartbeat_that_fails_changes_nothing_for_the_work(
    sqs: Any, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans, _ = queue
    asked = Event()
    monkeypatch.setattr(sqs, "change_message_visibility_batch", lambda **_: asked.set() or 1 / 0)
    with scans.extended_visibility(["a receipt"]):
        assert asked.wait(5)


def test_work_that_fails_raises_its_own_error_and_ends_the_heartbeats(sqs: Any, queue: Any) -> None:
    scans, url = queue
    with pytest.raises(KeyError), scans.extended_visibility(received(sqs, url)):
        raise KeyError


def test_a_message_that_failed_comes_back_after_its_pause(sqs: Any, queue: Any) -> None:
    scans, url = queue
    handles = received(sqs, url)
    scans.change_visibility(handles, 0.2)
    time.sleep(0.3)
    assert len(received(sqs, url)) == 1


def test_pauses_grow_from_seconds_to_ten_minutes_and_no_two_are_alike() -> None:
    pauses = [pause_s(receives) for receives in range(1, 13)]
    assert 5 <= pauses[0] <= 10
    assert 300 <= pauses[-1] <= 600
    assert pause_s(12) != pause_s(12)
    assert sum(pause_s(receives) for receives in range(1, 11)) > 900


def test_a_queue_is_known_by_the_name_that_its_url_and_its_arn_end_in() -> None:
    queue = ScanQueue(cast(Any, None), "https://sqs.eu-central-1.amazonaws.com/123456789012/stack-RetryQueue")
    assert queue.is_at("arn:aws:sqs:eu-central-1:123456789012:stack-RetryQueue")
    assert not queue.is_at("arn:aws:sqs:eu-central-1:123456789012:stack-ScanQueue")
    assert not ScanQueue(cast(Any, None), "").is_at("")
