"""Simulated time: one heap of events, and tasks that run one at a time and give way only when they wait.

Code of the product runs unchanged inside tasks (greenlets). It gives way at calls to AWS and at `time.sleep`, so each
of these is a point at which anything else may happen first; between two of them nothing does. Same seed, same run.
"""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any

from greenlet import greenlet

BEGIN = datetime(2026, 3, 2, 6, tzinfo=UTC).timestamp()


class ProcessKilledError(BaseException):
    """The process is gone. No `except Exception` of the product sees it, as none would see a SIGKILL."""


class Process:
    """One invocation of a function: the tasks that die together. `calls` counts its calls to AWS."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.dead = False
        self.tasks: dict[Task, None] = {}  # in order: a run does not depend on addresses
        self.calls = 0
        self.kill_at: int | None = None
        self.random = Random(0)


class Task:
    """Something that runs until it waits."""

    def __init__(self, simulation: "Simulation", work: Callable[[], None], process: Process | None) -> None:
        self._simulation = simulation
        self._turn = 0
        self.process = process
        self.over = False
        self._greenlet = greenlet(lambda: self._run(work), simulation.hub)
        if process:
            process.tasks[self] = None

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except ProcessKilledError:
            pass
        finally:
            self.over = True
            if self.process:
                self.process.tasks.pop(self, None)

    def wait(self) -> None:
        """Give way until resumed.

        Raises:
            ProcessKilledError: the process died meanwhile, or before.
        """
        self._check()
        self._simulation.hub.switch()
        self._check()

    def _check(self) -> None:
        if self.process and self.process.dead:
            raise ProcessKilledError

    def resumer(self) -> Callable[[], None]:
        """Goes on with the task, once: a later one, or the death of its process, makes it void."""
        self._turn += 1
        turn = self._turn

        def resume() -> None:
            if self._turn == turn and not self.over:
                self._turn += 1
                self._simulation.switch(self, self._greenlet)

        return resume


class Simulation:
    """The clock, the heap of events, and who is running."""

    def __init__(self, seed: int) -> None:
        self.now = BEGIN
        self.random = Random(seed)
        self.hub = greenlet.getcurrent()
        self.current: Task | None = None
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self.trace: list[str] | None = None

    @property
    def elapsed(self) -> float:
        """Simulated seconds since the beginning."""
        return self.now - BEGIN

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        """Call back later, outside of any task."""
        self._count += 1
        heapq.heappush(self._heap, (self.now + seconds, self._count, callback))

    def spawn(self, work: Callable[[], None], process: Process | None = None) -> Task:
        """Begin a task as soon as the others have given way."""
        task = Task(self, work, process)
        self.after(0, task.resumer())
        return task

    def sleep(self, seconds: float) -> None:
        """Wait in simulated time; no time passes for an observer outside of any task."""
        if self.current is not None:
            task = self.current
            self.after(max(0.0, seconds), task.resumer())
            task.wait()

    def switch(self, task: Task, to: greenlet) -> None:
        """Let a task run until it waits."""
        self.current = task
        try:
            to.switch()
        finally:
            self.current = None

    def kill(self, process: Process) -> None:
        """End a process: everything of it that waits is thrown out; what runs is, at its next call."""
        process.dead = True
        for task in list(process.tasks):
            if task is not self.current:
                self.after(0, task.resumer())

    def run(self, until: float | None = None) -> None:
        """Go on until nothing is left to happen, or so many seconds after the beginning."""
        while self._heap and (until is None or self._heap[0][0] <= BEGIN + until):
            self.now, _, callback = heapq.heappop(self._heap)
            callback()

    def note(self, what: str) -> None:
        """Add a line to the trace, if one is kept."""
        if self.trace is not None:
            process = self.current.process if self.current else None
            self.trace.append(f"{self.elapsed:10.3f}  {process.name if process else '-':<24}  {what}")


class Signal:
    """`threading.Event` in simulated time."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._set = False
        self._waiters: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._set

    def set(self) -> None:
        """Wake those who wait."""
        self._set = True
        for waiter in self._waiters:
            self._simulation.after(0, waiter)

    def wait(self, timeout: float) -> bool:
        """Wait until it is set, or so many seconds; outside of any task nothing else will set it."""
        task = self._simulation.current
        if task is None or self._set:
            return True
        resume = task.resumer()
        self._waiters.append(resume)
        self._simulation.after(timeout, resume)
        task.wait()
        return self._set


class Future:
    """What a pool's task will give."""

    def __init__(self) -> None:
        self.done = False
        self.value: Any = None
        self.error: BaseException | None = None
        self.waiters: list[Callable[[], None]] = []

    def settle(self, work: Callable[[], Any]) -> None:
        """Run the work, and wake those who wait for it."""
        try:
            self.value = work()
        except Exception as error:
            self.error = error
        self.done = True
        for waiter in self.waiters:
            waiter()


class Pool:
    """`ThreadPoolExecutor` in simulated time: its threads are tasks of the process that asks, in its context.

    Outside of a task, work is done at once.
    """

    simulation: Simulation

    def __init__(self, max_workers: int | None = None, **_: Any) -> None:
        self._free = max_workers or 8
        self._waiting: deque[tuple[Future, Callable[[], Any]]] = deque()
        self._futures: list[Future] = []

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def shutdown(self, wait: bool = True, **_: Any) -> None:
        """Wait for all that was submitted."""
        for future in self._futures if wait else ():
            self._await(future)

    def submit(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> "Waited":
        """Queue work; its result can be waited for."""
        future = Future()
        self._futures.append(future)
        task = self.simulation.current
        context = copy_context()
        if task is None:
            future.settle(lambda: work(*args, **kwargs))
        else:
            self._waiting.append((future, lambda: context.run(work, *args, **kwargs)))
            self._begin(task.process)
        return Waited(self, future)

    def map(self, work: Callable[..., Any], *iterables: Iterable[Any], **_: Any) -> Iterator[Any]:
        """Results in order; all work is submitted now."""
        waited = [self.submit(work, *args) for args in zip(*iterables, strict=False)]
        return (each.result() for each in waited)

    def _begin(self, process: Process | None) -> None:
        """Have one thread more, if there may be one: each takes whatever waits."""
        if self._free:
            self._free -= 1
            self.simulation.spawn(lambda: self._work(process), process)

    def _work(self, process: Process | None) -> None:
        while self._waiting:
            future, work = self._waiting.popleft()
            future.settle(work)
        self._free += 1

    def _await(self, future: Future) -> None:
        task = self.simulation.current
        if task is None or future.done:
            return
        while not future.done:
            resume = task.resumer()
            future.waiters.append(partial(self.simulation.after, 0, resume))
            task.wait()


class Waited:
    """`concurrent.futures.Future`, as far as it is used."""

    def __init__(self, pool: Pool, future: Future) -> None:
        self._pool = pool
        self._future = future

    def result(self, timeout: float | None = None) -> Any:
        """The work's result, or what it raised."""
        self._pool._await(self._future)
        if self._future.error is not None:
            raise self._future.error
        return self._future.value
