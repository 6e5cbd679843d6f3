"""Lambda: instances of the real handlers, and the event source mappings that feed them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from brainscan.services import Services
from brainscan_local.template import FunctionSpec
from tests.chaos.faults import Plan
from tests.chaos.simulation import Process, Simulation

Done = Callable[[Any, bool], None]
"""Hears of an invocation's end: the handler's answer, and whether it failed as a whole."""

COLD_START_S = 1.5
_modules = count()


@dataclass
class Instance:
    """A process that serves one invocation at a time: its own module, its own services."""

    module: ModuleType


class Context:
    """What Lambda tells a handler, in simulated time."""

    function_version = "$LATEST"
    memory_limit_in_mb = 3008

    def __init__(self, name: str, request_id: str, simulation: Simulation, deadline: float) -> None:
        self.function_name = name
        self.aws_request_id = request_id
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:123456789012:function:{name}"
        self._simulation = simulation
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Until the invocation is ended."""
        return max(0, int((self._deadline - self._simulation.now) * 1000))


class Function:
    """A function: its warm instances, and what became of its invocations."""

    def __init__(
        self,
        simulation: Simulation,
        plan: Plan,
        spec: FunctionSpec,
        services: Callable[[], Services],
        patch: Callable[[], None],
    ) -> None:
        self.name = spec.logical_id
        self.timeout_s = spec.timeout_s
        self.invocations = 0
        self.killed = 0
        self.failed = 0
        self.timed_out = 0
        self._simulation = simulation
        self._plan = plan
        self._services = services
        self._patch = patch
        module, _, self._attribute = spec.handler.rpartition(".")
        path = spec.folder / f"{module}.py"
        self._code: CodeType = compile(Path(path).read_text(), str(path), "exec")
        self._warm: list[Instance] = []
        self._usual_calls = 20

    def invoke(self, event: dict[str, Any], name: str, done: Done) -> None:
        """Run the handler as a task; a killed one is never heard of again but by `done`."""
        self.invocations += 1
        process = Process(name)
        process.random = self._plan.random("calls", name)
        process.kill_at = self._plan.kill_at(name, self._usual_calls)
        ended: list[bool] = []

        def end(answer: Any, failed: bool) -> None:
            if not ended:
                ended.append(True)
                done(answer, failed)

        def work() -> None:
            instance = self._warm.pop() if self._warm else self._cold()
            self._patch()
            self._simulation.note(f"{self.name} begins")
            context = Context(self.name, name, self._simulation, self._simulation.now + self.timeout_s)
            try:
                answer = getattr(instance.module, self._attribute)(event, context)
            except Exception as error:
                self.failed += 1
                self._simulation.note(f"{self.name} failed: {type(error).__name__}: {error}")
                end(None, True)
            else:
                self._simulation.note(f"{self.name} ends: {answer}")
                end(answer, False)
            self._usual_calls = (self._usual_calls + process.calls) // 2
            self._warm.append(instance)

        def watched() -> None:
            try:
                work()
            finally:
                if process.dead and not ended:
                    self.killed += 1
                    end(None, True)

        def deadline() -> None:
            if not ended:
                self.timed_out += 1
                self._simulation.note(f"{name} is timed out")
                self._simulation.kill(process)

        self._simulation.spawn(watched, process)
        self._simulation.after(self.timeout_s + COLD_START_S, deadline)

    def cool(self) -> None:
        """End all idle instances, as a deployment does."""
        self._warm.clear()

    def _cold(self) -> Instance:
        """A new process: the handler's module is run anew."""
        self._simulation.sleep(COLD_START_S)
        name = f"chaos_handler_{next(_modules)}"
        module = ModuleType(name)
        sys.modules[name] = module
        exec(self._code, vars(module))  # noqa: S102 - the handler itself
        self._patch()
        services = self._services()
        if hasattr(module, "services"):
            module.services = lambda: services  # type: ignore[attr-defined]
        return Instance(module)


def failures(answer: Any, known: Sequence[str], partial: bool) -> set[str]:
    """Which items an answer says to retry; all of them if it says something else than it may.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """
    if not partial or not answer:
        return set()
    said = {str(each.get("itemIdentifier")) for each in answer.get("batchItemFailures", [])}
    return said if said <= set(known) else set(known)


def number(properties: Mapping[str, Any], name: str, default: int) -> int:
    """A number of a mapping's properties."""
    return int(properties.get(name, default))
