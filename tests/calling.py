"""What boto3's own clients are asked for, as actions of IAM and their resources."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from botocore import xform_name
from botocore.client import BaseClient

from tests.chaos.buckets import Buckets
from tests.chaos.roles import Grant, asked
from tests.chaos.table import Table

CLIENTS = {"s3": Buckets, "dynamodb": Table}


@contextmanager
def recorded(calls: set[Grant]) -> Iterator[None]:
    """Keep what clients are asked for while the context is open, calls and links alike."""
    original = vars(BaseClient)["_emit_api_params"]

    def emit(self: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
        service = self.meta.service_model.service_name
        calls.update(asked(CLIENTS[service], xform_name(operation_model.name), api_params))
        return original(self, api_params=api_params, operation_model=operation_model, context=context)

    with patch.object(BaseClient, "_emit_api_params", emit):
        yield
