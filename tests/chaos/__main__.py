"""`make chaos`: the long run, minutes without a service, one large export's contention, stored scans read again.

python -m tests.chaos [--events 100000] [--seed 1] [--slices 50000] [--workers 20 100 400] [--stored 100000]
                      [--faults-only | --outages-only | --contention-only | --reprocessing-only]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.chaos.contention import bench
from tests.chaos.faults import USUAL, Outage, Rates
from tests.chaos.invariants import violations
from tests.chaos.reprocessing import reprocessed
from tests.chaos.shrink import Run, shrink, told
from tests.chaos.uploads import overwritten, uploads
from tests.chaos.waits import told as waited
from tests.chaos.world import Scenario, world_of

UPLOADS_A_RUN = 500
"""A run of its own for so many uploads: one that fails is small enough to shrink."""

PARTS = ("faults", "outages", "contention", "reprocessing")
SECONDS_A_UPLOAD = 0.25
POISONS_A_RUN = 3
OVERWRITTEN_A_RUN = 20


@dataclass
class Sum:
    """What several runs add up to."""

    runs: int = 0
    events: int = 0
    uploads: int = 0
    scans: int = 0
    invocations: int = 0
    killed: int = 0
    throttled: int = 0
    lost: int = 0
    conflicts: int = 0
    transactions: int = 0
    calls: int = 0
    broken: int = 0
    waits: list[float] = field(default_factory=list)

    def lines(self) -> list[str]:
        """As a table, a line a figure; and how long scans waited."""
        figures = {name: value for name, value in vars(self).items() if name != "waits"}
        return [*(f"{name:<14} {value:>10,}" for name, value in figures.items()), waited(self.waits)]


def scenario(seed: int) -> Scenario:
    """One run: uploads of every kind, poison, the usual faults, and another model from half time on."""
    span = UPLOADS_A_RUN * SECONDS_A_UPLOAD
    made = uploads(seed, UPLOADS_A_RUN, span, POISONS_A_RUN) + overwritten(UPLOADS_A_RUN, OVERWRITTEN_A_RUN, 1.0, 0.01)
    return Scenario(seed, tuple(made), USUAL, second_model_from=span / 2)


def one(seed: int, total: Sum) -> Run | None:
    """Run a seed and add it up; the run, if a promise is broken."""
    wanted = scenario(seed)
    with world_of(wanted) as world:
        world.run()
        found = tuple(violations(world))
        total.runs += 1
        total.events += world.delivered
        total.uploads += len(wanted.uploads)
        total.scans += sum(upload.scans for upload in wanted.uploads)
        total.invocations += sum(function.invocations for function in world.functions.values())
        total.killed += sum(function.killed for function in world.functions.values())
        total.throttled += sum(count for fault, count in world.plan.counts.items() if "throttled" in fault)
        total.lost += world.plan.counts.get("response lost", 0)
        total.conflicts += world.dynamodb.conflicts
        total.transactions += world.dynamodb.transactions
        total.calls += sum(sum(client.calls.values()) for client in (world.s3, world.sqs, world.dynamodb, world.events))
        total.broken += len(found)
        total.waits += world.waits.seconds.values()
        return Run(wanted, found, tuple(world.plan.happened)) if found else None


def long_run(events: int, seed: int) -> bool:
    """Run seed after seed until so many events were delivered; whether every promise held."""
    total, began = Sum(), time.process_time()
    failed: list[Run] = []
    while total.events < events:
        broken = one(seed + total.runs, total)
        print(f"seed {seed + total.runs - 1}: {total.events:,} events, {total.broken} promises broken", flush=True)
        if broken:
            failed.append(broken)
            print(*(f"  {each}" for each in broken.violations[:10]), sep="\n", flush=True)
    print(*total.lines(), f"{'CPU seconds':<14} {time.process_time() - began:>10,.0f}", sep="\n", flush=True)
    if failed:
        smallest = min(failed, key=lambda each: len(each.violations))
        print(told(shrink(replace(smallest))))
    return not failed


def without(services: Sequence[str]) -> bool:
    """Upload for a minute, with services that are out from its tenth second on, for two minutes."""
    outages = tuple(Outage(service, 10.0, 130.0) for service in services)
    with world_of(Scenario(7, tuple(uploads(7, 60, 60.0)), Rates(outages=outages))) as world:
        world.run()
        print(
            f"two minutes without {', '.join(services) or 'nothing'}: {waited(world.waits.seconds.values())}",
            flush=True,
        )
        return not violations(world)


def main() -> int:
    """Run what was asked for; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slices", type=int, default=50_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[20, 100, 400])
    parser.add_argument("--stored", type=int, default=100_000)
    for part in PARTS:
        parser.add_argument(f"--{part}-only", dest="parts", action="append_const", const=part)
    asked = parser.parse_args()
    parts = asked.parts or PARTS
    held = True
    if "faults" in parts:
        held = long_run(asked.events, asked.seed)
    if "outages" in parts:
        for services in ((), ("s3",), ("dynamodb",), ("s3", "dynamodb")):
            held &= without(services)
    if "contention" in parts:
        rates: list[float] = []
        for workers in sorted(asked.workers):
            measured = bench(asked.slices, workers)
            print(measured, flush=True)
            held &= measured.holds and measured.rate > max(rates, default=0)
            rates.append(measured.rate)
    if "reprocessing" in parts:
        print(reprocessed(asked.seed, asked.stored, deadly=5), flush=True)  # raises where a promise is broken
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
