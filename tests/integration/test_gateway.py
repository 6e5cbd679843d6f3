"""Orthanc sends to the gateway as any PACS does, dcmtk does, and the answers are back in Orthanc without DICOMweb."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from brainscan_local.phantom import GLIOMA, head, to_dicom
from brainscan_local.stack import LocalStack
from tests.integration.pacs import DICOM_PORT, Pacs

GATEWAY_PORT = 11112


@pytest.fixture(scope="module")
def stack(pacs: Pacs) -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("gateway")
    command = [sys.executable, "-c", "from brainscan.cli.main import app; app()", "gateway"]
    command += ["--to", stack.uploads_bucket, "--table", stack.table_name, "--results", stack.results_bucket]
    command += ["--spool", str(folder), "--quiet", "2", "--no-deidentify"]
    command += ["--return", f"ORTHANC@127.0.0.1:{DICOM_PORT}", "--port", str(GATEWAY_PORT)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=os.environ | {"PYTHONUNBUFFERED": "1"}, stdout=log, stderr=log)
        try:
            wait_for(listens, 60)
            yield folder
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def listens() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", GATEWAY_PORT)) == 0


def wait_for(condition: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.5)


def test_a_study_goes_from_orthanc_through_the_gateway_and_its_reports_come_back(
    pacs: Pacs, stack: LocalStack, gateway: Any
) -> None:
    images = to_dicom(head(seed=1, lesion=GLIOMA), "ONE")
    pacs.push(images)
    [study] = pacs.studies()
    pacs.ask("PUT", "/modalities/brainscan", ["BRAINSCAN", "127.0.0.1", GATEWAY_PORT])
    pacs.ask("POST", "/modalities/brainscan/echo", {})
    pacs.ask("POST", "/modalities/brainscan/store", study)

    def modalities() -> list[str]:
        found = pacs.web.search_for_instances(fields=["Modality"])
        return sorted(each["00080060"]["Value"][0] for each in found)

    wait_for(lambda: {"SEG", "SR"} <= set(modalities()), 240)
    time.sleep(5)
    assert modalities().count("MR") == len(images)
    assert modalities().count("SEG") == modalities().count("SR") == 1
    seg = next(
        each for each in pacs.web.search_for_instances(fields=["Modality"]) if each["00080060"]["Value"] == ["SEG"]
    )
    assert seg["0020000D"]["Value"] == [str(dcmread(io.BytesIO(images[0])).StudyInstanceUID)]
    listed = stack.client("s3").list_object_versions(Bucket=stack.uploads_bucket)["Versions"]
    assert len(listed) == 1
    wait_for(lambda: "reports of 1 series returned" in (gateway / "log").read_text(), 30)
    assert "PHANTOM" not in (gateway / "log").read_text()


def test_dcmtk_is_answered_too(gateway: Any, tmp_path: Path) -> None:
    for number, image in enumerate(to_dicom(head(seed=2, lesion=None, size=64, slices=4), "TWO")):
        (tmp_path / f"{number}.dcm").write_bytes(image)
    sender = ["storescu", "-aec", "BRAINSCAN", "127.0.0.1", str(GATEWAY_PORT), "+sd", str(tmp_path)]
    assert subprocess.run(sender, check=False).returncode == 0
    refused = ["storescu", "-aec", "OTHER", "127.0.0.1", str(GATEWAY_PORT), "+sd", str(tmp_path)]
    assert subprocess.run(refused, check=False, capture_output=True).returncode != 0
