"""One function container behind AWS's runtime interface emulator, as Lambda would start it."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.container.engine import Container, Engine
from tests.container.images import ANALYZE

INVOCATIONS = "/2015-03-31/functions/function/invocations"
MIB_PER_VCPU = 1769
ANSWER_S = 300


@dataclass(frozen=True)
class Environment:
    """A Lambda execution environment: its container, and the moment at which starting it began."""

    container: Container
    begun: float

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """The function's answer to one event; waits for the emulator to listen.

        Raises:
            TimeoutError: no answer.
        """
        url = f"http://{self.container.address}:8080{INVOCATIONS}"
        request = urllib.request.Request(url, json.dumps(event).encode())
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310
                    return json.loads(answer.read())
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionRefusedError):
                    raise
                time.sleep(0.02)
        raise TimeoutError(self.container.logs()[-2000:])


@contextmanager
def environment(engine: Engine, variables: Mapping[str, str], memory_mb: int) -> Iterator[Environment]:
    """Start the function with Lambda's limits: memory, its share of the cores, a read-only root, a writable /tmp."""
    cores = min(memory_mb / MIB_PER_VCPU, float(engine.docker("info", "--format", "{{.NCPU}}")))
    arguments = [part for name, value in variables.items() for part in ("--env", f"{name}={value}")]
    limits = [
        "--read-only",
        "--tmpfs=/tmp:size=512m",
        f"--memory={memory_mb}m",
        f"--memory-swap={memory_mb}m",
        f"--cpus={cores:.2f}",
    ]
    begun = time.perf_counter()
    with engine.container(*limits, *arguments, ANALYZE) as container:
        yield Environment(container, begun)
