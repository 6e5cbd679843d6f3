"""How far a run is, by its steps or by its time, and what it prints on the way."""

import sys
import time
from collections.abc import Callable
from typing import Final

from training.fitting.hyperparameters import Hyperparameters

LINE_SECONDS: Final = 30.0
"""Between two lines of progress where the output is redirected."""
SCREEN_SECONDS: Final = 1.0
"""Between two updates of the line on a terminal."""


class Pace:
    """Time and steps of a run, those before its interruptions included.

    Args:
        settings: the time limit or the number of epochs.
        seconds: spent before.
        steps: done before.
        clock: seconds, ever rising.
    """

    def __init__(
        self, settings: Hyperparameters, seconds: float, steps: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._before, self._clock = settings, seconds, clock
        self._started = clock()
        self.steps = steps

    @property
    def seconds(self) -> float:
        """Spent on the run so far."""
        return self._before + self._clock() - self._started

    def done(self, steps: int | None = None) -> float:
        """Share of the run that is over, 0..1: of its time where it has a limit, else of its steps.

        Args:
            steps: as if so many were done; those that are if None.
        """
        if self._settings.time_limit:
            return min(1.0, self.seconds / (60 * self._settings.time_limit))
        total = self._settings.epochs * self._settings.steps_per_epoch
        return min(1.0, (self.steps if steps is None else steps) / total)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to do."""
        return self.done() >= 1


class Reporter:
    """Progress within an epoch: one line that changes on a terminal, a line now and then elsewhere.

    Args:
        pace: the run's.
        settings: the run's.
        clock: seconds, ever rising.
    """

    def __init__(self, pace: Pace, settings: Hyperparameters, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace, self._settings, self._clock = pace, settings, clock
        self._on_screen = sys.stdout.isatty()
        self._last, self._last_steps = clock(), pace.steps

    def step(self, epoch: int, step: int, rate: float, side: int, losses: dict[str, float]) -> None:
        """Says how far the run is, if it is time to.

        Args:
            epoch: from 0.
            step: batches of the epoch that are done.
            rate: the learning rate of the last.
            side: of its slices, pixels.
            losses: their means over the epoch.
        """
        now, pace = self._clock(), self._pace
        passed, steps = now - self._last, pace.steps - self._last_steps
        if passed < (SCREEN_SECONDS if self._on_screen else LINE_SECONDS) or steps == 0:
            return
        slice_seconds = passed / (steps * self._settings.batch_size)
        text = (
            f"epoch {epoch}: {step * self._settings.batch_size}/{self._settings.slices_per_epoch} slices of {side} px,"
            f" {slice_seconds:.4f} s a slice, {self._left(passed / steps)} left, rate {rate:.3g}, "
            + ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        )
        print(f"\r{text}" if self._on_screen else text, end="" if self._on_screen else "\n", flush=True)
        self._last, self._last_steps = now, pace.steps

    def _left(self, step_seconds: float) -> str:
        """Minutes to the end: of the limit, or at the last steps' speed."""
        if self._settings.time_limit:
            minutes = self._settings.time_limit - self._pace.seconds / 60
        else:
            total = self._settings.epochs * self._settings.steps_per_epoch
            minutes = (total - self._pace.steps) * step_seconds / 60
        return f"{max(0.0, minutes):.1f} min"
