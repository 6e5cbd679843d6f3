"""A link that the API hands out opens one object, as one file, for a while; an S3 that verifies it refuses the rest."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import boto3
import pytest

from brainscan.api.links import Presigner
from brainscan.domain import Outcome, TumorClass
from brainscan.services import results
from brainscan.settings import Settings
from brainscan.store import Results
from tests.container.stack import MINISTACK, READY_S
from tests.making import a_record, analyzed, png

HOST = "127.0.0.1"
BUCKET = "results"
RECORD = analyzed(a_record(), TumorClass.GLIOMA, 0.9).model_copy(
    update={
        "outcome": Outcome.ANALYZED,
        "mask_key": "results/some scan/mask.png",
        "image_key": "results/some scan/image.png",
    }
)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 that knows whose signatures it takes; no function, and so no container, is behind it."""
    home = tmp_path_factory.mktemp("ministack")
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "IOT_MTLS_ENABLED": "0",
    }
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([str(MINISTACK)], env=environment, stdout=log, stderr=log)
    try:
        _wait(f"http://{HOST}:{port}/_ministack/ready", home / "log")
        yield f"http://{HOST}:{port}"
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Results:
    """The results bucket as the API has it, with a scan's image and mask."""
    told = {"AWS_ENDPOINT_URL": endpoint, "AWS_DEFAULT_REGION": "us-east-1"}
    told |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    told |= {"BRAINSCAN_RESULTS_BUCKET": BUCKET, "BRAINSCAN_TABLE_NAME": "scans"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    found = results(Settings.read())
    for seed, key in enumerate((RECORD.mask_key, RECORD.image_key)):
        found.put(str(key), png(20, seed=seed), "image/png")
    return found


def _wait(url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own loopback
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
    raise TimeoutError(log.read_text()[-3000:])


def mask_link(bucket: Results, seconds: int) -> str:
    [url] = [link.url for link in Presigner(bucket, seconds).of_scan(RECORD) if link.name == "mask"]
    return url


def refusal(url: str) -> tuple[int, str]:
    """Status and text of an answer that is none."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, timeout=60)  # noqa: S310 - our own loopback
    return refused.value.code, refused.value.read().decode()


def test_a_link_opens_its_object_as_the_file_it_should_be_until_it_ends(bucket: Results) -> None:
    ending = mask_link(bucket, 1)
    with urllib.request.urlopen(mask_link(bucket, 60), timeout=60) as answer:  # noqa: S310 - our own loopback
        assert answer.read() == bucket.get(str(RECORD.mask_key))
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Content-Disposition"].endswith(f'filename="brainscan-{RECORD.scan_id[:12]}-mask.png"')
    time.sleep(2)
    status, text = refusal(ending)
    assert (status, "Request has expired" in text) == (403, True)


@pytest.mark.parametrize(
    ("signed", "forged"),
    [
        ("X-Amz-Expires=60", "X-Amz-Expires=600000"),
        (quote("some scan/mask.png"), quote("some scan/image.png")),
        ("image%2Fpng", "text%2Fhtml"),
        ("-mask.png", "-other.exe"),
    ],
    ids=["a longer life", "another object", "another type", "another name"],
)
def test_no_part_of_a_link_can_be_changed(bucket: Results, signed: str, forged: str) -> None:
    link = mask_link(bucket, 60)
    assert signed in link
    status, text = refusal(link.replace(signed, forged))
    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
