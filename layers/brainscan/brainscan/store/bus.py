"""EventBridge: other systems learn that a series is reported."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from brainscan.domain import BrainscanError, Report
from brainscan.store.retry import retried

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

SERIES_ANALYZED: Final = "SeriesAnalyzed"


class BusError(BrainscanError):
    """EventBridge did not take an event; the stream's record is retried."""


class Bus:
    """The event bus that a deployment announces on, and the source that it names itself by.

    Its client is made when it first announces: most functions never do, and none waits for it to start.
    """

    def __init__(self, client: Callable[[], "EventBridgeClient"], name: str, source: str) -> None:
        """Take what makes a client of EventBridge, the bus's name, and our own."""
        self._make_client = client
        self._name = name
        self._source = source

    def announce(self, report: Report) -> None:
        """Send one `SeriesAnalyzed` event; its detail is pseudonymous.

        Raises:
            BusError: EventBridge refused it.
        """
        detail = report.model_dump_json(exclude={"announced", "delivery"}, exclude_none=True)
        entry = {"Source": self._source, "DetailType": SERIES_ANALYZED, "Detail": detail, "EventBusName": self._name}
        answer = retried(lambda: self._client.put_events(Entries=[entry]))  # type: ignore[list-item]
        if answer["FailedEntryCount"]:
            raise BusError(f"EventBridge refused the event: {answer['Entries'][0].get('ErrorCode', 'no code')}")

    @cached_property
    def _client(self) -> "EventBridgeClient":
        return self._make_client()
