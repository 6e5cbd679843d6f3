"""The one retry policy: what passes by itself is tried again after a random pause, as long as time is left.

A retry here costs seconds; a message that goes back to its queue costs a visibility timeout.
"""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

from brainscan.store.errors import TRANSACTION_CANCELLED, cancellation_codes, error_code

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

T = TypeVar("T")

TRANSIENT_CODES: Final = frozenset({
    "ConditionalRequestConflict",
    "InternalError",
    "InternalException",
    "InternalFailure",
    "InternalServerError",
    "InternalServiceError",
    "LimitExceededException",
    "OperationAborted",
    "OverLimit",
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
    "500",
    "503",
})  # fmt: skip
"""Codes that the same request may be spared a moment later, beside those that come with a status of `SERVER_ERROR`.

S3 answers HEAD requests with the number alone, and some requests with an error although the status is 200.
"""

SERVER_ERROR: Final = 500

TRANSIENT_CANCELLATIONS: Final = frozenset(
    {"None", "ProvisionedThroughputExceeded", "ThrottlingError", "TransactionConflict"}
)
"""Why a transaction may be cancelled that succeeds a moment later."""

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 5.0
BUDGET_S: Final = 30.0
"""How long one call is tried at most; what lasts longer is the queue's to retry."""

MARGIN_S: Final = 5
"""What is left of an invocation when the last retry of a call must have ended."""

_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


@contextmanager
def time_left(seconds: float) -> Iterator[None]:
    """Bound all retries inside by the time that an invocation has left."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def within(context: "LambdaContext") -> AbstractContextManager[None]:
    """Bound all retries inside by the time that an invocation of Lambda has left, but for `MARGIN_S`."""
    return time_left(context.get_remaining_time_in_millis() / 1000 - MARGIN_S)


class Threads(ThreadPoolExecutor):
    """A pool whose threads know the time that is left where work is given to them."""

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Run a function in the submitter's context."""
        return super().submit(copy_context().run, function, *args, **kwargs)


def attempts() -> Iterator[int]:
    """Number attempts from 0, with pauses between them, until the time for one call is over.

    The pause after the n-th is drawn from (0, FIRST_PAUSE_S * 2**n), at most LONGEST_PAUSE_S.
    """
    end = min(time.monotonic() + BUDGET_S, _deadline.get())
    for attempt in itertools.count():
        yield attempt
        pause = random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt))  # noqa: S311 - jitter, not a secret
        if time.monotonic() + pause > end:
            return
        time.sleep(pause)


def retried(call: Callable[[], T]) -> T:
    """The answer of a call, tried again while its errors are such as pass.

    Raises:
        botocore.exceptions.ClientError: of the last try.
    """
    for _ in attempts():
        try:
            return call()
        except (ClientError, HTTPClientError, EndpointConnectionError, ConnectionClosedError) as error:
            if not is_transient(error):
                raise
            refused = error
    raise refused


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    if not isinstance(error, ClientError):
        return True
    if error_code(error) == TRANSACTION_CANCELLED:
        return set(cancellation_codes(error)) <= TRANSIENT_CANCELLATIONS
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= SERVER_ERROR or error_code(error) in TRANSIENT_CODES
