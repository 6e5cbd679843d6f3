"""Drift over HTTP: a day against the weeks before or the first of the model, by site; no numbers of few scans."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from brainscan.domain.model_version import ModelChange, ModelState, Rollout
from brainscan.settings import settings
from brainscan.store import Table
from tests.unit.api.conftest import Ask
from tests.watched import FIRST, a_month_and_a_dark_day


@pytest.fixture
def dark(ask: Ask, lagging_table: Table) -> date:
    return a_month_and_a_dark_day(lagging_table)


def of(answer: Any, feature: Any) -> Any:
    return next(each for each in answer["features"] if each["feature"] == feature)


def test_a_dark_day_is_found_and_the_rest_is_as_it_was(ask: Ask, dark: date) -> None:
    answer = ask("GET", "/v1/drift", {"from": dark.isoformat(), "to": dark.isoformat()}).json
    assert (answer["reference"]["first"], answer["reference"]["scans"]) == (FIRST.isoformat(), 28 * 300)
    brightness = of(answer, "intensity")
    assert [(each["day"], each["level"]) for each in brightness["days"]] == [(dark.isoformat(), "drifted")]
    assert brightness["current"][0] == 1
    levels = {each["feature"]: each["overall"]["level"] for each in answer["features"]}
    assert set(levels.values()) == {"drifted", "stable"}
    assert [name for name, level in levels.items() if level == "drifted"] == ["intensity"]
    assert answer["devices"][0] == {
        "vendor": "siemens", "model": "Skyra", "scans": 200, "rejected": 0, "abstained": 0, "flagged": 30,
    }  # fmt: skip


def test_a_site_with_few_scans_gets_words_and_no_number(ask: Ask, dark: date, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSCAN_SITES", "north,south")
    settings.cache_clear()
    assert ask("GET", "/v1/sites").json["sites"] == ["north", "south"]
    query = {"from": dark.isoformat(), "to": dark.isoformat(), "site": "north"}
    brightness = of(ask("GET", "/v1/drift", query).json, "intensity")
    assert (brightness["overall"]["level"], brightness["overall"]["psi"]) == ("too_few", None)
    assert brightness["overall"]["scans"] == 10


def test_a_site_that_nobody_named_is_none(ask: Ask, dark: date) -> None:
    refused = ask("GET", "/v1/drift", {"site": "DOE-JANE"})
    assert refused.status == 422
    assert "/v1/sites" in refused.json["detail"]
    assert "JANE" not in refused.body


def test_the_reference_can_be_the_models_first_days(ask: Ask, dark: date, lagging_table: Table) -> None:
    asked = {"from": dark.isoformat(), "to": dark.isoformat(), "reference": "model", "reference_days": 10}
    refused = ask("GET", "/v1/drift", asked)
    assert refused.status == 422
    assert "compare with the days before" in refused.json["detail"]
    began = datetime(2026, 3, 5, 9, tzinfo=UTC)
    change = ModelChange(revision=1, model_id="f" * 64, state=ModelState.SERVED, by="dr.k", at=began)
    lagging_table.models.commit(Rollout(revision=1, served="f" * 64), change)
    answer = ask("GET", "/v1/drift", asked).json
    assert (answer["reference"]["first"], answer["reference"]["last"]) == ("2026-03-05", "2026-03-14")
    assert of(answer, "intensity")["overall"]["level"] == "drifted"


def test_days_without_scans_are_an_empty_answer(ask: Ask, api: None) -> None:
    answer = ask("GET", "/v1/drift", {"from": "2020-01-01", "to": "2020-01-05"}).json
    assert (answer["scans"], answer["devices"]) == (0, [])
    assert {each["overall"]["level"] for each in answer["features"]} == {"too_few"}


@pytest.mark.parametrize(
    "query", [{"from": "2026-02-02", "to": "2026-02-01"}, {"from": "2020-01-01", "to": "2026-01-01"}]
)
def test_days_in_the_wrong_order_and_too_many_of_them_are_refused(ask: Ask, api: None, query: dict[str, Any]) -> None:
    assert ask("GET", "/v1/drift", query).status == 422
