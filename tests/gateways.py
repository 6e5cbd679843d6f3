"""The gateway's command in a process of its own, and a bucket behind an address that can go away."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.config import Config
from moto.server import ThreadedMotoServer
from pydicom import dcmread

from tests.making import present

BUCKET = "uploads"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bucket:
    """A bucket behind an address of its own, which can go away and come back."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def s3(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"total_max_attempts": 5}),
        )

    def go_away(self) -> None:
        self._server.stop()

    def come_back(self) -> None:
        """Moto keeps its buckets in the process."""
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()

    def images(self) -> list[bytes]:
        """Every image in every version of every object."""
        found = []
        for version in self.s3.list_object_versions(Bucket=BUCKET).get("Versions", []):
            body = self.s3.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                found += [archive.read(name) for name in archive.namelist()]
        return found


class Gateway:
    """The command in a process of its own."""

    def __init__(self, folder: Path, bucket: Bucket, *options: str, port: int | None = None) -> None:
        self.port = free_port() if port is None else port
        command = [sys.executable, "-c", "from brainscan.cli.main import app; app()", "gateway", "--to", BUCKET]
        command += ["--port", str(self.port), "--spool", str(folder), "--quiet", "0.5", *options]
        environment = os.environ | {
            "AWS_ENDPOINT_URL": bucket.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert b"listens on" in present(self.process.stdout).readline()

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=30)[0].decode()
        assert self.process.returncode == 0, said
        return said


def wait_for(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


def uids(images: Sequence[bytes]) -> list[str]:
    return sorted(str(dcmread(io.BytesIO(each), stop_before_pixels=True).SOPInstanceUID) for each in images)
