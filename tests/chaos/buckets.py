"""S3: buckets with versions, sequencers and notifications."""

# ruff: noqa: N803 - parameters have the names that AWS gave them

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.chaos.calls import Client, refusal


@dataclass
class Object:
    """One version of an object."""

    data: bytes
    version_id: str
    sequencer: str
    modified: datetime
    metadata: dict[str, str] = field(default_factory=dict)


Created = Callable[[str, str, Object], None]
"""Hears of an object that was created: bucket, key, version."""


class Buckets(Client):
    """`boto3.client("s3")`. A write is seen at once by every read, as S3 promises."""

    service = "s3"
    latency_s = (0.015, 0.060)

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.objects: dict[tuple[str, str], list[Object]] = {}
        self.created: list[Created] = []
        self.watch: Callable[[bytes], None] | None = None
        self._number = 0

    def put(self, bucket: str, key: str, data: bytes, metadata: dict[str, str] | None = None) -> Object:
        """Write a version, and tell of it."""
        self._number += 1
        now = datetime.fromtimestamp(self.simulation.now, UTC)
        made = Object(data, f"v{self._number}", f"{self._number:016X}", now, metadata or {})
        versions = self.objects.setdefault((bucket, key), [])
        if bucket == "uploads":
            versions.append(made)
        else:
            versions[:] = [made]
        for hear in self.created:
            hear(bucket, key, made)
        return made

    def put_object(self, *, Bucket: str, Key: str, Body: Any = b"", **told: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"""
        data = Body if isinstance(Body, bytes) else Body.read()

        def write() -> dict[str, Any]:
            if told.get("IfNoneMatch") == "*" and self.objects.get((Bucket, Key)):
                raise refusal("PutObject", "PreconditionFailed")
            made = self.put(Bucket, Key, data, dict(told.get("Metadata", {})))
            return {"VersionId": made.version_id, "ETag": '"0"'}

        return self.call("PutObject", Key, write)

    def get_object(self, *, Bucket: str, Key: str, VersionId: str | None = None, **told: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
        return self.call("GetObject", Key, lambda: self._read(Bucket, Key, VersionId, told.get("Range")))

    def head_object(self, *, Bucket: str, Key: str, VersionId: str | None = None, **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"""

        def read() -> dict[str, Any]:
            found = self._version("HeadObject", "404", Bucket, Key, VersionId)
            return _described(found) | {"ContentLength": len(found.data)}

        return self.call("HeadObject", Key, read)

    def delete_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html"""

        def delete() -> dict[str, Any]:
            self.objects.pop((Bucket, Key), None)
            return {}

        return self.call("DeleteObject", Key, delete)

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any], **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
        keys = [each["Key"] for each in Delete["Objects"]]
        if not 0 < len(keys) <= 1000:
            raise refusal("DeleteObjects", "MalformedXML")

        def delete() -> dict[str, Any]:
            for key in keys:
                self.objects.pop((Bucket, key), None)
            return {"Deleted": [{"Key": key} for key in keys]}

        return self.call("DeleteObjects", str(len(keys)), delete)

    def copy_object(self, *, Bucket: str, Key: str, CopySource: dict[str, str], **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""

        def copy() -> dict[str, Any]:
            found = self._version("CopyObject", "NoSuchKey", CopySource["Bucket"], CopySource["Key"], None)
            return {"VersionId": self.put(Bucket, Key, found.data, found.metadata).version_id}

        return self.call("CopyObject", Key, copy)

    def list_objects_v2(self, *, Bucket: str, Prefix: str = "", **_: Any) -> dict[str, Any]:
        """https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html"""

        def read() -> dict[str, Any]:
            return {"Contents": [{"Key": key} for key in self.keys(Bucket, Prefix)], "IsTruncated": False}

        return self.call("ListObjectsV2", Prefix, read)

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Keys of a bucket, sorted."""
        return sorted(key for place, key in self.objects if place == bucket and key.startswith(prefix))

    def latest(self, bucket: str, key: str) -> bytes | None:
        """What an object holds now."""
        versions = self.objects.get((bucket, key))
        return versions[-1].data if versions else None

    def _version(self, operation: str, code: str, bucket: str, key: str, version_id: str | None) -> Object:
        versions = self.objects.get((bucket, key), [])
        for each in reversed(versions):
            if version_id is None or each.version_id == version_id:
                return each
        raise refusal(operation, code)

    def _read(self, bucket: str, key: str, version_id: str | None, span: str | None) -> dict[str, Any]:
        found = self._version("GetObject", "NoSuchKey", bucket, key, version_id)
        data, ranged = found.data, {}
        if span is not None:
            first, last = _span(span, len(data))
            if first >= len(data):
                code = {"Code": "InvalidRange", "ActualObjectSize": str(len(data)), "Message": ""}
                raise refusal("GetObject", "InvalidRange", Error=code)
            ranged = {"ContentRange": f"bytes {first}-{last}/{len(data)}"}
            data = data[first : last + 1]
        described = _described(found) | {"ContentLength": len(data), "Body": _Body(data)}
        status = 206 if ranged else 200
        return described | ranged | {"ResponseMetadata": {"RetryAttempts": 0, "HTTPStatusCode": status}}


class _Body(io.BytesIO):
    """`StreamingBody`, as far as it is used."""


def _described(found: Object) -> dict[str, Any]:
    return {
        "LastModified": found.modified,
        "VersionId": found.version_id,
        "Metadata": found.metadata,
        "StorageClass": "STANDARD",
        "ETag": '"0"',
    }


def _span(text: str, size: int) -> tuple[int, int]:
    """First and last byte of `bytes=0-99`, `bytes=100-` or `bytes=-100`."""
    first, _, last = text.removeprefix("bytes=").partition("-")
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(size - 1, int(last)) if last else size - 1
