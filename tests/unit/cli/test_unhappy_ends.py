"""A reader that goes away, a full disk and an interruption end `analyze` in a line, and what was done stays usable."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.making import png, present

FULL = Path("/dev/full")
INPUTS = 400
NOISE = ("INFO: Created TensorFlow Lite", "analyzing:")


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    for seed in range(INPUTS):
        (folder / f"{seed:03d}.png").write_bytes(png(48, seed))
    return folder


def analyzing(scans: Path, out: Path, stdout: Any, *python: str) -> subprocess.Popen[str]:
    program = "from brainscan.cli.main import app; app(prog_name='brainscan')"
    told = [sys.executable, *python, "-c", program, "analyze", str(scans), "--out", str(out), "--json"]
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.Popen(
        told, stdout=stdout, stderr=subprocess.PIPE, text=True, preexec_fn=_interruptible, env=usual
    )


def _interruptible() -> None:
    """Whatever runs the tests in the background may have told its children to ignore interruptions."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def said(process: subprocess.Popen[str]) -> list[str]:
    """What it wrote to the terminal; not what LiteRT writes there, nor the bar."""
    _, text = process.communicate(timeout=240)
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines()]
    return [line for line in lines if line and not line.startswith(NOISE)]


def usable(out: Path) -> int:
    """How many answers are whole, in the listing and beside it."""
    lines = (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
    paths = [json.loads(line)["path"] for line in lines]
    for path in paths:
        json.loads((out / f"{Path(path).stem}.result.json").read_text(encoding="utf-8"))
    return len(paths)


def test_a_reader_that_goes_away_ends_it_in_silence(scans: Path, tmp_path: Path) -> None:
    process = analyzing(scans, tmp_path, subprocess.PIPE)
    first = json.loads(present(process.stdout).readline())
    present(process.stdout).close()
    process.stdout = None
    assert first["path"].endswith("000.png")
    assert said(process) == []
    assert process.returncode == 1
    assert 1 <= usable(tmp_path) < INPUTS


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("python", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_a_full_disk_ends_it_in_a_line(scans: Path, tmp_path: Path, python: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        process = analyzing(scans, tmp_path, full, *python)
        assert said(process) == ["stopped: No space left on device; what was written before stays usable"]
    assert process.returncode == 3
    assert usable(tmp_path) >= 1


@pytest.mark.skipif(not hasattr(fcntl, "F_SETPIPE_SZ"), reason="pipes of this system have one size")
def test_an_interruption_ends_it_in_a_line(scans: Path, tmp_path: Path) -> None:
    process = analyzing(scans, tmp_path, subprocess.PIPE)
    fcntl.fcntl(present(process.stdout), fcntl.F_SETPIPE_SZ, 4096)  # a tenth of what it writes: it waits for its reader
    present(process.stdout).readline()
    process.send_signal(signal.SIGINT)
    told = said(process)
    assert told == ["interrupted: what was written before stays usable"]
    assert process.returncode == 130
    assert 1 <= usable(tmp_path) < INPUTS
