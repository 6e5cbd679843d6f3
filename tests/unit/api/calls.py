"""What a request asks AWS for."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

Call = tuple[str, str, dict[str, Any]]
"""Service, operation, parameters: `("s3", "GetObject", {"Bucket": ...})`."""


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """The calls of every client within the block, in order; each is made as it would have been."""
    calls: list[Call] = []
    made = vars(BaseClient)["_make_api_call"]

    def recording(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        calls.append((client.meta.service_model.service_name, operation, parameters))
        return made(client, operation, parameters)

    with patch.object(BaseClient, "_make_api_call", recording):
        yield calls
