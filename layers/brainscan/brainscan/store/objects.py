"""S3: everything that is derived from uploads, in the results bucket."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from brainscan.domain import ScanRecord
from brainscan.store.errors import error_code
from brainscan.store.object_errors import typed_s3_errors
from brainscan.store.retry import retried

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


class Results:
    """The bucket that brainscan writes to."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def put(self, key: str, data: bytes, content_type: str) -> str:
        """Write one object; its key."""
        retried(lambda: self._client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType=content_type))
        return key

    def put_once(self, key: str, data: bytes, content_type: str) -> str:
        """Write one object unless there is one at `key`, which then stays; its key."""
        named: Any = {"Bucket": self.bucket, "Key": key, "ContentType": content_type, "IfNoneMatch": "*"}
        try:
            retried(lambda: self._client.put_object(Body=data, **named))
        except ClientError as error:
            if error_code(error) != "PreconditionFailed":
                raise
        return key

    def put_record(self, record: ScanRecord, attempt: str) -> ScanRecord:
        """Write the `result.json` of an attempt at a scan; the record as it stands there, which names it."""
        named = record.model_copy(update={"result_key": result_key(record.scan_id, attempt, "result.json")})
        body = named.model_dump_json(exclude_none=True, indent=2).encode()
        self.put(str(named.result_key), body, "application/json")
        return named

    def get(self, key: str) -> bytes:
        """Read one object whole.

        Raises:
            ObjectGoneError: no such object.
        """
        with typed_s3_errors():
            return retried(lambda: self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def get_start(self, key: str, size: int) -> bytes:
        """Read the first bytes of one object that has any: `size`, or all if it has fewer.

        Raises:
            ObjectGoneError: no such object.
        """
        wanted: Any = {"Bucket": self.bucket, "Key": key, "Range": f"bytes=0-{size - 1}"}
        with typed_s3_errors():
            return retried(lambda: self._client.get_object(**wanted)["Body"].read())

    def delete(self, keys: Sequence[str]) -> None:
        """Delete up to a thousand objects; those that do not exist are none the less deleted."""
        if keys:
            named: Any = {"Objects": [{"Key": key} for key in keys]}
            retried(lambda: self._client.delete_objects(Bucket=self.bucket, Delete=named))

    def keys(self, prefix: str) -> list[str]:
        """Keys that begin with `prefix`, sorted."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return retried(lambda: sorted(each["Key"] for page in pages for each in page.get("Contents", [])))

    def presigned(self, key: str, content_type: str, filename: str, seconds: int) -> str:
        """A link to one object that holds for `seconds`; made here, without a request.

        Browsers get `content_type`, and save the object as `filename`.
        """
        parameters = {
            "Bucket": self.bucket,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseContentDisposition": f'attachment; filename="{filename}"',
        }
        return self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)


def staged_key(file_id: str) -> str:
    """Where the bytes of an uploaded file wait for analysis."""
    return f"sources/{file_id}"


def scan_prefix(scan_id: str) -> str:
    """What the keys of everything that is written for a scan begin with."""
    return f"results/{scan_id}/"


def result_key(scan_id: str, attempt: str, name: str) -> str:
    """Where a file of an attempt at a scan lies; it stands if the scan's record names it."""
    return f"{scan_prefix(scan_id)}{attempt}/{name}"


def drawn_prefix(scan_id: str) -> str:
    """What the keys of all masks that readers drew of a scan begin with."""
    return f"drawn/{scan_id}/"


def drawn_key(scan_id: str, reader: str, png: bytes) -> str:
    """Where a mask that a reader drew lies: by scan, reader and content, so that none is ever written over another."""
    who, what = (hashlib.sha256(each).hexdigest() for each in (reader.encode(), png))
    return f"{drawn_prefix(scan_id)}{who[:16]}/{what[:32]}.png"


def attempt_prefix(key: str) -> str:
    """What the keys of all files of an attempt begin with, by that of one of them."""
    return key.rpartition("/")[0] + "/"


def model_key(model_id: str, name: str) -> str:
    """Where a file of a version of the model lies."""
    return f"models/{model_id}/{name}"


def shadow_key(model_id: str, day: str, name: str) -> str:
    """Where the findings of a shadow model lie, those of one batch; `day` is that of the scans' arrival."""
    return f"{shadow_prefix(model_id, day)}{name}.jsonl"


def shadow_prefix(model_id: str, day: str) -> str:
    """What the keys of all that a shadow model said of a day's scans begin with."""
    return f"shadow/{model_id}/{day}/"


def manifest_key(run_id: str, execution: int) -> str:
    """Where the batches of a run over stored scans are listed, those that an execution of its machine goes through."""
    return f"reprocess/{run_id}/manifest-{execution:03d}.csv"


def report_prefix(series_id: str) -> str:
    """What the keys of everything that is written for a series begin with."""
    return f"reports/{series_id}/"


def upload_key(export_id: str) -> str:
    """Where an upload of several parts keeps its name: beside the bytes of scans, which hold names as well."""
    return f"sources/{export_id}/upload.json"


def parts_prefix(export_id: str) -> str:
    """What the keys of the listings of an export's parts begin with."""
    return f"exports/{export_id}/parts/"


def part_key(export_id: str, number: int) -> str:
    """Where the outcomes of the files of one part are listed until the export is whole."""
    return f"{parts_prefix(export_id)}{number:05d}.jsonl"


def report_key(series_id: str, revision: int, name: str) -> str:
    """Where a file of a series' report lives. Its DICOM objects name the patient; nothing else that is kept does."""
    return f"reports/{series_id}/{revision:06d}/{name}"


def files_key(export_id: str) -> str:
    """Where the outcome of every file of an export is listed, a JSON line each."""
    return f"exports/{export_id}/files.jsonl"
