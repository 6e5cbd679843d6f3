"""moto in a process of its own: it does not share an interpreter lock with the functions that call it."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

import brainscan
import brainscan_local
from brainscan.domain import BrainscanError

HOST = "127.0.0.1"
START_TIMEOUT_S = 60.0


class ServerError(BrainscanError):
    """The local AWS did not start."""


class MotoServer:
    """A child process that answers as AWS does, on a free port; it ends with this process at the latest.

    Importing moto takes a second or two: `MotoServer()` returns at once, `url` waits.

    Args:
        host: The address to listen on; containers reach a bridge's, and only this process the loopback's.
        lambda_url: Where state machines invoke functions.
    """

    def __init__(self, host: str = HOST, lambda_url: str | None = None) -> None:
        self._host = host
        packages = [str(Path(module.__path__[0]).parent) for module in (brainscan_local, brainscan)]
        path = os.pathsep.join(filter(None, [*packages, os.environ.get("PYTHONPATH")]))
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - `stop` closes it
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "brainscan_local.server", host, *filter(None, [lambda_url])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=os.environ | {"PYTHONPATH": path},
        )
        self._url = ""

    @property
    def url(self) -> str:
        """Where to reach it.

        Raises:
            ServerError: it ended, or did not start within a minute.
        """
        if not self._url:
            self._url = f"http://{self._host}:{self._port()}"
        return self._url

    def _port(self) -> int:
        watchdog = threading.Timer(START_TIMEOUT_S, self._process.kill)
        watchdog.start()
        try:
            told = self._process.stdout.readline() if self._process.stdout else b""
        finally:
            watchdog.cancel()
        if not told:
            self._process.wait()
            self._complaints.seek(0)
            raise ServerError(f"moto did not start: {self._complaints.read()[-2000:].decode(errors='replace')}")
        return int(told)

    def stop(self) -> None:
        """End the process, and with it all that it held."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            if stream:
                stream.close()


def main() -> None:
    """Print the port, then serve until standard input ends, which it does when the parent does."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

    from brainscan_local import moto_dynamodb, moto_s3, moto_sqs, moto_stepfunctions

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; what it means is the parent's
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    # moto lists its own folder to dispatch each request: a third of what a small one costs.
    dispatcher: Any = DomainDispatcherApplication
    dispatcher.get_backend_for_host = cache(dispatcher.get_backend_for_host)
    moto_dynamodb.patch()
    moto_s3.patch()
    moto_sqs.patch()
    [host, *functions] = sys.argv[1:]
    server = ThreadedMotoServer(host, 0, verbose=False)
    moto_stepfunctions.patch(lambda: f"http://{host}:{server.get_host_and_port()[1]}", next(iter(functions), None))
    server.start()
    print(server.get_host_and_port()[1], flush=True)  # noqa: T201 - the parent reads it
    sys.stdin.read()


if __name__ == "__main__":
    main()
