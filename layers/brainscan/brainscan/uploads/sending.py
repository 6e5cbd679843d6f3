"""A bundle on this disk -> an object in the uploads bucket, once; an upload that was cut goes on where it stopped."""

import base64
import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from brainscan.settings import MIB
from brainscan.store.errors import error_code
from brainscan.store.uploaded_objects import SENDER_METADATA, sender_metadata
from brainscan.uploads.ledger import Bundle, Ledger

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

PART_BYTES: Final = 8 * MIB
"""What is sent again at most after a cut. S3 wants 5 MiB at least, and takes 10,000 parts."""

PARALLEL: Final = 4
"""Parts that are under way at once."""

OnSent = Callable[[int], None]
"""Is told how many bytes more are in the bucket."""


def _nobody(_: int) -> None:
    """For those who show no progress."""


def send(
    bundle: Bundle,
    ledger: Ledger,
    s3: "S3Client",
    bucket: str,
    site: str | None = None,
    on_sent: OnSent = _nobody,
) -> None:
    """Bring a packed bundle into the bucket, and record it; where it is there already, nothing is sent.

    S3 compares every part with its SHA-256. The object's metadata name the bundle, so that it is found again, and the
    site that it comes from.

    Raises:
        botocore.exceptions.BotoCoreError, ClientError: it could not be sent; the next call goes on.
    """
    if _is_there(bundle, s3, bucket):
        on_sent(bundle.size)
    else:
        upload_id = bundle.upload_id or _begin(bundle, ledger, s3, bucket, site)
        try:
            _send_parts(bundle, upload_id, ledger.spooled(bundle), s3, bucket, on_sent)
        except ClientError as error:
            if error_code(error) != "NoSuchUpload" or bundle.upload_id is None:
                raise
            ledger.set_upload(bundle, None)  # it expired, or was given up by somebody else: once more from the start
            return send(replace(bundle, upload_id=None), ledger, s3, bucket, site, on_sent)
    ledger.set_sent(bundle, datetime.now(UTC).isoformat())
    return None


def _is_there(bundle: Bundle, s3: "S3Client", bucket: str) -> bool:
    try:
        found = s3.head_object(Bucket=bucket, Key=bundle.key)
    except ClientError as error:
        if error_code(error) in {"404", "NoSuchKey", "NotFound", "403", "AccessDenied"}:
            return False  # without the right to list, S3 says 403 of what is not there
        raise
    return found["ContentLength"] == bundle.size and found["Metadata"].get(SENDER_METADATA) == bundle.bundle_id


def _begin(bundle: Bundle, ledger: Ledger, s3: "S3Client", bucket: str, site: str | None) -> str:
    begun = s3.create_multipart_upload(
        Bucket=bucket,
        Key=bundle.key,
        ContentType="application/zip",
        ChecksumAlgorithm="SHA256",
        Metadata=sender_metadata(bundle.bundle_id, site),
    )
    ledger.set_upload(bundle, begun["UploadId"])
    return begun["UploadId"]


def _send_parts(bundle: Bundle, upload_id: str, path: Path, s3: "S3Client", bucket: str, on_sent: OnSent) -> None:
    named: Any = {"Bucket": bucket, "Key": bundle.key, "UploadId": upload_id}
    pages = s3.get_paginator("list_parts").paginate(**named)
    there = {part["PartNumber"]: part for page in pages for part in page.get("Parts", [])}

    def sent(number: int) -> dict[str, Any]:
        with path.open("rb") as file:
            file.seek((number - 1) * PART_BYTES)
            body = file.read(PART_BYTES)
        checksum = base64.b64encode(hashlib.sha256(body).digest()).decode()
        part: Any = there.get(number)
        if part is None or part.get("ChecksumSHA256", checksum) != checksum:
            part = s3.upload_part(**named, PartNumber=number, Body=body, ChecksumSHA256=checksum)
        on_sent(len(body))
        return {"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": checksum}

    with ThreadPoolExecutor(PARALLEL) as pool:
        parts = list(pool.map(sent, range(1, -(-bundle.size // PART_BYTES) + 1)))
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})  # type: ignore[typeddict-item]
