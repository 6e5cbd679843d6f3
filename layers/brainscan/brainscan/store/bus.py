"""EventBridge: other systems learn that a series is reported."""

from typing import TYPE_CHECKING, Final

from brainscan.domain import BrainscanError, Report
from brainscan.store.retry import retried

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

SERIES_ANALYZED: Final = "SeriesAnalyzed"


class BusError(BrainscanError):
    """EventBridge did not take an event; the stream's record is retried."""


class Bus:
    """The event bus that a deployment announces on, and the source that it names itself by."""

    def __init__(self, client: "EventBridgeClient", name: str, source: str) -> None:
        self._client = client
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
