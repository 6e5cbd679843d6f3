"""The local AWS is a process that nobody needs to clean up after."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ORPHAN = """
import os, time
from brainscan_local.server import MotoServer
server = MotoServer()
print(server.url, server._process.pid, flush=True)
time.sleep(60)
"""


def test_the_server_ends_with_the_process_that_started_it() -> None:
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True, env=_with_package())
    assert parent.stdout
    _, child = parent.stdout.readline().split()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 30
    while _runs(int(child)):
        assert time.monotonic() < deadline, "the server outlived its parent"
        time.sleep(0.05)


def _with_package() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "layers/brainscan")}


def _runs(pid: int) -> bool:
    """Whether a process still does something; one that nobody waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
