"""S3: reading uploads, and writing everything that is derived from them to the results bucket."""

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from brainscan.domain import ScanRecord
from brainscan.store.errors import error_code
from brainscan.store.object_errors import typed_read_errors, typed_s3_errors
from brainscan.store.retry import retried

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

RANGE_BYTES = 1024**2
"""What is read ahead of an archive: a few compressed slices."""

STREAM_BYTES = 16 * 1024**2
"""What one request for a range of an archive may bring; of a larger one, a seek would throw most away."""

SENDER_METADATA = "brainscan-sent-as"
"""Under this name of its metadata an object says which token its sender will look for it by."""

SITE_METADATA = "brainscan-site"
"""Under this name of its metadata an object whose key names no site says which one it comes from."""

_TOKEN = re.compile(r"[0-9a-f]{32}")
"""Anything else is not ours, and may say who the patient is."""


@dataclass(frozen=True)
class Head:
    """What S3 knows of an object without reading it; `token` is its sender's name for it, `site` may be anything."""

    version_id: str
    size: int
    sequencer: str
    token: str | None = None
    site: str | None = None


class Uploads:
    """The bucket that hospitals write to. The pipeline only ever reads it."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def head(self, bucket: str, key: str, version_id: str | None) -> Head:
        """Resolve a version and its size; without `version_id`, the current one.

        Raises:
            ObjectGoneError: no such object or version.
        """
        with typed_s3_errors():
            if version_id is None:
                found = retried(lambda: self._client.head_object(Bucket=bucket, Key=key))
            else:
                found = retried(lambda: self._client.head_object(Bucket=bucket, Key=key, VersionId=version_id))
        milliseconds = int(found["LastModified"].timestamp() * 1000)
        version = found.get("VersionId") or version_id or "null"
        metadata = found.get("Metadata", {})
        token = metadata.get(SENDER_METADATA, "")
        known = token if _TOKEN.fullmatch(token) else None
        site = metadata.get(SITE_METADATA)
        return Head(version, found["ContentLength"], sequencer=f"{milliseconds:x}", token=known, site=site)

    @contextmanager
    def open(self, bucket: str, key: str, head: Head) -> Iterator[IO[bytes]]:
        """A seekable file over ranged reads: memory stays flat whatever the object's size.

        Raises:
            ObjectGoneError: no such object or version.
            ObjectWithheldError: it is archived, or its key is denied.
            UploadUnreadError, botocore.exceptions.ClientError: of a read, which is to be retried.
        """
        import smart_open.s3  # takes long to import, and only intake reads uploads

        parameters: dict[str, Any] = {
            "client": _Patient(self._client),
            "buffer_size": RANGE_BYTES,
            "range_chunk_size": STREAM_BYTES,
        }
        if head.version_id != "null":
            parameters["version_id"] = head.version_id
        with (
            typed_s3_errors(),
            # By bucket and key: in a URI, a key's tabs, line ends and question marks mean something else.
            smart_open.s3.open(bucket, key, "rb", **parameters) as file,
        ):
            # smart_open asks S3 anew at every seek; most seeks of an archive's reader stay within what was just read.
            yield cast(IO[bytes], io.BufferedReader(_UploadReader(cast(IO[bytes], file)), RANGE_BYTES))


class _Patient:
    """The client that smart_open reads with: its one call, retried as all others are."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def get_object(self, **named: Any) -> Any:
        return retried(lambda: self._client.get_object(**named))


class _UploadReader(io.RawIOBase):
    """An upload's bytes; of what S3 refuses, no reader of archives may think that the archive is damaged."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with typed_read_errors():
            return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        with typed_read_errors():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


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


def sender_metadata(token: str, site: str | None) -> dict[str, str]:
    """What a sender that chooses its own keys writes on an object: by which token to find it, and the site."""
    return {SENDER_METADATA: token} | ({SITE_METADATA: site} if site else {})


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
