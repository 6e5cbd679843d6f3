"""Events as an AWS-shaped S3 announces them: `python -m tests.container.capture` keeps them in tests/data/events/."""

import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3

from tests.container.engine import ROOT

MINISTACK = ROOT / ".venv-ministack/bin/ministack"
EVENTS = ROOT / "tests/data/events"
KEY = "folder/Kopf 1+2 ü.png"
"""Every kind of character that a key's encoding treats in its own way."""


def capture(client: Any) -> dict[str, Any]:
    """Message bodies of what happens to one object in a versioned bucket, by what happens.

    Args:
        client: Gives a client of a service's name.
    """
    s3, sqs = client("s3"), client("sqs")
    bucket = "captured"
    url = sqs.create_queue(QueueName="captured")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    events = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
    found = {}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [events]})
    found["test"] = _next(sqs, url)
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"scan")
    found["put"] = _next(sqs, url)
    s3.copy_object(Bucket=bucket, Key=KEY, CopySource={"Bucket": bucket, "Key": KEY}, MetadataDirective="REPLACE")
    found["copy"] = _next(sqs, url)
    upload = s3.create_multipart_upload(Bucket=bucket, Key=KEY)["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key=KEY, UploadId=upload, PartNumber=1, Body=b"scan")
    parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket=bucket, Key=KEY, UploadId=upload, MultipartUpload=parts)
    found["multipart"] = _next(sqs, url)
    s3.delete_object(Bucket=bucket, Key=KEY)
    found["delete"] = _next(sqs, url)
    return found


def shape(value: Any) -> Any:
    """Names and kinds of values, without the values."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


def _next(sqs: Any, url: str) -> Any:
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])


def main() -> None:
    """Start the emulator on the loopback, capture, and end it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as home:
        told = {"PATH": os.environ["PATH"], "HOME": home, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        told |= {"IOT_MTLS_ENABLED": "0", "STATE_DIR": f"{home}/state", "S3_DATA_DIR": f"{home}/s3"}
        emulator = subprocess.Popen([str(MINISTACK)], env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _wait(f"{endpoint}/_ministack/ready")
            keys: dict[str, Any] = {
                "aws_access_key_id": "testing",
                "aws_secret_access_key": "testing",
                "region_name": "us-east-1",
            }
            found = capture(lambda service: boto3.client(service, endpoint_url=endpoint, **keys))
        finally:
            emulator.terminate()
            emulator.wait(30)
    EVENTS.mkdir(parents=True, exist_ok=True)
    for name, body in found.items():
        Path(EVENTS / f"{name}.json").write_text(json.dumps(body, indent=2, ensure_ascii=False) + "\n")


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own loopback
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise TimeoutError(url)


if __name__ == "__main__":
    main()
