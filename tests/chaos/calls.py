"""What every fake client of AWS shares: latency, faults, errors as botocore raises them, and its retries."""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from types import SimpleNamespace
from typing import Any, Final

from botocore.exceptions import ClientError, ReadTimeoutError

from brainscan.services import CLIENT
from tests.chaos.faults import Fault, Plan
from tests.chaos.simulation import ProcessKilledError, Simulation

READ_TIMEOUT_S: Final = float(CLIENT.read_timeout)  # type: ignore[attr-defined]
"""How long a client waits for an answer that is lost."""

THROTTLES: Final[Mapping[str, tuple[str, ...]]] = {
    "dynamodb": ("ProvisionedThroughputExceededException", "ThrottlingException"),
    "s3": ("SlowDown", "RequestTimeout"),
    "sqs": ("ThrottlingException", "RequestThrottled"),
    "events": ("ThrottlingException",),
}
OUT_OF_ORDER: Final = {"dynamodb": "InternalServerError", "s3": "InternalError"}
STATUS: Final = {"SlowDown": 503, "InternalError": 500, "InternalServerError": 500, "ServiceUnavailable": 503}

TRANSIENT: Final = frozenset(
    {
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestThrottled",
        "SlowDown",
        "RequestTimeout",
        "InternalError",
        "InternalServerError",
        "ServiceUnavailable",
        "TransactionInProgressException",
    }
)
"""What botocore's `standard` mode tries again, of what the fakes say."""

MOST_WAIT_S: Final = 20.0
"""Longest back-off of botocore's `standard` mode."""


def refusal(operation: str, code: str, **fields: Any) -> ClientError:
    """An error as a real client raises it."""
    response: Any = {
        "Error": {"Code": code, "Message": "simulated"},
        "ResponseMetadata": {"HTTPStatusCode": STATUS.get(code, 400), "RetryAttempts": 0},
        **fields,
    }
    return _class_of(code)(response, operation)


_Refusal = ClientError  # `_Exceptions` has an attribute of that name
_classes: dict[str, type[_Refusal]] = {}


def _class_of(code: str) -> type[_Refusal]:
    if code not in _classes:
        _classes[code] = type(code, (ClientError,), {})
    return _classes[code]


class _Exceptions:
    """`client.exceptions`: a class for every code."""

    ClientError = _Refusal

    def __getattr__(self, code: str) -> type[_Refusal]:
        return _class_of(code)


class Retries:
    """How often botocore tries, by the configuration that the product's clients are made with."""

    def __init__(self) -> None:
        told = getattr(CLIENT, "retries", None) or {}
        self.attempts = int(told.get("total_max_attempts") or told.get("max_attempts", 3))


class Client:
    """A fake client. `latency_s` is (least, most) of one call."""

    service: str
    latency_s: tuple[float, float] = (0.004, 0.020)

    def __init__(self, simulation: Simulation, plan: Plan) -> None:
        self.simulation = simulation
        self.plan = plan
        self.exceptions = _Exceptions()
        self.meta = SimpleNamespace(region_name="us-east-1", config=SimpleNamespace(s3=None))
        self.calls: dict[str, int] = {}
        self._attempts = Retries().attempts

    def call(
        self,
        operation: str,
        about: str,
        apply: Callable[[], dict[str, Any]],
        partial: Callable[[], dict[str, Any]] | None = None,
        *,
        throttle: Callable[[Random], ClientError] | None = None,
        repeatable: bool = False,
    ) -> dict[str, Any]:
        """One call of the product, with its retries.

        Args:
            about: What it is about, for the trace.
            apply: Does it.
            partial: Does some of it, where an answer can say so.
            throttle: Its error when it is throttled, where that is one of its own.
            repeatable: Its token makes a repeat answer as the first time did.
        """
        simulation = self.simulation
        task = simulation.current
        if task is None or task.process is None:
            return apply()
        process = task.process
        answer: dict[str, Any] | None = None
        persistent = False
        for attempt in range(1, self._attempts + 1):
            if process.dead:
                raise ProcessKilledError
            process.calls += 1
            self.calls[operation] = self.calls.get(operation, 0) + 1
            killed = process.kill_at is not None and process.calls >= process.kill_at
            fault = self.plan.fault(process.name, process.random, killed, partial is not None)
            if persistent and fault is Fault.NONE:
                fault = Fault.THROTTLE_ON
            persistent = fault is Fault.THROTTLE_ON
            if fault is not Fault.NONE:
                simulation.note(f"{operation} {about}: {fault}")
            travel = process.random.uniform(*self.latency_s) / 2
            simulation.sleep(travel)
            if fault is Fault.KILL_BEFORE:
                simulation.kill(process)
                raise ProcessKilledError
            error: Exception
            try:
                if self.plan.in_outage(self.service, simulation.elapsed):
                    raise refusal(operation, OUT_OF_ORDER[self.service])
                if fault in {Fault.THROTTLE, Fault.THROTTLE_ON}:
                    chance = process.random
                    raise throttle(chance) if throttle else refusal(operation, chance.choice(THROTTLES[self.service]))
                if answer is None or not repeatable:
                    answer = partial() if partial is not None and fault is Fault.PARTIAL else apply()
                if fault is Fault.NONE and simulation.trace is not None:
                    simulation.note(f"{operation} {about}")
                if fault is Fault.KILL_AFTER:
                    simulation.kill(process)
                    raise ProcessKilledError
                if fault is not Fault.LOST:
                    simulation.sleep(travel)
                    return answer
                simulation.sleep(READ_TIMEOUT_S)
                error = ReadTimeoutError(endpoint_url="https://simulated")
            except ClientError as refused:
                simulation.sleep(travel)
                if refused.response["Error"]["Code"] not in TRANSIENT:
                    if simulation.trace is not None:
                        simulation.note(f"{operation} {about}: {refused.response['Error']['Code']}")
                    raise
                error = refused
            if attempt == self._attempts:
                raise error
            simulation.sleep(process.random.random() * min(MOST_WAIT_S, 2.0 ** (attempt - 1)))
        raise AssertionError("unreachable")

    def get_paginator(self, operation: str) -> "_Paginator":
        """Pages of an operation."""
        return _Paginator(getattr(self, operation), operation)


class _Paginator:
    def __init__(self, ask: Callable[..., dict[str, Any]], operation: str) -> None:
        self._ask = ask
        self._from, self._to = {
            "query": ("LastEvaluatedKey", "ExclusiveStartKey"),
            "scan": ("LastEvaluatedKey", "ExclusiveStartKey"),
            "list_objects_v2": ("NextContinuationToken", "ContinuationToken"),
            "list_object_versions": ("NextKeyMarker", "KeyMarker"),
        }[operation]

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Page by page."""
        parameters.pop("PaginationConfig", None)
        while True:
            page = self._ask(**parameters)
            yield page
            if self._from not in page:
                return
            parameters[self._to] = page[self._from]
