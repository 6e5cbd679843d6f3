"""The analyze function takes new scans together and others alone; one that fails costs its neighbours nothing."""

import importlib.util
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from brainscan import observability
from brainscan.pipeline.attempt import ScanResult
from brainscan.settings import settings
from brainscan.store.queues import message
from tests.making import a_record, present

ROOT = Path(__file__).parents[3]


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator["Watched"]:
    """The function, with what it calls in place of AWS."""
    told = {
        "BRAINSCAN_RESULTS_BUCKET": "results",
        "BRAINSCAN_TABLE_NAME": "scans",
        "BRAINSCAN_MODEL_DIR": str(ROOT / "functions/analyze/model"),
        "POWERTOOLS_SERVICE_NAME": "analyze",
        "POWERTOOLS_METRICS_NAMESPACE": "brainscan",
        "POWERTOOLS_METRICS_DISABLED": "true",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    spec = present(importlib.util.spec_from_file_location("analyze_handler", ROOT / "functions/analyze/handler.py"))
    module = importlib.util.module_from_spec(spec)
    present(spec.loader).exec_module(module)
    watched = Watched()
    monkeypatch.setattr(module, "analyze_as_served", watched.analyze)
    monkeypatch.setattr(module, "services", lambda: SimpleNamespace(retries=watched, queue=watched))
    watched.lambda_handler = module.lambda_handler
    yield watched
    settings.cache_clear()


@dataclass
class Watched:
    """The use case and the RetryQueue: `broken` scans fail, a `full` queue takes none."""

    broken: set[str] = field(default_factory=set)
    full: bool = False
    together: list[list[str]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    hidden: list[tuple[str, int]] = field(default_factory=list)
    holding: bool = False
    lambda_handler: Any = None

    def analyze(self, scans: Any, _services: Any, _network: Any) -> Any:
        assert self.holding
        self.together.append([scan.scan_id for scan in scans])
        return [
            ScanResult(scan.scan_id, error=ValueError())
            if scan.scan_id in self.broken
            else ScanResult(scan.scan_id, a_record())
            for scan in scans
        ]

    def is_at(self, arn: Any) -> Any:
        return arn == "retries"

    def send(self, scans: Any) -> None:
        if self.full:
            raise ConnectionError
        self.sent += [scan.scan_id for scan in scans]

    @contextmanager
    def extended_visibility(self, receipt_handles: Any) -> Iterator[Any]:
        self.holding = True
        yield
        self.holding = False

    def change_visibility(self, receipt_handles: Any, seconds: Any) -> None:
        assert not self.holding  # the next heartbeat would undo it
        self.hidden += [(handle, seconds) for handle in receipt_handles]


def invoke(handler: Watched, *deliveries: Any, queue: str = "scans", sent_ms: int = 0) -> Any:
    """Hand over messages of a queue, each a body with its receive count; the ids of those that the queue keeps."""
    records = [
        {
            "messageId": f"message {number}",
            "receiptHandle": f"receipt {number}",
            "body": body,
            "attributes": {"ApproximateReceiveCount": str(receives), "SentTimestamp": str(sent_ms)},
            "eventSource": "aws:sqs",
            "eventSourceARN": queue,
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


IDS = [a_record(number).scan_id for number in range(4)]


class TestScanQueue:
    def test_scans_that_come_first_are_analyzed_together(self, handler: Watched) -> None:
        assert invoke(handler, (scan(0), 1), (scan(1), 1), (scan(2), 1)) == []
        assert handler.together == [IDS[:3]]
        assert handler.sent == []

    def test_a_batch_of_none_is_answered(self, handler: Watched) -> None:
        assert invoke(handler) == []
        assert handler.together == []

    def test_scans_whose_process_died_go_on_to_where_each_comes_alone(self, handler: Watched) -> None:
        assert invoke(handler, (scan(0), 1), (scan(1), 2), (scan(2), 5)) == []
        assert handler.together == [[IDS[0]]]
        assert handler.sent == [IDS[1], IDS[2]]

    def test_a_scan_that_failed_goes_on_and_its_neighbours_are_answered(self, handler: Watched) -> None:
        handler.broken = {IDS[1]}
        assert invoke(handler, (scan(0), 1), (scan(1), 1), (scan(2), 1)) == []
        assert handler.sent == [IDS[1]]

    def test_what_cannot_go_on_stays_in_the_queue(self, handler: Watched) -> None:
        handler.broken, handler.full = {IDS[1]}, True
        assert invoke(handler, (scan(0), 1), (scan(1), 1), (scan(2), 2)) == ["message 2", "message 1"]

    def test_a_message_that_is_no_scan_stays_and_its_neighbours_are_answered(self, handler: Watched) -> None:
        assert invoke(handler, (scan(0), 1), (json.dumps({"no": "scan"}), 1)) == ["message 1"]
        assert handler.together == [[IDS[0]]]

    def test_a_batch_that_fails_as_a_whole_goes_on_as_a_whole(
        self, handler: Watched, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        handler.broken = cast(Any, None)  # who asks what is in there fails
        assert invoke(handler, (scan(0), 1), (scan(1), 1)) == []
        assert handler.sent == IDS[:2]

    def test_how_long_each_message_waited_is_measured(self, handler: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
        measured: list[tuple[str, float]] = []
        monkeypatch.setattr(
            observability.metrics, "add_metric", lambda name, unit, value: measured.append((name, value))
        )
        invoke(handler, (scan(0), 1), (scan(1), 2), sent_ms=int(time.time() * 1000) - 90_000)
        assert [value for name, value in measured if name == "QueueAge"] == [pytest.approx(90, abs=20)] * 2


class TestRetryQueue:
    @pytest.mark.parametrize("receives", [1, 2, 12])
    def test_a_scan_is_tried_alone_and_acknowledged(self, handler: Watched, receives: int) -> None:
        assert invoke(handler, (scan(0), receives), queue="retries") == []
        assert handler.together == [[IDS[0]]]

    def test_several_that_come_at_once_are_tried_one_by_one(self, handler: Watched) -> None:
        handler.broken = {IDS[0]}
        assert invoke(handler, (scan(0), 1), (scan(1), 2), queue="retries") == ["message 0"]
        assert handler.together == [[IDS[0]], [IDS[1]]]

    def test_one_that_fails_again_comes_back_after_a_pause_that_grows(self, handler: Watched) -> None:
        handler.broken = {IDS[0]}
        for receives, least in ((1, 5), (2, 10), (3, 20)):
            assert invoke(handler, (scan(0), receives), queue="retries") == ["message 0"]
            receipt, seconds = handler.hidden[-1]
            assert (receipt, least <= seconds <= 2 * least) == ("receipt 0", True)
