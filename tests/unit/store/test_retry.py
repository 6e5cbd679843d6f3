"""One retry policy: what passes by itself is tried again in seconds, what does not is raised at once."""

from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from brainscan.domain import Outcome, Part, Report, TumorClass
from brainscan.store import Bus, PartQueue, Table, retry
from brainscan.store.errors import cancellation_codes, error_code
from brainscan.store.queues import QueueError
from brainscan.store.retry import Threads, is_transient, retried, time_left
from brainscan.store.table.client import TableClient, UnreadError
from tests.making import a_record, analyzed, present


class Clock:
    """Time that passes in sleep alone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(retry, "time", clock)
    return clock


def refused(code: str, reasons: Any = ()) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}}
    return ClientError(answer | {"CancellationReasons": [{"Code": each} for each in reasons]}, "Operation")


def failing(*errors: Any) -> Callable[..., Any]:
    """A call that fails so, and then succeeds."""
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return call


CODES = (
    *("ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded"),
    *("TransactionConflictException", "TransactionInProgressException", "LimitExceededException"),
    *("SlowDown", "RequestTimeout", "ServiceUnavailable", "InternalError", "500", "503"),
    *("ConditionalRequestConflict", "OperationAborted", "OverLimit", "RequestThrottled"),
    *("InternalFailure", "InternalServerError", "InternalServiceError", "InternalException"),
)
"""Of DynamoDB, S3, SQS, EventBridge and Secrets Manager."""

PASSING = [
    *map(refused, CODES),
    refused("TransactionCanceledException", ["None", "TransactionConflict"]),
    refused("TransactionCanceledException", ["ProvisionedThroughputExceeded"]),
    refused("TransactionCanceledException", ["ThrottlingError", "None"]),
    ReadTimeoutError(endpoint_url="https://example.org"),
]


@pytest.mark.parametrize("error", PASSING, ids=str)
def test_what_passes_is_tried_again(clock: Clock, error: Any) -> None:
    assert retried(failing(error, error, error)) == "answer"
    assert len(clock.pauses) == 3


@pytest.mark.parametrize(
    "error",
    [
        refused("ConditionalCheckFailedException"),
        refused("AccessDenied"),
        refused("NoSuchKey"),
        refused("TransactionCanceledException", ["ConditionalCheckFailed", "TransactionConflict"]),
    ],
    ids=str,
)
def test_what_does_not_pass_is_raised_at_once(clock: Clock, error: Any) -> None:
    assert not is_transient(error)
    with pytest.raises(ClientError):
        retried(failing(error))
    assert clock.pauses == []


def test_pauses_are_drawn_anew_and_grow_up_to_a_bound(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("random.uniform", lambda low, high: asked.append((low, high)) or high)
    retried(failing(*[refused("SlowDown")] * 10))
    assert asked[:3] == [(0, 0.05), (0, 0.1), (0, 0.2)]
    assert max(high for _, high in asked) == retry.LONGEST_PAUSE_S


def test_a_call_is_given_up_within_its_budget(clock: Clock) -> None:
    with pytest.raises(ClientError):
        retried(failing(*[refused("SlowDown")] * 1000))
    assert retry.BUDGET_S - retry.LONGEST_PAUSE_S <= clock.now <= retry.BUDGET_S


def test_the_time_that_an_invocation_has_left_bounds_every_retry_in_it_also_in_its_threads(clock: Clock) -> None:
    with time_left(3), Threads(1) as pool:
        given_up = pool.submit(retried, failing(*[refused("SlowDown")] * 1000))
        assert isinstance(given_up.exception(), ClientError)
    assert clock.now <= 3


def test_a_throttled_commit_is_made_in_place(table: Table, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    record = a_record()
    table.scans.register([record])
    put, errors = table.scans._table.client.put_item, [refused("ThrottlingException")] * 2

    def throttled(**request: Any) -> Any:
        if errors:
            raise errors.pop()
        return put(**request)

    monkeypatch.setattr(table.scans._table.client, "put_item", throttled)
    assert table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED]) == [True]
    assert present(table.scans.get(record.scan_id)).outcome is Outcome.ANALYZED


def test_codes_are_read_from_what_a_service_said_alone() -> None:
    assert error_code(refused("SlowDown")) == "SlowDown"
    assert error_code(ValueError("SlowDown")) == error_code(None) == ""
    assert cancellation_codes(refused("TransactionCanceledException", ["None", "TransactionConflict"])) == [
        "None",
        "TransactionConflict",
    ]


def told_by_http(status: int) -> ClientError:
    answer: Any = {"Error": {"Code": "Unheard", "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


@pytest.mark.parametrize(("status", "passes"), [(500, True), (502, True), (504, True), (400, False), (403, False)])
def test_an_error_of_the_server_passes_whatever_it_is_called(clock: Clock, status: int, passes: bool) -> None:
    assert is_transient(told_by_http(status)) is passes


class Halfhearted:
    """A service that does one thing of each batch, and nothing from the moment on when it is told to stop."""

    def __init__(self, *, stopped: bool = False) -> None:
        self.stopped = stopped
        self.done: list[str] = []

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's name
        [(name, wanted)] = RequestItems.items()
        keys = wanted["Keys"]
        done = [] if self.stopped else keys[:1]
        left = keys[len(done) :]
        return {"Responses": {name: done}, "UnprocessedKeys": {name: {"Keys": left}} if left else {}}

    def send_message_batch(self, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803 - boto3's names
        done = [] if self.stopped else Entries[:1]
        self.done += [each["MessageBody"] for each in done]
        left = Entries[len(done) :]
        return {"Failed": [{"Id": each["Id"], "Code": "InternalError", "SenderFault": False} for each in left]}

    def put_events(self, Entries: Any) -> Any:  # noqa: N803 - boto3's name
        if not self.done:
            self.done.append("refused")
            raise refused("InternalException")
        return {"FailedEntryCount": 0, "Entries": [{}]}


def test_what_is_left_unread_of_a_batch_is_asked_for_again_after_a_pause(clock: Clock) -> None:
    keys = [{"pk": str(number)} for number in range(3)]
    assert len(list(TableClient(cast(Any, Halfhearted()), "scans").get_batch(keys))) == 3
    assert len(clock.pauses) == 2
    with pytest.raises(UnreadError):
        list(TableClient(cast(Any, Halfhearted(stopped=True)), "scans").get_batch(keys))
    assert clock.now <= 2 * retry.BUDGET_S


def test_messages_that_sqs_did_not_take_are_sent_again_and_those_that_it_took_are_not(clock: Clock) -> None:
    parts = [Part(export_id="0" * 32, number=number) for number in range(3)]
    sqs = Halfhearted()
    PartQueue(cast(Any, sqs), "url").send(parts)
    assert sqs.done == [part.model_dump_json() for part in parts]
    with pytest.raises(QueueError, match="refused 3 of 3 messages: InternalError"):
        PartQueue(cast(Any, Halfhearted(stopped=True)), "url").send(parts)


def test_an_event_that_the_bus_refuses_for_a_moment_is_sent(clock: Clock) -> None:
    report = Report(series_id="0" * 32, revision=1, outcome=Outcome.ANALYZED)
    Bus(lambda: cast(Any, Halfhearted()), "default", "brainscan").announce(report)
    assert len(clock.pauses) == 1
