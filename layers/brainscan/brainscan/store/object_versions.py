"""S3: the versions of objects, delete markers among them, and deleting these for good."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from brainscan.domain import BrainscanError
from brainscan.store.retry import retried

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

AT_ONCE: Final = 1000
"""S3 deletes no more in one request."""


class VersionsKeptError(BrainscanError):
    """S3 refused to delete versions of objects, as where a lock or a policy holds them."""


@dataclass(frozen=True, repr=False)
class ObjectVersion:
    """One version of an object, or a delete marker. `key` of an upload may hold a patient's name."""

    bucket: str
    key: str
    version_id: str
    is_marker: bool = False
    is_latest: bool = False


class ObjectVersions:
    """Versions of objects in any bucket; of one that keeps none, each object is its only version."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def under(self, bucket: str, prefix: str = "") -> Iterator[ObjectVersion]:
        """Every version and delete marker under a prefix, delete markers first on each page of S3's listing."""
        request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
        while True:
            page = retried(lambda: self._client.list_object_versions(**request))
            for name in ("DeleteMarkers", "Versions"):
                found: Any = page.get(name, [])
                for each in found:
                    is_marker = name == "DeleteMarkers"
                    yield ObjectVersion(bucket, each["Key"], each["VersionId"], is_marker, each["IsLatest"])
            if not page.get("IsTruncated"):
                return
            request.update(KeyMarker=page["NextKeyMarker"], VersionIdMarker=page.get("NextVersionIdMarker", ""))

    def of(self, bucket: str, key: str) -> list[ObjectVersion]:
        """Every version and delete marker of one object."""
        return [each for each in self.under(bucket, key) if each.key == key]

    def delete(self, versions: Sequence[ObjectVersion]) -> None:
        """Delete versions of one bucket for good, in their order; those that are gone are none the less deleted.

        Raises:
            VersionsKeptError: S3 refused some of them.
        """
        for start in range(0, len(versions), AT_ONCE):
            chunk = versions[start : start + AT_ONCE]
            named: Any = {"Objects": [{"Key": each.key, "VersionId": each.version_id} for each in chunk], "Quiet": True}
            answer = retried(lambda named=named: self._client.delete_objects(Bucket=chunk[0].bucket, Delete=named))  # type: ignore[misc] # noqa: B023
            if refused := answer.get("Errors"):
                codes = ", ".join(sorted({each.get("Code", "unknown") for each in refused}))
                raise VersionsKeptError(f"S3 kept {len(refused)} versions of objects ({codes}); see to the rights")
