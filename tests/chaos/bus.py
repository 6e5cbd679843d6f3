"""EventBridge: takes events, keeps them, and tells those who listen."""

# ruff: noqa: N803 - parameters have the names that AWS gave them

import json
from collections.abc import Callable, Sequence
from typing import Any

from tests.chaos.calls import Client


class Events(Client):
    """`boto3.client("events")`."""

    service = "events"

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.taken: list[dict[str, Any]] = []
        self.listeners: list[Callable[[dict[str, Any]], None]] = []

    def put_events(self, *, Entries: Sequence[dict[str, Any]], **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"""

        def put() -> dict[str, Any]:
            told = [{**each, "Detail": json.loads(each["Detail"])} for each in Entries]
            self.taken += told
            for listener in self.listeners:
                for each in told:
                    listener(each)
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "0"} for _ in Entries]}

        def refuse() -> dict[str, Any]:
            failed = [{"ErrorCode": "ThrottlingException", "ErrorMessage": ""} for _ in Entries]
            return {"FailedEntryCount": len(Entries), "Entries": failed}

        return self.call("PutEvents", str(len(Entries)), put, refuse)
