"""Files are sent through the API as the page sends them, and an export stands as such a file left it."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import boto3

from brainscan.domain import Export, ExportState
from brainscan.store import Table
from brainscan.store.objects import files_key
from tests.making import a_record
from tests.unit.api.conftest import Answered, Ask

TOKEN = "7" * 32


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def begun(ask: Ask, size: int = 100, archive: bool = False) -> dict[str, Any]:
    answered = ask("POST", "/v1/uploads", body={"bytes": size, "archive": archive})
    assert answered.status == 201
    return answered.json


def addressed(ask: Ask, upload: dict[str, Any], data: bytes, number: int = 1) -> dict[str, Any]:
    body = {"upload_id": upload["upload_id"], "number": number, "bytes": len(data), "sha256": sha256(data)}
    answered = ask("POST", f"/v1/uploads/{upload['token']}/parts", body=body)
    assert answered.status == 200
    return answered.json


def sent(upload: dict[str, Any], data: bytes, number: int = 1) -> None:
    """What a browser does with the link: moto takes no requests from outside, so its client makes the same call."""
    boto3.client("s3").upload_part(
        Bucket="uploads", Key=f"page/{upload['token']}", UploadId=upload["upload_id"], PartNumber=number, Body=data
    )


def step(ask: Ask, upload: dict[str, Any], name: str) -> Answered:
    return ask("POST", f"/v1/uploads/{upload['token']}/{name}", body={"upload_id": upload["upload_id"]})


def known(table: Table, results: bytes = b"", **changes: Any) -> Export:
    """An export that the table knows by its token, with what its listing says."""
    fields = {"export_id": a_record(0).export_id, "state": ExportState.EXPANDED, "received_at": datetime.now(UTC)}
    export = Export(**fields | {"token": TOKEN} | changes)
    table.exports.conclude(export)
    boto3.client("s3").put_object(Bucket="results", Key=files_key(export.export_id), Body=results)
    return export
