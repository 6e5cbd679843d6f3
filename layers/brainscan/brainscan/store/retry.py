"""The one retry policy: what passes by itself is tried again after a random pause, as long as time is left.

A retry here costs seconds; a message that goes back to its queue costs a visibility timeout.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

from brainscan.store.errors import TRANSACTION_CANCELLED, cancellation_codes, error_code

T = TypeVar("T")

TRANSIENT_CODES: Final = frozenset({
    "InternalError",
    "InternalServerError",
    "InternalFailure",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "503",
    "500",
})  # fmt: skip
"""Codes that the same request may be spared a moment later. S3 answers HEAD requests with the number alone."""

TRANSIENT_CANCELLATIONS: Final = frozenset(
    {"None", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
"""Why a transaction may be cancelled that succeeds a moment later."""

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 5.0
BUDGET_S: Final = 30.0
"""How long one call is tried at most; what lasts longer is the queue's to retry."""

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


@contextmanager
def time_left(seconds: float) -> Iterator[None]:
    """Bound all retries inside by the time that an invocation has left."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class Threads(ThreadPoolExecutor):
    """A pool whose threads know the time that is left where work is given to them."""

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Run a function in the submitter's context."""
        return super().submit(copy_context().run, function, *args, **kwargs)


def retried(call: Callable[[], T]) -> T:
    """The answer of a call, tried again while its errors are such as pass.

    The pause before the n-th retry is drawn from (0, FIRST_PAUSE_S * 2**n), at most LONGEST_PAUSE_S.

    Raises:
        botocore.exceptions.ClientError: of the last try.
    """
    end = min(time.monotonic() + BUDGET_S, _deadline.get())
    for attempt in itertools.count():
        pause = random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt))  # noqa: S311 - jitter, not a secret
        try:
            return call()
        except (ClientError, HTTPClientError, EndpointConnectionError, ConnectionClosedError) as error:
            if not is_transient(error) or time.monotonic() + pause > end:
                raise
        time.sleep(pause)
    raise AssertionError("unreachable: the loop has no end")


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if not isinstance(error, ClientError):
        return True
    if error_code(error) == TRANSACTION_CANCELLED:
        return set(cancellation_codes(error)) <= TRANSIENT_CANCELLATIONS
    return error_code(error) in TRANSIENT_CODES
