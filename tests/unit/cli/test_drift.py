"""`brainscan drift` says what moved, and what is too little to say."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.store import Table
from tests.conftest import TABLE
from tests.watched import a_month_and_a_dark_day


@pytest.fixture
def run(lagging_table: Table) -> Callable[..., Any]:
    dark = a_month_and_a_dark_day(lagging_table).isoformat()
    days = ("--from", dark, "--to", dark)
    return lambda *args: CliRunner().invoke(app, ["drift", *days, *args, "--table", TABLE], terminal_width=120)


def test_a_dark_day_stands_in_the_table_with_its_index(run: Callable[..., Any]) -> None:
    told = run()
    assert told.exit_code == 0
    [line] = [line for line in told.output.splitlines() if " intensity " in line]
    assert "drifted" in line
    assert "2026-03-29" in line
    [line] = [line for line in told.output.splitlines() if " confidence " in line]
    assert "stable" in line
    assert "siemens Skyra" in told.output
    assert "Research use only" in told.output


def test_it_is_one_document_as_the_api_answers_it(run: Callable[..., Any]) -> None:
    document = json.loads(run("--format", "json").output)
    assert document["features"][0]["overall"]["level"] == "drifted"
    assert document["reference"]["scans"] == 8400


def test_too_few_scans_of_a_site_give_no_number(run: Callable[..., Any]) -> None:
    told = run("--site", "north")
    [line] = [line for line in told.output.splitlines() if " intensity " in line]
    assert line.split() == ["input", "intensity", "10", "too", "few"]


@pytest.mark.parametrize(("args", "code"), [(("--site", "south"), 1), (("--since-model",), 2), (("--to", "x"), 2)])
def test_exit_codes_tell_nothing_found_from_wrong_usage(
    run: Callable[..., Any], args: tuple[str, ...], code: int
) -> None:
    assert run(*args).exit_code == code
