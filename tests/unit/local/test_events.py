"""Partial batch responses mean what Lambda says they mean.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

from typing import Any

import pytest

from brainscan_local.events import failures, record

SENT = {"a", "b", "c"}


@pytest.mark.parametrize("response", [None, {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_nothing_reported_is_success(response: Any) -> None:
    assert failures(response, SENT) == set()


def test_only_what_is_reported_fails() -> None:
    response = {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "a"}, {"itemIdentifier": "b"}]}
    assert failures(response, SENT) == {"a", "b"}


@pytest.mark.parametrize(
    "response",
    [
        "not JSON",
        ["a"],
        {"batchItemFailures": "a"},
        {"batchItemFailures": ["a"]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": ["a"]}]},
        {"batchItemFailures": [{"item": "a"}]},
        {"batchItemFailures": [{"itemIdentifier": "a"}, {"itemIdentifier": "stranger"}]},
    ],
)
def test_a_malformed_report_fails_the_whole_batch(response: Any) -> None:
    assert failures(response, SENT) == SENT


def test_message_attributes_travel_in_the_event() -> None:
    event = record(
        {
            "MessageId": "1",
            "ReceiptHandle": "handle",
            "Body": "body",
            "MD5OfBody": "digest",
            "Attributes": {"ApproximateReceiveCount": "2"},
            "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "scan"}},
        },
        "arn:aws:sqs:us-east-1:123456789012:queue",
    )
    assert event["messageAttributes"]["kind"]["stringValue"] == "scan"
    assert event["messageAttributes"]["kind"]["dataType"] == "String"
    assert event["attributes"] == {"ApproximateReceiveCount": "2"}
