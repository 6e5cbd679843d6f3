"""What CodeDeploy looks at while a new version of analyze has a part of the scans: it is rolled back, or it stays."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from brainscan.domain import Outcome
from brainscan.observability import measure_version
from tests.unit.infra.version_alarms import raised

ABSTAINED, ANALYZED = Outcome.ABSTAINED, Outcome.ANALYZED

HEALTHY = {"Errors": 0, "Invocations": 40, "Duration": 400, "all": 390, "ScansAbstained": 40, "ScansAnalyzed": 760}
"""A minute of all versions together, of which the new one had a tenth."""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Counts outcomes as the handler does; what CloudWatch reads of them."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "brainscan")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "8")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "brainscan")

    def count(*outcomes: Outcome | None) -> dict[str, float]:
        measure_version(outcomes)
        told = json.loads(capsys.readouterr().out)
        assert (told["service"], told["version"]) == ("brainscan", "8")
        assert told["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["version", "service"]]
        return {name: sum(value) for name, value in told.items() if name.startswith("Version")}

    return count


def test_a_version_that_does_as_the_others_do_stays(counted: Callable[..., Any]) -> None:
    assert raised(HEALTHY | counted(*[ANALYZED] * 75, *[ABSTAINED] * 5)) == set()


def test_a_version_that_cannot_tell_any_more_is_rolled_back(counted: Callable[..., Any]) -> None:
    drifted = counted(*[ANALYZED] * 60, *[ABSTAINED] * 20)
    assert raised(HEALTHY | drifted) == {"AnalyzeVersionAbstains"}


def test_a_version_that_fails_scan_by_scan_is_rolled_back_though_no_invocation_failed(
    counted: Callable[..., Any],
) -> None:
    assert raised(HEALTHY | counted(*[ANALYZED] * 75, *[None] * 5)) == {"AnalyzeVersionFailures"}


def test_a_version_that_dies_or_is_slow_is_rolled_back(counted: Callable[..., Any]) -> None:
    fine = counted(*[ANALYZED] * 80)
    assert raised(HEALTHY | fine | {"Errors": 3}) == {"AnalyzeVersionErrors"}
    assert raised(HEALTHY | fine | {"Duration": 600}) == {"AnalyzeVersionSlow"}


def test_a_handful_of_scans_says_nothing_about_a_version(counted: Callable[..., Any]) -> None:
    assert raised(HEALTHY | {"Invocations": 4, "Duration": 2000} | counted(*[ABSTAINED] * 10)) == set()
