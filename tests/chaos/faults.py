"""What goes wrong, decided by the seed: for each invocation and each call by its own name, not by its turn.

So a fault stays where it is when other uploads are left out, which makes a failing run shrink.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from random import Random


class Fault(StrEnum):
    """What happens to one call."""

    NONE = "none"
    KILL_BEFORE = "killed before the call"
    KILL_AFTER = "killed after the call"
    THROTTLE = "throttled"
    THROTTLE_ON = "throttled to the end"
    LOST = "response lost"
    PARTIAL = "taken in part"


@dataclass(frozen=True)
class Outage:
    """Seconds in which a service answers with errors alone."""

    service: str
    begin: float
    end: float


@dataclass(frozen=True)
class Rates:
    """Shares: of invocations that are killed, and of calls and deliveries that something happens to."""

    kills: float = 0.0
    throttles: float = 0.0
    lost: float = 0.0
    partial: float = 0.0
    duplicates: float = 0.0
    late: float = 0.0
    outages: tuple[Outage, ...] = ()


NONE = Rates()
USUAL = Rates(kills=0.02, throttles=0.03, lost=0.003, partial=0.01, duplicates=0.10, late=0.05)
"""The long run's: 10% duplicates, 2% kills, 3% throttles."""


@dataclass
class Plan:
    """Decides, and remembers what it decided. `spared` are invocations to which nothing happens."""

    seed: int
    rates: Rates
    spared: Collection[str] = ()
    happened: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def random(self, *name: object) -> Random:
        """Chance of one's own name."""
        text = "|".join(map(str, (self.seed, *name)))
        return Random(blake2b(text.encode(), digest_size=8).digest())

    def kill_at(self, invocation: str, usual_calls: int) -> int | None:
        """At which call an invocation's process is killed, if it is."""
        chance = self.random("kill", invocation)
        if invocation in self.spared or chance.random() >= self.rates.kills:
            return None
        return chance.randint(1, max(1, usual_calls))

    def fault(self, invocation: str, chance: Random, killed: bool, partial: bool) -> Fault:
        """What happens to a call of an invocation; `partial` calls may be taken in part."""
        if killed:
            return self._noted(invocation, Fault.KILL_BEFORE if chance.random() < 0.5 else Fault.KILL_AFTER)
        drawn = chance.random()
        if invocation in self.spared:
            return Fault.NONE
        for share, fault in self._shares(partial):
            if drawn < share:
                return self._noted(invocation, fault)
            drawn -= share
        return Fault.NONE

    def _shares(self, partial: bool) -> tuple[tuple[float, Fault], ...]:
        rates = self.rates
        return (
            (rates.throttles * 0.9, Fault.THROTTLE),
            (rates.throttles * 0.1, Fault.THROTTLE_ON),
            (rates.lost, Fault.LOST),
            (rates.partial if partial else 0.0, Fault.PARTIAL),
        )

    def _noted(self, invocation: str, fault: Fault) -> Fault:
        self.happened[invocation] = self.happened.get(invocation, 0) + 1
        self.counts[fault] = self.counts.get(fault, 0) + 1
        return fault

    def in_outage(self, service: str, elapsed: float) -> bool:
        """Whether a service is out."""
        return any(each.service == service and each.begin <= elapsed < each.end for each in self.rates.outages)
