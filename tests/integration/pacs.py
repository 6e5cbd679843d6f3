"""A real PACS for the tests: Orthanc with DICOMweb, in a network of its own that only this process can reach."""

import base64
import ctypes
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
HTTP_PORT, DICOM_PORT = 8042, 4242
USER, PASSWORD = "brainscan", "secret of the PACS"
CLONE_NEWNET = 0x40000000


def why_not() -> str:
    """Why there can be no PACS here; empty if there can."""
    if which("Orthanc") is None or not PLUGIN.exists() or which("storescu") is None:
        return "Orthanc, its DICOMweb plugin or storescu is not installed (Debian: orthanc orthanc-dicomweb dcmtk)"
    if os.geteuid() or which("ip") is None:
        return "giving Orthanc a network of its own takes root and ip (Debian: iproute2)"
    return ""


@contextmanager
def own_network() -> Iterator[None]:
    """A network namespace with nothing but 127.0.0.1, for this thread and all that it starts.

    Orthanc listens on every address; here there is but one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        if libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "no network namespace can be made")
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(home)


@dataclass
class Pacs:
    """A running Orthanc."""

    folder: Path

    @property
    def web(self) -> DICOMwebClient:
        """QIDO, WADO and STOW."""
        return DICOMwebClient(self.stow_url, session=create_session_from_user_pass(USER, PASSWORD))

    @property
    def stow_url(self) -> str:
        return f"http://127.0.0.1:{HTTP_PORT}/dicom-web"

    def push(self, images: Sequence[bytes]) -> None:
        """Send images as a scanner does, by C-STORE."""
        paths = []
        for number, image in enumerate(images):
            path = self.folder / f"push-{number}.dcm"
            path.write_bytes(image)
            paths.append(str(path))
        subprocess.run(["storescu", "-aec", "ORTHANC", "127.0.0.1", str(DICOM_PORT), *paths], check=True)
        for each in paths:
            Path(each).unlink()

    def studies(self) -> list[str]:
        """Orthanc's own names of the studies that it has."""
        return list(json.loads(self.get("/studies")))

    def media(self, study: str) -> bytes:
        """A study as a ZIP with DICOMDIR, as it would be burnt on a disc."""
        return self.get(f"/studies/{study}/media")

    def get(self, path: str) -> bytes:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: object = None) -> bytes:
        """What its REST interface answers."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{HTTP_PORT}{path}", data=data, method=method)
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - to 127.0.0.1
            answered: bytes = answer.read()
        return answered


@contextmanager
def orthanc(folder: Path) -> Iterator[Pacs]:
    """Orthanc with its data below `folder`; `own_network` must be entered."""
    settings = {
        "Name": "tests",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpPort": HTTP_PORT,
        "DicomPort": DICOM_PORT,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "DicomAlwaysAllowStore": True,
        "UnknownSopClassAccepted": True,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    config = folder / "orthanc.json"
    config.write_text(json.dumps(settings))
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(["Orthanc", str(config)], stdout=log, stderr=log)
        try:
            pacs = Pacs(folder)
            _wait_until_it_answers(pacs, process)
            yield pacs
        finally:
            process.terminate()
            process.wait()


def _wait_until_it_answers(pacs: Pacs, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            pacs.get("/system")
            return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((pacs.folder / "orthanc.log").read_text()[-2000:]) from None
            time.sleep(0.2)
