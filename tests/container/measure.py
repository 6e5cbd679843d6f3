"""Cold start, latency, throughput and memory of the container: the table of docs/container.md.

What is measured goes to infra/cost/measured.json, from which `tests/bench/cost.py` computes what a scan costs.
"""

import itertools
import json
import statistics
import time
from typing import Any

from tests.container.backend import ContainerBackend
from tests.container.emulated import MIB_PER_VCPU, Environment, environment
from tests.container.engine import HOME, ROOT, Engine, engine, why_not
from tests.container.images import make_base, sam_build
from tests.making import png

MEMORIES_MB = (1769, 3008, 10240)
BATCH = 8
REPEATS = 5
SEEDS = itertools.count()
MEASURED = ROOT / "infra/cost/measured.json"


def measure(running: Engine, backend: ContainerBackend, memory_mb: int) -> dict[str, Any]:
    """One execution environment: its first answer, then single scans, then full batches."""
    events = [_event(backend, scans) for scans in (1, *[1] * REPEATS, *[BATCH] * REPEATS)]
    variables = backend.variables("Analyze") | {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb)}
    with environment(running, variables, memory_mb) as started:
        started.invoke(events[0])
        cold_s = time.perf_counter() - started.begun
        single_s = statistics.median(_timed(started, event) for event in events[1 : 1 + REPEATS])
        batch_s = statistics.median(_timed(started, event) for event in events[1 + REPEATS :])
        return {
            "memory_mb": memory_mb,
            "cores": round(min(memory_mb / MIB_PER_VCPU, int(running.docker("info", "--format", "{{.NCPU}}"))), 2),
            "cold_start_s": round(cold_s, 2),
            "warm_one_s": round(single_s, 3),
            "warm_batch_s": round(batch_s, 3),
            "scans_per_s": round(BATCH / batch_s, 1),
            "peak_mib": round(started.container.peak_mib),
        }


def _event(backend: ContainerBackend, scans: int) -> dict[str, Any]:
    """Scans that nobody has seen before, queued."""
    backend.take_in([png(256, seed=next(SEEDS)) for _ in range(scans)])
    return backend.event(scans)


def _timed(started: Environment, event: dict[str, Any]) -> float:
    begin = time.perf_counter()
    started.invoke(event)
    return time.perf_counter() - begin


def main() -> None:
    """Measure, print and keep."""
    if reason := why_not():
        raise SystemExit(reason)
    with engine(HOME / "engine") as running:
        make_base(running)
        sam_build(running, HOME / "sam")
        with ContainerBackend() as backend:
            rows = [measure(running, backend, memory_mb) for memory_mb in MEMORIES_MB]
    MEASURED.write_text(json.dumps(rows, indent=2) + "\n")
    print("| MB | cores | cold start, s | one scan, s | batch of 8, s | scans a second | peak memory, MiB |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        names = ("memory_mb", "cores", "cold_start_s", "warm_one_s", "warm_batch_s", "scans_per_s", "peak_mib")
        print("| " + " | ".join(str(row[name]) for name in names) + " |")


if __name__ == "__main__":
    main()
