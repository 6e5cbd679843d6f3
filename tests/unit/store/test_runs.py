"""Runs over stored scans come latest first, and change one revision at a time."""

from datetime import timedelta
from typing import Any

import pytest

from brainscan.domain.reprocess import Run, RunState
from brainscan.store.table import Table
from brainscan.store.table.runs import RunConflictError
from tests.making import NOON


def a_run(name: str, **changes: Any) -> Run:
    fields: dict[str, Any] = {
        "model_id": "f" * 64,
        "selection": "all",
        "by": "an engineer",
        "started_at": NOON,
        "scans": 1,
        "batches": 1,
        "most_at_once": 1,
        "dollars_per_second": 0,
        "dollars_per_scan": 0,
    }
    return Run(run_id=name, **fields | changes)


def test_the_latest_run_comes_first_whatever_it_is_called(table: Table) -> None:
    for name, day in (("b", 0), ("c", 2), ("a", 1)):
        table.runs.put(a_run(name, started_at=NOON + timedelta(days=day)))
    assert [run.run_id for run in table.runs.all()] == ["c", "a", "b"]


def test_a_run_that_has_changed_meanwhile_is_not_changed_again_and_a_repeat_is_no_change(table: Table) -> None:
    run = a_run("a")
    paused = run.with_state(RunState.PAUSED)
    for each in (run, paused, paused):
        table.runs.put(each)
    with pytest.raises(RunConflictError):
        table.runs.put(run.with_state(RunState.STOPPED))
    assert table.runs.get("a") == paused
