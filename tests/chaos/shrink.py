"""A failing run -> the fewest uploads and faults that still break the same promise, and the trace of that run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.chaos.invariants import Violation, violations
from tests.chaos.world import Scenario, world_of

T = TypeVar("T")

MOST_RUNS = 40
MOST_LINES = 120


@dataclass(frozen=True)
class Run:
    """What came of a scenario: broken promises, invocations that faults hit, how long scans waited, the trace."""

    scenario: Scenario
    violations: tuple[Violation, ...]
    hit: tuple[str, ...]
    waits: tuple[float, ...] = ()
    trace: tuple[str, ...] = ()


def run(scenario: Scenario, *, traced: bool = False) -> Run:
    """Run a scenario to its end and look at what it left."""
    with world_of(scenario, traced=traced) as world:
        world.run()
        found = tuple(violations(world))
        waits = tuple(world.waits.seconds.values())
        return Run(scenario, found, tuple(world.plan.happened), waits, tuple(world.simulation.trace or ()))


def shrink(failed: Run, most_runs: int = MOST_RUNS) -> Run:
    """Leave out uploads, then faults, as long as a promise that was broken stays broken; traced."""
    promise = failed.violations[0].promise
    runs = [0]

    def breaks(scenario: Scenario) -> bool:
        runs[0] += 1
        if runs[0] > most_runs:
            return False
        return any(each.promise == promise for each in run(scenario).violations)

    smallest = failed.scenario
    uploads = fewest(smallest.uploads, lambda some: breaks(replace(smallest, uploads=tuple(some))))
    smallest = replace(smallest, uploads=tuple(uploads))
    hit = run(smallest).hit
    kept = fewest(hit, lambda some: breaks(replace(smallest, spared=frozenset(hit) - set(some))))
    return run(replace(smallest, spared=frozenset(hit) - set(kept)), traced=True)


def fewest(all_of: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> Sequence[T]:
    """Delta debugging: a part of a sequence that fails and of which no tried part does.

    https://www.st.cs.uni-saarland.de/papers/tse2002/tse2002.pdf
    """
    kept = list(all_of)
    size = max(1, len(kept) // 2)
    while kept:
        for start in range(0, len(kept), size):
            without = kept[:start] + kept[start + size :]
            if fails(without):
                kept = without
                break
        else:
            if size == 1:
                break
            size = max(1, size // 2)
    return kept


def told(shrunk: Run) -> str:
    """What a reader needs to see the fault: uploads, broken promises, and the trace."""
    lines = [
        f"seed {shrunk.scenario.seed}: {len(shrunk.scenario.uploads)} uploads, rates {shrunk.scenario.rates}",
        *map(repr, shrunk.scenario.uploads),
        "broken:",
        *(f"  {each}" for each in shrunk.violations[:10]),
        "trace (seconds, invocation, what):",
    ]
    trace = _without_repeats(shrunk.trace)
    return "\n".join([*lines, *trace[:MOST_LINES], *([f"... {len(trace)} lines in all"] if trace[MOST_LINES:] else [])])


def _without_repeats(trace: Sequence[str]) -> list[str]:
    """Lines of which the same invocation did not say the same just before, such as reads of an archive."""
    kept: list[str] = []
    last: dict[str, list[str]] = {}
    for line in trace:
        _, process, *what = line.split()
        if last.get(process) != what:
            kept.append(line)
        last[process] = what
    return kept


def holds(scenario: Scenario) -> Run:
    """Run a scenario and insist that every promise holds.

    Raises:
        AssertionError: with the shortest trace that was found to break one.
    """
    done = run(scenario)
    if done.violations:
        raise AssertionError(told(shrink(done)))
    return done
