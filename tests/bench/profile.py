"""Where the processor's time of a scan goes, from its upload to its answer: docs/profile.png.

    python -m tests.bench.profile       # a DICOM series of 48 slices of 256 x 256, through intake and analyze

Processor time of our own process; moto, which answers for AWS, has its own. What threads do at the same time is done
one after the other here. A profiler slows Python and not the libraries beneath it: shares of Python are upper bounds.
"""

import cProfile
import pstats
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from matplotlib import pyplot as plt

from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.intake import intake
from brainscan.store.upload import Upload
from brainscan_local.backend import Backend
from brainscan_local.paths import checkout
from tests.bench.cost import SLICES, batches, exported_series

PICTURE = checkout() / "docs/profile.png"
PARTS = {
    "botocore": "requests to AWS",
    "boto3": "requests to AWS",
    "urllib3": "requests to AWS",
    "http": "requests to AWS",
    "ai_edge_litert": "network",
    "pydicom": "reading DICOM",
    "PIL": "writing and resizing images",
    "brainscan": "our own Python",
    "pydantic": "parsing and writing records",
    "json": "parsing and writing records",
    "numpy": "arithmetic on pixels",
}
"""What packages are for; the rest is Python's own."""
THREADS = ("pipeline.analyze.Threads", "pipeline.expand.Threads", "store.table.client.Threads")


class Inline(Executor):
    """Runs what it is given at once, where the profiler sees it."""

    def __init__(self, *_: Any) -> None:
        """As pools are made."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """The answer, or what was raised."""
        done: Future[Any] = Future()
        try:
            done.set_result(function(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


def profiled(stats: pstats.Stats) -> dict[str, float]:
    """Seconds by what they are spent on."""
    total: defaultdict[str, float] = defaultdict(float)
    for (file, _, _), (_, _, own, _, callers) in stats.stats.items():  # type: ignore[attr-defined]
        if file == "~":  # of C: what it is for, its callers say
            for (caller, _, _), (_, _, of_it, _) in callers.items():
                total[_part(caller)] += of_it
        else:
            total[_part(file)] += own
    return dict(total)


def _part(file: str) -> str:
    names = Path(file).parts
    return next((PARTS[name] for name in reversed(names) if name in PARTS), "Python's library")


def main() -> None:
    """Profile, print and draw."""
    profiler = cProfile.Profile(time.process_time)
    with Backend() as aws, ExitStack() as patched:
        for name in THREADS:
            patched.enter_context(patch(f"brainscan.{name}", Inline))
        patched.enter_context(patch("brainscan.pipeline.predict.ThreadPoolExecutor", Inline))
        services = aws.services(aws.client)
        [(key, data)] = exported_series()
        bucket = aws.name("UploadsBucket")
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=data)
        network = Model.load(checkout() / "functions/analyze/model")
        profiler.enable()
        intake(Upload(bucket, key, received_at=datetime.now(UTC)), services)
        profiler.disable()
        for scans in batches(aws):
            profiler.enable()
            analyze(scans, services, network)
            profiler.disable()
    found = sorted(profiled(pstats.Stats(profiler)).items(), key=lambda each: each[1])
    for name, seconds in reversed(found):
        print(f"{name}: {seconds / SLICES * 1000:.1f} ms a scan")
    _, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    axes.barh([name for name, _ in found], [seconds / SLICES * 1000 for _, seconds in found], color="#3b6ea5")
    axes.set_xlabel("milliseconds a slice under the profiler, intake and analyze")
    axes.spines[["top", "right"]].set_visible(False)
    plt.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
