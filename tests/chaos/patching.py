"""Puts the product into simulated time: its clocks, its waits, its thread pools and its model.

Patched by what they are, not by where: whatever module of the product has `ThreadPoolExecutor`, a pool derived from it,
`Event` or `datetime`, gets the simulated one, so that moving code needs no change here.
"""

import os
import random
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from functools import partial
from threading import Event
from typing import Any
from unittest.mock import patch

from brainscan import observability
from brainscan.inference.runtime import Model
from brainscan.settings import limits, settings
from tests.chaos.network import TwoModels
from tests.chaos.simulation import Pool, Signal, Simulation

PRODUCT = ("brainscan.", "chaos_handler_")
"""What names of the product's modules begin with, handlers included."""


class Patches:
    """What is put in place of real time."""

    def __init__(self, simulation: Simulation) -> None:
        self.pool = type("SimulatedPool", (Pool,), {"simulation": simulation})
        self.datetime = _datetime_of(simulation)
        self.event = partial(Signal, simulation)
        self._modules: set[str] = set()
        self._replaced: list[tuple[Any, str, Any]] = []
        self._originals: dict[str, Any] = {}

    def into_all(self) -> None:
        """Replace clocks and pools in every module of the product that was loaded since the last time."""
        if len(sys.modules) == len(self._modules):
            return
        new = [name for name in sys.modules if name not in self._modules]
        self._modules.update(new)
        for module in (sys.modules[each] for each in new if each.startswith(PRODUCT)):
            for name, value in list(vars(module).items()):
                if isinstance(value, type) and issubclass(value, ThreadPoolExecutor):
                    self._replace(module, name, value, self.pool)
                elif value is self.pool:  # the module was loaded since, and took it from one that had it
                    self._replace(module, name, self._originals[name], self.pool)
                elif value is Event:
                    self._replace(module, name, value, self.event)
                elif value is datetime:
                    self._replace(module, name, value, self.datetime)

    def _replace(self, module: Any, name: str, original: Any, simulated: Any) -> None:
        self._replaced.append((module, name, original))
        self._originals[name] = original
        setattr(module, name, simulated)

    def undo(self) -> None:
        """Put back what was there."""
        for module, name, value in self._replaced:
            setattr(module, name, value)


def _datetime_of(simulation: Simulation) -> type[datetime]:
    class SimulatedDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.fromtimestamp(simulation.now, tz or UTC)

    return SimulatedDatetime


@contextmanager
def simulated(simulation: Simulation, environment: dict[str, str], models: TwoModels) -> Iterator[Patches]:
    """Everything that the product asks of time, chance and its environment comes from the simulation."""
    patches = Patches(simulation)
    clock = lambda: simulation.now  # noqa: E731
    before = os.environ.copy()
    state = random.getstate()
    random.seed(simulation.random.random())
    os.environ.update(environment)
    settings.cache_clear()
    limits.cache_clear()
    try:
        with (
            patch.object(time, "time", clock),
            patch.object(time, "monotonic", clock),
            patch.object(time, "perf_counter", clock),
            patch.object(time, "sleep", simulation.sleep),
            patch.object(os, "urandom", lambda size: simulation.random.randbytes(size)),
            patch.object(secrets, "token_hex", lambda size=16: simulation.random.randbytes(size).hex()),
            patch.object(Model, "load", lambda *_, **__: models.newest()),
            _quiet(simulation),
        ):
            patches.into_all()
            yield patches
    finally:
        patches.undo()
        os.environ.clear()
        os.environ.update(before)
        random.setstate(state)
        settings.cache_clear()
        limits.cache_clear()


@contextmanager
def _quiet(simulation: Simulation) -> Iterator[None]:
    """Logs go to the trace; metrics and traces, which one process would mix up, go nowhere."""

    def log(message: object, *_: Any, **fields: Any) -> None:
        if simulation.trace is not None:
            told = {
                name: value for name, value in fields.items() if name in {"error", "error_text", "outcome", "state"}
            }
            simulation.note(f"log: {message} {told or ''}")

    def undecorated(function: Any = None, **_: Any) -> Any:
        return function if function is not None else lambda inner: inner

    nothing: Any = lambda *_, **__: None  # noqa: E731
    with (
        patch.multiple(
            observability.logger, info=log, warning=log, error=log, exception=log, inject_lambda_context=undecorated
        ),
        patch.multiple(observability.metrics, add_metric=nothing, add_dimension=nothing, add_metadata=nothing),
        patch.object(observability.metrics, "log_metrics", undecorated),
    ):
        yield
