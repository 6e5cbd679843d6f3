"""The command prints of scans, series, studies and exports what the API answers of them."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import Export, ExportState, Kind, Outcome, TumorClass, Verdict
from brainscan.store import Table
from tests.conftest import TABLE
from tests.making import NOON, a_record, analyzed, opinion
from tests.summaries import DAY, STUDY, a_series
from tests.unit.api.conftest import Ask

THE_CALLERS = {"links", "reports", "blinded", "of_series"}
"""What the API answers besides: addresses, whether the caller is a second reader, and series in a study."""


def printed(*arguments: str) -> dict[str, Any]:
    """The first document that the command prints."""
    done = CliRunner().invoke(app, [*arguments, "--table", TABLE])
    assert done.exit_code == 0, done.output
    text = done.stdout
    return dict(json.loads(text if text.startswith("{\n") else text.splitlines()[0]))


def answered(document: Any) -> Any:
    """What the API says, without what it says nothing of."""
    if not isinstance(document, dict):
        return document
    return {name: answered(value) for name, value in document.items() if value is not None and name not in THE_CALLERS}


@pytest.fixture
def stored(table: Table) -> Any:
    """A corrected scan of an export, and a corrected series with its study."""
    waiting = a_record(series_id="1" * 32, study_id=STUDY)
    table.scans.register([waiting])
    table.scans.commit([analyzed(waiting, TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED])
    table.scans.review(waiting.scan_id, 0, opinion(Verdict.CORRECTED, TumorClass.MENINGIOMA))
    table.exports.conclude(
        Export(export_id=waiting.export_id, state=ExportState.EXPANDED, kind=Kind.ZIP, received_at=NOON, expected=1)
    )
    table.statistics.mark_arrival(DAY)
    series = a_series(0)
    table.summaries.put(series)
    table.summaries.review_series(series.series_id, 0, opinion(Verdict.CORRECTED, TumorClass.MENINGIOMA))
    return waiting, series


def test_of_a_scan(ask: Ask, stored: Any) -> None:
    scan = stored[0]
    told = answered(ask("GET", f"/v1/scans/{scan.scan_id}").json)
    assert (told["finding"], told["review_state"]) == ("meningioma", "corrected")
    assert printed("results", "--day", DAY, "--format", "json") == told
    assert printed("show", scan.scan_id, "--json") == told


@pytest.mark.parametrize("kind", ["studies", "series"])
def test_of_a_series_and_a_study(ask: Ask, stored: Any, kind: str) -> None:
    [listed] = ask("GET", f"/v1/{kind}", {"from": DAY, "to": DAY}).json["items"]
    told = answered(listed)
    assert told["finding"] == "meningioma"
    assert "tumor_probability" in told
    assert printed(kind, "--day", DAY, "--format", "json") == told
    assert printed(kind, told["study_id"] if kind == "studies" else told["series_id"], "--format", "json") == told


def test_of_an_export(ask: Ask, stored: Any) -> None:
    told = answered(ask("GET", f"/v1/exports/{stored[0].export_id}").json)
    assert told["scans"] == 1
    assert printed("export", "list", "--from", DAY, "--json") == told
