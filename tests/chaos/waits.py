"""How long scans wait: from the upload that brought them to their first outcome, in simulated seconds."""

from collections.abc import Collection, Sequence
from datetime import datetime

from brainscan.domain import Outcome
from tests.chaos.simulation import Simulation
from tests.chaos.table import Change

WAITING = {Outcome.QUEUED, Outcome.FAILED}


class Waits:
    """Hears of every write to the table; `seconds` has the wait of each scan that was answered, by its id."""

    def __init__(self, simulation: Simulation) -> None:
        self.seconds: dict[str, float] = {}
        self._simulation = simulation

    def hear(self, changes: Sequence[Change]) -> None:
        """Note scans that have an outcome for the first time."""
        for (pk, sk), _, after in changes:
            if after is None or not pk.startswith("SCAN#") or sk != "META" or after["outcome"]["S"] in WAITING:
                continue
            received = datetime.fromisoformat(after["received_at"]["S"]).timestamp()
            self.seconds.setdefault(after["scan_id"]["S"], self._simulation.now - received)


def share(seconds: Collection[float], part: float) -> float:
    """The wait that so large a part of scans does not exceed: 0.5 is the median, 1.0 the longest."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def told(seconds: Collection[float]) -> str:
    """Median, 99th percentile and longest, in words."""
    half, most, longest = (share(seconds, part) for part in (0.5, 0.99, 1.0))
    return f"{len(seconds):,} scans waited {half:,.0f} s (median), {most:,.0f} s (99 %), {longest:,.0f} s (longest)"
