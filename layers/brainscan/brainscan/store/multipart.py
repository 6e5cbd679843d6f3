"""Objects that somebody else sends into the uploads bucket, part by part, over links that are made here."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from brainscan.domain import BrainscanError
from brainscan.settings import MIB
from brainscan.store.errors import error_code
from brainscan.store.retry import retried
from brainscan.store.uploaded_objects import sender_metadata

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

MOST_PARTS: Final = 10_000
"""S3's own limit: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""

LEAST_PART_BYTES: Final = 8 * MIB
"""What is sent again at most after a cut, as far as the limit of parts allows."""


class UploadGoneError(BrainscanError):
    """S3 knows no such upload: it was completed or given up, or it has expired."""


class UploadIncompleteError(BrainscanError):
    """The upload has no parts, or more bytes in them than one object may have."""


def part_bytes_of(size: int) -> int:
    """Bytes of each part but the last of an object of `size` bytes."""
    whole_mib = -(-size // (MOST_PARTS * MIB)) * MIB
    return max(LEAST_PART_BYTES, whole_mib)


@dataclass(frozen=True)
class PartLink:
    """Where one part goes by PUT, with these headers: another length or other bytes are refused by S3."""

    url: str
    headers: dict[str, str]


class Inbox:
    """The part of the uploads bucket that takes what the page sends; each object is known by a token of its sender.

    Args:
        client: Signs links by Signature Version 4.
        bucket: The uploads bucket.
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def begin(self, token: str, site: str | None = None) -> str:
        """Begin an upload from a site; its id."""
        begun = retried(
            lambda: self._client.create_multipart_upload(
                Bucket=self._bucket,
                Key=inbox_key(token),
                ChecksumAlgorithm="SHA256",
                Metadata=sender_metadata(token, site),
            )
        )
        return begun["UploadId"]

    def part_link(self, token: str, upload_id: str, number: int, size: int, sha256: str, *, seconds: int) -> PartLink:
        """A link for one part of `size` bytes with this digest (base64), which holds for `seconds`."""
        named = {"Bucket": self._bucket, "Key": inbox_key(token), "UploadId": upload_id}
        signed = {"PartNumber": number, "ContentLength": size, "ChecksumSHA256": sha256}
        url = self._client.generate_presigned_url("upload_part", Params=named | signed, ExpiresIn=seconds)
        return PartLink(url, {"x-amz-checksum-sha256": sha256})

    def complete(self, token: str, upload_id: str, most_bytes: int) -> None:
        """Make one object of all parts that are there.

        Raises:
            UploadGoneError: there is no such upload.
            UploadIncompleteError: it has no parts, or it is larger than `most_bytes` and was given up.
        """
        key = inbox_key(token)
        with _typed_s3_errors():
            pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=key, UploadId=upload_id)
            parts = retried(lambda: [part for page in pages for part in page.get("Parts", [])])
        if not parts:
            raise UploadIncompleteError("no part of the upload has arrived; send its parts first")
        if sum(part["Size"] for part in parts) > most_bytes:
            self.give_up(token, upload_id)
            raise UploadIncompleteError(f"the upload has more than {most_bytes} bytes and was given up; split it")
        named = [
            {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
            | ({"ChecksumSHA256": part["ChecksumSHA256"]} if "ChecksumSHA256" in part else {})
            for part in parts
        ]
        with _typed_s3_errors():
            retried(
                lambda: self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": named},  # type: ignore[typeddict-item]
                )
            )

    def give_up(self, token: str, upload_id: str) -> None:
        """Throw away what has arrived of an upload; one that is gone already is given up, too."""
        named = {"Bucket": self._bucket, "Key": inbox_key(token), "UploadId": upload_id}
        with suppress(UploadGoneError), _typed_s3_errors():
            retried(lambda: self._client.abort_multipart_upload(**named))  # type: ignore[arg-type]


@contextmanager
def _typed_s3_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error_code(error) == "NoSuchUpload":
            raise UploadGoneError("there is no such upload: it was completed or given up, or has expired") from None
        raise


def inbox_key(token: str) -> str:
    """Where an object that the page sends lies: a name that says nothing."""
    return f"page/{token}"
