"""Stored scans are read again, each once, whatever dies; and the function's role allows what it does."""

from unittest.mock import patch

import pytest

from brainscan.pipeline import runs
from tests.chaos.faults import NONE, Outage, Rates
from tests.chaos.network import MODELS
from tests.chaos.reprocessing import KILLS, reprocessed
from tests.chaos.roles import Grant, recorded
from tests.chaos.switching import answered, switch
from tests.chaos.test_roles import refused, roles, superfluous

FIRST, SECOND, _ = MODELS


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BATCH", 8)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_scan_is_answered_once_by_a_run_with_kills_and_a_pause(seed: int) -> None:
    found = reprocessed(seed, 400)
    assert found.world.functions["Reprocess"].killed > 5
    assert found.executions >= 2


def test_without_faults_nothing_is_read_twice() -> None:
    found = reprocessed(3, 160, NONE, deadly=0)
    assert found.read.total() == 160


def test_minutes_without_the_table_leave_a_run_that_can_be_resumed() -> None:
    found = reprocessed(4, 160, Rates(outages=(Outage("dynamodb", 1.0, 400.0),)), deadly=0)
    assert found.executions >= 2


def test_a_run_that_marks_no_answer_is_noticed() -> None:
    from brainscan.store.table.runs import Runs

    with (
        patch.object(Runs, "put_reprocessed", lambda _, answers: [True] * len(answers)),
        pytest.raises(AssertionError, match="have no answer"),
    ):
        reprocessed(5, 40, NONE, deadly=0)


def test_the_functions_role_allows_what_it_calls_and_nothing_besides() -> None:
    calls: dict[str, set[Grant]] = {}
    with recorded(calls):
        reprocessed(6, 80, KILLS)
        with answered(1, KILLS) as world:
            for model_id in (SECOND, FIRST):
                switch(world, model_id)
    assert refused(calls["Reprocess"], roles()["Reprocess"]) == set()
    assert superfluous(calls["Reprocess"], roles()["Reprocess"]) == set()
