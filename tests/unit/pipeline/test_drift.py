"""Once a day drift is measured for CloudWatch, of all scans and by site; too few scans measure nothing."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Metrics

from brainscan import observability
from brainscan.settings import settings
from brainscan.store.table import Table
from tests.calling import recorded
from tests.chaos.roles import Grant, allowed
from tests.chaos.world import attribute, template_of
from tests.conftest import TABLE
from tests.watched import a_month_and_a_dark_day

ROOT = Path(__file__).parents[3]
CONTEXT = SimpleNamespace(
    function_name="measure-drift",
    memory_limit_in_mb=512,
    aws_request_id="1",
    invoked_function_arn="arn:aws:lambda:::measure-drift",
)

Run = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def run(lagging_table: Table, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The function as the schedule starts it; what it tells CloudWatch."""
    told = {
        "BRAINSCAN_RESULTS_BUCKET": "results",
        "BRAINSCAN_TABLE_NAME": TABLE,
        "BRAINSCAN_SITES": "north,south",
        "POWERTOOLS_SERVICE_NAME": "stack",
        "POWERTOOLS_METRICS_NAMESPACE": "brainscan",
        "POWERTOOLS_TRACE_DISABLED": "1",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    monkeypatch.setattr(observability, "metrics", Metrics(namespace="brainscan", service="stack"))
    spec = importlib.util.spec_from_file_location("watch_handler", ROOT / "functions/measure_drift/handler.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "table", lambda _: lagging_table)

    def running(time: str) -> list[dict[str, Any]]:
        capsys.readouterr()
        module.lambda_handler({"time": time}, CONTEXT)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
        return [each for each in lines if "_aws" in each]

    return running


def test_the_day_after_a_dark_day_its_input_is_measured_as_drifted_and_its_answers_are_not(
    run: Run, lagging_table: Table
) -> None:
    dark = a_month_and_a_dark_day(lagging_table)
    [measured] = run(f"{dark.replace(day=dark.day + 1)}T02:00:00Z")
    [inputs], [answers] = measured["InputDrift"], measured["OutputDrift"]
    assert inputs > 1 > answers
    assert measured["function"] == "measure_drift"


def test_a_usual_day_is_far_from_the_limit(run: Run, lagging_table: Table) -> None:
    a_month_and_a_dark_day(lagging_table)
    [measured] = run("2026-03-29T02:00:00Z")
    assert max(*measured["InputDrift"], *measured["OutputDrift"]) == 0


def test_a_day_without_scans_measures_nothing(run: Run) -> None:
    assert run("2026-03-29T02:00:00Z") == []


def test_its_role_allows_what_it_asks_for_and_nothing_besides(run: Run) -> None:
    calls: set[Grant] = set()
    with recorded(calls):
        run("2026-03-03T02:00:00Z")
    grants = allowed(template_of(()), attribute)["MeasureDrift"]
    assert {each for each in grants if each[0].partition(":")[0] not in {"logs", "xray"}} == calls
