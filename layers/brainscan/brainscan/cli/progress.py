"""Progress with rate and time left: a bar on a terminal, a line now and then in a file or a pipe."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from brainscan.settings import MIB

LINE_S: Final = 10.0
"""Seconds between the lines of a redirected output."""


class ProgressReporter:
    """Tells how far something is; bytes, or whatever `unit` counts.

    Args:
        what: The word before it.
        total: What there is to do, None if that is not known yet.
    """

    def __init__(
        self,
        what: str,
        total: int | None,
        console: Console,
        unit: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        counted: list[ProgressColumn] = (
            [MofNCompleteColumn()] if unit else [DownloadColumn(binary_units=True), TransferSpeedColumn()]
        )
        columns = [TextColumn("{task.description}"), BarColumn(), *counted, TimeRemainingColumn()]
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task(what, total=total)
        self._what, self._unit, self._console, self._clock = what, unit, console, clock
        self._total, self._done = total, 0
        self._begin = self._printed_at = clock()
        self._lock = Lock()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, amount: int) -> None:
        """So much more is done."""
        with self._lock:
            self._show(self._done + amount, self._total)

    def shrink(self, amount: int) -> None:
        """So much less is to do."""
        with self._lock:
            self._show(self._done, None if self._total is None else max(0, self._total - amount))

    def set(self, done: int, total: int) -> None:
        """So far it is."""
        with self._lock:
            self._show(done, total)

    def _show(self, done: int, total: int | None) -> None:
        self._done, self._total = done, total
        self._progress.update(self._task, completed=done, total=total)
        now = self._clock()
        if not self._console.is_terminal and now - self._printed_at >= LINE_S:
            self._printed_at = now
            self._console.print(self._line(now), markup=False)

    def _line(self, now: float) -> str:
        rate = self._done / max(now - self._begin, 1e-9)
        if self._unit:
            of = "" if self._total is None else f" of {self._total}"
            text = f"{self._what}: {self._done}{of} {self._unit}, {rate:.1f} a second"
        else:
            total = "?" if self._total is None else f"{self._total / MIB:.1f}"
            text = f"{self._what}: {self._done / MIB:.1f} of {total} MiB, {rate / MIB:.1f} MiB/s"
        if self._total is None or not rate or self._total < self._done:
            return text
        return f"{text}, {(self._total - self._done) / rate:.0f} s left"
