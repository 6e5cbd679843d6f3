"""The state machine of infra/reprocess.asl.json in simulated time: its steps over the batches of runs, and its retries.

The real handler takes each step that the machine's own definition asks of it.
"""

import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from brainscan.domain.reprocess import Run, RunState
from brainscan.pipeline import runs
from tests.chaos.world import ROOT, World

MOST_RESUMED = 5
"""How often a run is resumed that waits for it."""


@cache
def definition() -> dict[str, Any]:
    """The states of a batch."""
    machine = json.loads((ROOT / "infra/reprocess.asl.json").read_text())
    states: dict[str, Any] = machine["States"]["Batches"]["ItemProcessor"]["States"]
    return states | states["Alone"]["ItemProcessor"]["States"] | {"Finish": machine["States"]["Finish"]}


class Machine:
    """What goes through a run's batches; its executions, the latest last."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.executions: list[Execution] = []

    def start(self, run: Run, _bucket: str) -> None:
        """Begin an execution over a run's manifest."""
        lines = self.world.services.results.get(f"reprocess/{run.run_id}/manifest-{run.execution:03d}.csv").decode()
        batches = [(int(number), ids.split()) for number, ids in (line.split(",") for line in lines.splitlines()[1:])]
        self.executions.append(Execution(self.world, run, batches))

    def stop(self, _run: Run) -> None:
        """End the latest execution: no state of it is entered any more."""
        self.executions[-1].stopped = True

    def carry_out(self, run: Run, batches: Sequence[Sequence[str]], pause_after_s: float) -> None:
        """Go through a run from its start, with a pause, to its end, as far as resuming it helps."""
        world, table, results = self.world, self.world.services.table, self.world.services.results

        def state() -> RunState:
            return runs.run_of(run.run_id, table).state

        runs.start(run, batches, table, results, self)
        world.simulation.run(until=world.simulation.elapsed + pause_after_s)
        if state() is RunState.RUNNING:
            runs.pause_or_stop(run.run_id, RunState.PAUSED, "a test", table, self)
        world.simulation.run()
        for _ in range(MOST_RESUMED):
            if state() is not RunState.PAUSED:
                break
            runs.resume(run.run_id, None, table, results, self)
            world.simulation.run()


class Execution:
    """An execution of the state machine over numbered batches, so many at once."""

    def __init__(self, world: World, run: Run, batches: list[tuple[int, list[str]]]) -> None:
        self._world, self._run = world, run
        self._waiting = batches[::-1]
        self._under_way = 0
        self._steps = 0
        self.stopped = False
        for _ in range(run.most_at_once):
            self._next()

    def _next(self) -> None:
        if self._waiting:
            self._under_way += 1
            number, ids = self._waiting.pop()
            self._answer("Answer", number, ids, lambda: self._over(), lambda: self._alone(number, ids, list(ids)))
        elif not self._under_way:
            self._under_way = -1
            self._step(
                "Finish",
                {"step": "finish", "run": self._run.run_id, "execution": self._run.execution},
                lambda: None,
                lambda: None,
            )

    def _over(self) -> None:
        self._under_way -= 1
        self._next()

    def _alone(self, number: int, ids: list[str], left: list[str]) -> None:
        if not left:
            self._answer("Close", number, ids, self._over, self._over)
            return
        one = [left.pop(0)]
        event = {"step": "give_up", "run": self._run.run_id, "scans": one}
        goes_on = lambda: self._alone(number, ids, left)  # noqa: E731
        self._answer("AnswerOne", None, one, goes_on, lambda: self._step("GiveUp", event, goes_on, self._over))

    def _answer(
        self, state: str, number: int | None, ids: list[str], then: Callable[[], None], caught: Callable[[], None]
    ) -> None:
        event = {"step": "answer", "run": self._run.run_id, "batch": number, "scans": ids}
        self._step(state, event, then, caught)

    def _step(
        self, state: str, event: dict[str, Any], then: Callable[[], None], caught: Callable[[], None], tried: int = 0
    ) -> None:
        """Invoke the function; where it fails, as often as the state's retry says, then go where its catch leads."""
        if self.stopped:
            return
        self._steps += 1
        world = self._world
        name = f"Reprocess-{state}-{self._run.execution}-{self._steps}"
        retry = definition()[state]["Retry"][-1]

        def ended(failed: bool) -> None:
            if not failed:
                then()
            elif self._held():
                self._over()
            elif tried == retry["MaxAttempts"]:
                caught()
            else:
                longest = min(
                    retry.get("MaxDelaySeconds", 1e9), retry["IntervalSeconds"] * retry["BackoffRate"] ** tried
                )
                pause = world.plan.random("retry", name).uniform(0, longest)
                world.simulation.after(pause, lambda: self._step(state, event, then, caught, tried + 1))

        # The machine is no part of the process that has just ended.
        world.functions["Reprocess"].invoke(
            event, name, lambda _, failed: world.simulation.after(0, lambda: ended(failed))
        )

    def _held(self) -> bool:
        run = self._world.services.table.runs.get(self._run.run_id)
        return run is None or run.state is not RunState.RUNNING
