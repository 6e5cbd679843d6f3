"""The analyze function takes new scans together and others alone, and answers for each message by itself."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from brainscan.pipeline.analyze import ScanResult
from brainscan.settings import settings
from brainscan.store.queues import message
from tests.making import a_record

ROOT = Path(__file__).parents[3]


@pytest.fixture
def handler(monkeypatch):
    """The function's module, whose use cases are watched: scans named in `broken` fail, those in `stuck` for ever."""
    told = {
        "BRAINSCAN_RESULTS_BUCKET": "results",
        "BRAINSCAN_TABLE_NAME": "scans",
        "BRAINSCAN_MODEL_DIR": str(ROOT / "functions/analyze/model"),
        "BRAINSCAN_MAX_RECEIVE_COUNT": "5",
        "POWERTOOLS_SERVICE_NAME": "analyze",
        "POWERTOOLS_METRICS_NAMESPACE": "brainscan",
        "POWERTOOLS_METRICS_DISABLED": "true",
        "POWERTOOLS_TRACE_DISABLED": "1",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    spec = importlib.util.spec_from_file_location("analyze_handler", ROOT / "functions/analyze/handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.together, module.given_up, module.broken, module.stuck = [], [], set(), set()

    def analyze(scans, _services, _network):
        module.together.append([scan.scan_id for scan in scans])
        return [
            ScanResult(scan.scan_id, error=ValueError())
            if scan.scan_id in module.broken
            else ScanResult(scan.scan_id, a_record())
            for scan in scans
        ]

    def give_up(scan, _services):
        if scan.scan_id in module.stuck:
            raise ConnectionError
        module.given_up.append(scan.scan_id)

    monkeypatch.setattr(module, "analyze", analyze)
    monkeypatch.setattr(module, "give_up", give_up)
    monkeypatch.setattr(module, "services", lambda: None)
    yield module
    settings.cache_clear()


def invoke(handler, *deliveries):
    """Hand over messages, each a body with its receive count; the ids of those to retry."""
    records = [
        {
            "messageId": f"message {number}",
            "body": body,
            "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": "0"},
            "eventSource": "aws:sqs",
        }
        for number, (body, receives) in enumerate(deliveries)
    ]
    context = SimpleNamespace(
        function_name="analyze",
        memory_limit_in_mb=3008,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:analyze",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: 120_000,
    )
    answer = handler.lambda_handler({"Records": records}, context)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def scan(number: int) -> str:
    return message(a_record(number))


def test_scans_that_come_first_are_analyzed_together_and_others_alone(handler):
    ids = [a_record(number).scan_id for number in range(4)]
    assert invoke(handler, (scan(0), 1), (scan(1), 2), (scan(2), 1), (scan(3), 5)) == []
    assert handler.together == [[ids[0], ids[2]], [ids[1]], [ids[3]]]


def test_only_the_message_of_the_scan_that_failed_is_retried(handler):
    handler.broken = {a_record(1).scan_id}
    assert invoke(handler, (scan(0), 1), (scan(1), 1), (scan(2), 1)) == ["message 1"]
    assert handler.given_up == []


def test_a_message_that_is_no_scan_is_retried_and_its_neighbours_are_answered(handler):
    assert invoke(handler, (scan(0), 1), (json.dumps({"no": "scan"}), 1)) == ["message 1"]
    assert handler.together == [[a_record(0).scan_id]]


def test_a_scan_that_failed_as_often_as_it_may_is_given_up_and_no_sooner(handler):
    handler.broken = {a_record(0).scan_id, a_record(1).scan_id}
    assert invoke(handler, (scan(0), 4), (scan(1), 5)) == ["message 0", "message 1"]
    assert handler.given_up == [a_record(1).scan_id]


def test_a_give_up_that_is_refused_costs_that_scan_alone(handler):
    handler.broken = {a_record(number).scan_id for number in range(3)}
    handler.stuck = {a_record(0).scan_id}
    assert invoke(handler, (scan(0), 5), (scan(1), 5), (scan(2), 5)) == ["message 0", "message 1", "message 2"]
    assert handler.given_up == [a_record(1).scan_id, a_record(2).scan_id]


def test_a_batch_that_fails_as_a_whole_is_retried_as_a_whole(handler, monkeypatch):
    monkeypatch.setattr(handler, "analyze", lambda *_: (_ for _ in ()).throw(ConnectionError()))
    assert invoke(handler, (scan(0), 1), (scan(1), 1)) == ["message 0", "message 1"]
