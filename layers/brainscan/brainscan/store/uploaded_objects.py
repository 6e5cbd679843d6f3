"""The bucket that hospitals write to, which the pipeline only ever reads: what S3 knows of an upload, and its bytes."""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from brainscan.store.object_errors import is_gone, typed_read_errors, typed_s3_errors
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
    """What S3 knows of an object; `token` is its sender's name for it, `site` may be anything.

    `beginning` are its first bytes, if they were read along: of a single image mostly all of them.
    """

    version_id: str
    size: int
    sequencer: str
    token: str | None = None
    site: str | None = None
    beginning: bytes = field(default=b"", repr=False)


class Uploads:
    """The bucket of uploads."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def head(self, bucket: str, key: str, version_id: str | None) -> Head:
        """Resolve a version and its size; without `version_id`, the current one.

        Raises:
            ObjectGoneError: no such object or version.
        """
        with typed_s3_errors():
            return self._head(_named(bucket, key, version_id))

    def begin(self, bucket: str, key: str, version_id: str | None) -> Head:
        """The same with the object's beginning, for one request: `open` asks none for an object that this is all of.

        Of one that is empty, or that S3 does not give, there is no beginning: `open` says why.

        Raises:
            ObjectGoneError: no such object or version.
        """
        named = _named(bucket, key, version_id)
        with typed_s3_errors():
            try:
                return retried(lambda: self._begin(named))
            except ClientError as error:
                if is_gone(error):
                    raise
                return self._head(named)

    def _head(self, named: Any) -> Head:
        found = retried(lambda: self._client.head_object(**named))
        return _head(found, named, found["ContentLength"])

    def _begin(self, named: Any) -> Head:
        found = self._client.get_object(**named, Range=f"bytes=0-{RANGE_BYTES - 1}")
        _, _, size = found.get("ContentRange", "").partition("/")
        return _head(found, named, int(size or found["ContentLength"]), found["Body"].read())

    @contextmanager
    def open(self, bucket: str, key: str, head: Head) -> Iterator[IO[bytes]]:
        """A seekable file over ranged reads: memory stays flat whatever the object's size.

        Raises:
            ObjectGoneError: no such object or version.
            ObjectWithheldError: it is archived, or its key is denied.
            UploadUnreadError, botocore.exceptions.ClientError: of a read, which is to be retried.
        """
        if head.beginning and len(head.beginning) == head.size:
            yield io.BytesIO(head.beginning)
            return
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


def _named(bucket: str, key: str, version_id: str | None) -> dict[str, str]:
    return {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})


def _head(found: Mapping[str, Any], named: Mapping[str, str], size: int, beginning: bytes = b"") -> Head:
    metadata = found.get("Metadata", {})
    token = metadata.get(SENDER_METADATA, "")
    return Head(
        version_id=found.get("VersionId") or named.get("VersionId") or "null",
        size=size,
        sequencer=f"{int(found['LastModified'].timestamp() * 1000):x}",
        token=token if _TOKEN.fullmatch(token) else None,
        site=metadata.get(SITE_METADATA),
        beginning=beginning,
    )


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


def sender_metadata(token: str, site: str | None) -> dict[str, str]:
    """What a sender that chooses its own keys writes on an object: by which token to find it, and the site."""
    return {SENDER_METADATA: token} | ({SITE_METADATA: site} if site else {})
