"""A gateway outlives a disk that is full and a ledger that is locked, and tells them from a port that is taken."""

import errno
import io
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from typer.testing import CliRunner, Result

from brainscan.cli import gateway
from brainscan.cli.main import app
from brainscan.gateway import study_sender
from brainscan.gateway.spool import Spool
from brainscan.gateway.study_sender import StudySender
from brainscan.settings import Limits
from brainscan.uploads import bundles
from brainscan.uploads.ledger import BundleState, Ledger
from brainscan_local.phantom import head, to_dicom
from tests.conftest import World

FULL = OSError(errno.ENOSPC, "No space left on device", "/spool/of/a/patient")


def full(*_: Any) -> None:
    raise FULL


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The gateway's handlers of signals end with its test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def run(folder: Path, port: int = 0) -> Result:
    return CliRunner().invoke(app, ["gateway", "--to", "uploads", "--port", str(port), "--spool", str(folder)])


@pytest.mark.parametrize(
    ("trouble", "told"), [(FULL, "No space left on device"), (sqlite3.OperationalError("locked"), "OperationalError")]
)
def test_trouble_with_the_disk_is_a_line_and_a_longer_pause_and_then_it_goes_on(
    aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: Exception, told: str
) -> None:
    rounds: list[Exception | tuple[int, int]] = [trouble, trouble, (1, 1)]

    def send_ready(_: StudySender) -> tuple[int, int]:
        found = rounds.pop(0)
        if isinstance(found, Exception):
            raise found
        os.kill(os.getpid(), signal.SIGTERM)
        return found

    monkeypatch.setattr(StudySender, "send_ready", send_ready)
    monkeypatch.setattr(gateway, "ROUND_S", 0.01)
    done = run(tmp_path)
    assert done.exit_code == 0, done.output
    lines = [line for line in done.output.splitlines() if line.startswith("this disk refuses")]
    assert lines == [f"this disk refuses ({told}): nothing is lost; again in 0 s"] * 2
    assert "1 bundle sent" in done.output
    assert "1 image kept in left-out" in done.output
    assert "taken" not in done.output


def test_a_port_that_is_taken_is_told_as_such(aws: None, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run(tmp_path, other.getsockname()[1])
    assert done.exit_code == gateway.PORT_IN_USE
    assert "is taken" in done.output


def test_of_an_image_that_the_disk_does_not_take_nothing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        spool.add(b"an image", "1.2.3")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_bundles_leave_a_full_disk_and_what_could_not_be_packed_follows_once_there_is_room(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)

    def receive(seed: int) -> None:
        for image in to_dicom(head(seed=seed, lesion=None, size=64, slices=2), str(seed)):
            spool.add(image, str(dcmread(io.BytesIO(image)).StudyInstanceUID))

    with Ledger(tmp_path, "uploads") as ledger:
        sender = StudySender(spool, ledger, world.s3, "uploads", None, 0, Limits(), "north")
        receive(1)
        with monkeypatch.context() as away:
            away.setattr(study_sender, "send", full)
            with pytest.raises(OSError, match="No space"):
                sender.send_ready()
        assert len(ledger.bundles(BundleState.PACKED)) == 1
        receive(2)
        with monkeypatch.context() as crowded:
            crowded.setattr(bundles, "_pack", full)
            with pytest.raises(OSError, match="No space"):
                sender.send_ready()
        assert len(ledger.bundles(BundleState.SENT)) == 1
        assert spool.waiting() == 2
        assert sender.send_ready() == (1, 0)
