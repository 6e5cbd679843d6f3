"""What the functions measure, as CloudWatch reads it: one namespace, two dimensions, and nobody's name."""

import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.metrics import EphemeralMetrics

from brainscan import observability
from brainscan.domain import Finding, Outcome, ScanRecord, TumorClass
from tests.making import NOON, a_record, analyzed

MONITORING = Path(__file__).parents[2] / "infra/monitoring.yaml"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, Any]]:
    """What was measured so far, as the line that CloudWatch takes metrics from."""
    metrics = EphemeralMetrics(namespace="brainscan", service="brainscan")  # `Metrics` share what they hold
    monkeypatch.setattr(observability, "metrics", metrics)

    def flushed() -> dict[str, Any]:
        metrics.flush_metrics()
        return json.loads(capsys.readouterr().out)

    return flushed


def test_an_invocation_counts_its_messages_and_how_long_they_waited(measured: Callable[[], dict[str, Any]]) -> None:
    observability.measure_messages("analyze", [int(time.time() * 1000) - 90_000, int(time.time() * 1000) + 5_000])
    line = measured()
    [told] = line["_aws"]["CloudWatchMetrics"]
    assert told["Namespace"] == "brainscan"
    assert [set(names) for names in told["Dimensions"]] == [{"service", "function"}]
    assert (line["service"], line["function"]) == ("brainscan", "analyze")
    assert line["Messages"] == [1, 1]
    assert line["QueueAge"][0] >= 90
    assert line["QueueAge"][1] == 0


def test_an_answer_is_counted_by_outcome_and_class_with_its_stages_and_model(
    measured: Callable[[], dict[str, Any]],
) -> None:
    record = analyzed(a_record(), TumorClass.NO_TUMOR, 0.9)
    record = record.model_copy(
        update={"timings_ms": {"decode": 3.5, "infer": 22.0}, "finished_at": NOON + timedelta(seconds=7)}
    )
    observability.measure_outcome(record)
    line = measured()
    assert line["ScansAnalyzed"] == [1]
    assert line["FoundNoTumor"] == [1]
    assert (line["DecodeTime"], line["InferTime"], line["TimeToAnswer"]) == ([3.5], [22.0], [7.0])
    assert line["model_id"] == record.model_id
    assert "model_id" not in str(line["_aws"])


def test_what_is_taken_in_is_counted_by_file_and_scan(measured: Callable[[], dict[str, Any]]) -> None:
    observability.measure_intake(5, 2, {Outcome.QUEUED: 3, Outcome.REJECTED: 1})
    line = measured()
    assert (line["FilesTakenIn"], line["FilesSkipped"]) == ([5], [2])
    assert (line["ScansQueued"], line["ScansRejected"]) == ([3], [1])


def test_a_scan_without_a_class_is_counted_by_its_outcome_alone(measured: Callable[[], dict[str, Any]]) -> None:
    observability.measure_outcome(ScanRecord.of(a_record(), Finding(outcome=Outcome.ABSTAINED)))
    line = measured()
    assert line["ScansAbstained"] == [1]
    assert not [name for name in line if name.startswith("Found")]


def test_the_dashboard_shows_only_what_is_measured(measured: Callable[[], dict[str, Any]]) -> None:
    shown = set(re.findall(r'\["brainscan", "(\w+)"', MONITORING.read_text()))
    stages = dict.fromkeys(("decode", "prepare", "infer", "interpret", "store"), 1.0)
    observability.measure_intake(1, 0, {Outcome.QUEUED: 1})
    for predicted in TumorClass:
        observability.measure_outcome(
            analyzed(a_record(), predicted, 0.9).model_copy(update={"timings_ms": stages, "finished_at": NOON})
        )
    for outcome in Outcome:
        observability.measure_outcome(ScanRecord.of(a_record(), Finding(outcome=outcome)))
    observability.measure_messages("analyze", [0])
    assert shown
    assert shown <= set(measured())
