"""Orthanc sends to a gateway that is killed meanwhile: `python -m tests.bench.gateway`, what arrived, and when.

The gateway is killed each time that it took another share of the slices; Orthanc sends again what it was refused, from
the first slice on. It takes Orthanc and root (`tests/integration/pacs.py`). Fails where a slice is lost or sent twice.
"""

import argparse
import json
import logging
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.gateways import Bucket, Gateway, free_port, uids, wait_for
from tests.integration.pacs import Pacs, orthanc, own_network, why_not

STUDIES: Final = 5
PUSHED_AT_ONCE: Final = 200
LONGEST_S: Final = 900


def main() -> None:
    """Measure, and print what arrived."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--slices", type=int, default=2000)
    arguments.add_argument("--kills", type=int, default=3)
    told = arguments.parse_args()
    if reason := why_not():
        sys.exit(reason)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # every request of the bucket
    instances = [each for study in studies(told.slices // STUDIES) for each in study]
    with tempfile.TemporaryDirectory() as folder, own_network(), orthanc(Path(folder)) as pacs:
        for first in range(0, len(instances), PUSHED_AT_ONCE):
            pacs.push(instances[first : first + PUSHED_AT_ONCE])
        bucket = Bucket()
        try:
            seconds, again = sent_through(pacs, bucket, Path(folder) / "spool", len(instances), told.kills)
            arrived = uids(bucket.images())
        finally:
            bucket.go_away()
    expected = uids(instances)
    lost, twice = len(set(expected) - set(arrived)), len(arrived) - len(set(arrived))
    print(f"{len(expected):,} slices by Orthanc, gateway killed {told.kills} times, sent again {again} times:")
    print(f"{lost} lost, {twice} twice, all in the bucket after {seconds:.0f} s")
    if lost or twice or arrived != expected:
        sys.exit("the gateway broke its promise")


def studies(slices: int) -> Iterator[Sequence[bytes]]:
    """Small ones, each of another patient."""
    for seed in range(1, STUDIES + 1):
        yield to_dicom(head(seed, GLIOMA, size=48, slices=slices), str(seed))


def sent_through(pacs: Pacs, bucket: Bucket, spool: Path, slices: int, kills: int) -> tuple[float, int]:
    """Have all studies sent; seconds until the gateway has nothing left, and how often Orthanc began again."""
    port, again = free_port(), 0
    pacs.ask("PUT", "/modalities/brainscan", ["BRAINSCAN", "127.0.0.1", port])
    running = Gateway(spool, bucket, "--no-deidentify", port=port)
    begin = time.monotonic()
    everything = {"Resources": pacs.studies(), "Synchronous": False}
    job = json.loads(pacs.ask("POST", "/modalities/brainscan/store", everything))["ID"]
    for kill in range(1, kills + 1):
        wait_for(lambda share=kill / (kills + 1): progress(pacs, job) >= 100 * share, LONGEST_S)
        running.kill()
        wait_for(lambda: state(pacs, job) == "Failure", LONGEST_S)
        running = Gateway(spool, bucket, "--no-deidentify", port=port)
        pacs.ask("POST", f"/jobs/{job}/resubmit", {})
        again += 1
    wait_for(lambda: state(pacs, job) == "Success", LONGEST_S)
    wait_for(lambda: not list((spool / "studies").glob("*/*")) and not list((spool / "bundles").iterdir()), LONGEST_S)
    seconds = time.monotonic() - begin
    running.stop()
    return seconds, again


def progress(pacs: Pacs, job: str) -> int:
    """Percent of a job of Orthanc."""
    return int(about(pacs, job)["Progress"])


def state(pacs: Pacs, job: str) -> str:
    """What became of a job of Orthanc."""
    return str(about(pacs, job)["State"])


def about(pacs: Pacs, job: str) -> dict[str, Any]:
    """All that Orthanc says of a job."""
    said: dict[str, Any] = json.loads(pacs.get(f"/jobs/{job}"))
    return said


if __name__ == "__main__":
    main()
