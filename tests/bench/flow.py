"""Scans through a queue and the functions that take them, in simulated time: who waits, and for what.

Functions take batches; one that is new starts cold. Lambda lets more of them run as minutes pass. What all share (a
table's write units, a prefix's PUTs) serves so many scans a second, and holds the functions that come too soon; what
follows a stream serves them later, and holds nobody.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

ENDLESS = float("inf")
NOTHING: Mapping[str, float] = {}


@dataclass(frozen=True)
class Functions:
    """What takes scans from the queue: `at_once` at most, `at_start` of them when scans come, `more_a_minute` later.

    A batch takes `fixed_s`, and `scan_s` for each of its scans.
    """

    at_once: int
    batch: int
    fixed_s: float
    scan_s: float
    cold_s: float
    at_start: float = ENDLESS
    more_a_minute: float = 0.0

    @property
    def batch_s(self) -> float:
        """What a full batch takes."""
        return self.fixed_s + self.batch * self.scan_s

    @property
    def scans_a_second(self) -> float:
        """What all of them get through, once they are warm."""
        return self.at_once * self.batch / self.batch_s


@dataclass
class Flow:
    """What a run measured: seconds since the first arrival, scans."""

    scans: int = 0
    last_s: float = 0.0
    counted_s: float = 0.0
    most_waiting: int = 0
    most_at_once: int = 0
    waits: list[float] = field(default_factory=list)

    @property
    def scans_a_second(self) -> float:
        """From the first arrival to the last answer."""
        return self.scans / self.last_s

    def wait(self, share: float) -> float:
        """Seconds from arrival to answer below which such a share of batches stays."""
        return sorted(self.waits)[min(len(self.waits) - 1, int(share * len(self.waits)))]


def flow(
    arrivals: Iterable[tuple[float, int]],
    functions: Functions,
    holding: Mapping[str, float] = NOTHING,
    following: Mapping[str, float] = NOTHING,
) -> Flow:
    """Let scans arrive, `(second, how many)`, and be answered.

    Args:
        holding: Scans a second that each of what functions wait for can serve.
        following: Scans a second of what comes after the answer.
    """
    events = list(arrivals)
    heapq.heapify(events)
    begin = events[0][0]
    waiting, in_line, running, warm = deque[tuple[float, int]](), 0, 0, 0
    free = dict.fromkeys((*holding, *following), begin)
    found = Flow()
    while events:
        now, scans = heapq.heappop(events)
        if scans:
            waiting.append((now, scans))
            in_line += scans
        else:  # a function is done
            running -= 1
        found.most_waiting = max(found.most_waiting, in_line)
        allowed = min(functions.at_once, functions.at_start + functions.more_a_minute * (now - begin) / 60)
        while in_line and running < allowed:
            arrived, taken = _take(waiting, functions.batch)
            in_line -= taken
            running += 1
            cold_s = functions.cold_s if running > warm else 0.0
            warm = max(warm, running)
            end = now + cold_s + functions.fixed_s + taken * functions.scan_s
            end = max([end, *_served(holding, free, end, taken)])
            counted = max([end, *_served(following, free, end, taken)])
            heapq.heappush(events, (end, 0))
            found.scans += taken
            found.waits.append(end - arrived)
            found.last_s, found.counted_s = max(found.last_s, end - begin), max(found.counted_s, counted - begin)
            found.most_at_once = max(found.most_at_once, running)
    return found


def _take(waiting: deque[tuple[float, int]], most: int) -> tuple[float, int]:
    """When the longest waiting scan arrived, and how many are taken."""
    first, taken = waiting[0][0], 0
    while waiting and taken < most:
        arrived, scans = waiting.popleft()
        taken += (some := min(scans, most - taken))
        if scans > some:
            waiting.appendleft((arrived, scans - some))
    return first, taken


def _served(rates: Mapping[str, float], free: dict[str, float], asked: float, scans: int) -> list[float]:
    """When each of what is shared has served some scans that come to it at a time."""
    for name, rate in rates.items():
        free[name] = max(free[name], asked - scans / rate) + scans / rate
    return [free[name] for name in rates]
