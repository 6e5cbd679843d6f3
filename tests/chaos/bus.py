"""EventBridge: takes events, and keeps them."""

# ruff: noqa: N803 - parameters have the names that AWS gave them

import json
from collections.abc import Sequence
from typing import Any

from tests.chaos.calls import Client


class Events(Client):
    """`boto3.client("events")`."""

    service = "events"

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.taken: list[dict[str, Any]] = []

    def put_events(self, *, Entries: Sequence[dict[str, Any]], **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html"""

        def put() -> dict[str, Any]:
            self.taken += [{**each, "Detail": json.loads(each["Detail"])} for each in Entries]
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "0"} for _ in Entries]}

        def refuse() -> dict[str, Any]:
            failed = [{"ErrorCode": "ThrottlingException", "ErrorMessage": ""} for _ in Entries]
            return {"FailedEntryCount": len(Entries), "Entries": failed}

        return self.call("PutEvents", str(len(Entries)), put, refuse)
