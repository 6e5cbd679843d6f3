"""Uploads are listed, short ids are enough where they are clear, and all scans of a day cost few questions."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import Export, ExportState, Kind, Outcome, Report, TumorClass, Verdict
from brainscan.library.query import query
from brainscan.store import Table
from brainscan.store.table import Worklist
from brainscan.store.table.items import scan_item
from brainscan.store.table.worklist_filter import WorklistFilter
from tests.making import a_record, analyzed, opinion
from tests.summaries import a_series

NOW = datetime.now(UTC)


def ask(*arguments: str, expected: int = 0) -> str:
    done = CliRunner().invoke(app, [*arguments, "--table", "scans"], env={"COLUMNS": "80"})
    assert done.exit_code == expected, done.output
    return done.stdout


@pytest.fixture
def scans(table: Table) -> Any:
    """Forty scans of two series that arrived today, one of them reviewed, one series reported."""
    waiting = [
        a_record(number, received_at=NOW, series_id=f"{number % 2:032x}", study_id="5" * 32, patient_id="7" * 32)
        for number in range(40)
    ]
    table.scans.register(waiting)
    table.scans.commit([analyzed(each, TumorClass.GLIOMA, 0.9) for each in waiting], [Outcome.QUEUED] * 40)
    table.scans.review(waiting[0].scan_id, 0, opinion(Verdict.CORRECTED, TumorClass.MENINGIOMA, "dr.k"))
    volumes = {TumorClass.GLIOMA: 1200.0, TumorClass.PITUITARY: 34.5}
    table.reports.commit(
        Report(
            series_id="0" * 32,
            revision=20,
            outcome=Outcome.ANALYZED,
            predicted=TumorClass.GLIOMA,
            confidence=0.8,
            volumes_mm3=volumes,
        )
    )
    export = Export(
        export_id=waiting[0].export_id,
        state=ExportState.EXPANDED,
        kind=Kind.ZIP,
        received_at=NOW,
        files=41,
        skipped=1,
        expected=40,
    )
    table.exports.conclude(export)
    return waiting


def test_rows_carry_belonging_probabilities_volumes_and_reviews(scans: Any) -> None:
    rows = {row["scan_id"]: row for row in csv.DictReader(io.StringIO(ask("results", "--format", "csv")))}
    first, second = rows[scans[0].scan_id], rows[scans[1].scan_id]
    assert (first["series_id"], first["study_id"], first["patient_id"]) == ("0" * 32, "5" * 32, "7" * 32)
    assert float(first["probability_glioma"]) == 0.9
    assert sum(float(first[f"probability_{name}"]) for name in TumorClass) == pytest.approx(1)
    assert (first["review_state"], first["review_corrected"], first["reviewer"], first["reviews"]) == (
        "corrected",
        "meningioma",
        "dr.k",
        "1",
    )
    assert first["model_id"] == "f" * 64
    assert float(first["series_volume_mm3"]) == 1234.5
    assert first["series_predicted"] == "glioma"
    assert (second["series_volume_mm3"], second["reviews"]) == ("", "0")
    lines = [json.loads(line) for line in ask("results", "--format", "json").splitlines()]
    reported = {line["scan_id"]: line.get("series_report") for line in lines}
    assert reported[scans[0].scan_id]["volumes_mm3"] == {"glioma": 1200.0, "pituitary": 34.5}
    assert reported[scans[1].scan_id] is None


def test_what_an_encoding_cannot_show_is_escaped(scans: Any) -> None:
    done = CliRunner(charset="latin-1").invoke(app, ["results", "--table", "scans"])
    assert done.exit_code == 0, done.exception
    assert "\\u2500" in done.stdout
    assert scans[0].scan_id in done.stdout


def test_a_limit_is_a_limit(scans: Any) -> None:
    assert len(ask("results", "--format", "json", "--limit", "7").splitlines()) == 7


def test_uploads_are_listed_with_what_became_of_them(scans: Any) -> None:
    shown = ask("export", "list")
    assert max(map(len, shown.splitlines())) <= 80
    for wanted in (scans[0].export_id, f"{NOW:%Y-%m-%d}", "41", "40 analyzed"):
        assert wanted in shown
    [line] = ask("export", "list", "--json", "--from", "2020-01-01").splitlines()
    assert json.loads(line)["counts"]["analyzed"] == 40
    ask("export", "list", "--to", "2020-01-02", expected=1)
    ask("export", "list", "--from", "2100-01-01", expected=2)


def test_the_first_digits_of_an_id_are_enough_where_they_are_clear(scans: Any) -> None:
    whole = scans[3].scan_id
    assert json.loads(ask("show", whole[:10], "--json"))["scan_id"] == whole
    assert json.loads(ask("show", whole, "--json"))["scan_id"] == whole
    ask("show", "", expected=2)
    ask("show", "0" * 31, expected=1)
    ask("show", whole[:10], "--day", "2020-01-01", expected=1)
    assert "40 analyzed" in ask("export", "status", scans[0].export_id[:8], "--no-watch")


@pytest.mark.parametrize("option", [("--model", "fff"), ("--patient", "77"), ("--study", "55"), ("--export", "")])
def test_so_are_they_as_options_of_results(scans: Any, table: Table, option: tuple[str, str]) -> None:
    name, digits = option
    table.summaries.put(a_series(0, study_id="5" * 32, received_at=NOW))
    of_export = digits or scans[0].export_id[:6]
    assert len(ask("results", name, of_export, "--format", "json").splitlines()) == 40
    ask("results", name, "0bad", expected=1)


@pytest.mark.parametrize("command", ["studies", "series"])
def test_so_are_they_as_options_of_studies_and_series(scans: Any, table: Table, command: str) -> None:
    export_id = scans[0].export_id
    table.summaries.put(a_series(0, received_at=NOW, export_ids=(export_id,)))
    for name, digits in (("--model", "fff"), ("--export", export_id[:6])):
        assert len(ask(command, name, digits, "--format", "json").splitlines()) == 1
        ask(command, name, "0bad", expected=1)


def listed(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ask("results", "--format", "json", *arguments).splitlines()]


def test_scans_come_in_the_order_that_is_asked_for_across_days(table: Table) -> None:
    waiting = [a_record(number, f"{number % 2}", received_at=NOW - timedelta(days=number)) for number in range(6)]
    classes = [TumorClass.NO_TUMOR, TumorClass.GLIOMA] * 3
    table.scans.register(waiting)
    final = [
        analyzed(each, classes[number], 0.6 + number / 20, needs_review=number == 4)
        for number, each in enumerate(waiting)
    ]
    table.scans.commit(final, [Outcome.QUEUED] * 6)
    table.scans.review(waiting[3].scan_id, 0, opinion(Verdict.CONFIRMED, reader="dr.k"))
    since = ("--from", (NOW - timedelta(days=9)).date().isoformat())

    def numbers(*arguments: str) -> list[int]:
        return [each["source"]["entry_index"] for each in listed(*arguments)]

    assert numbers(*since) == [0, 1, 2, 3, 4, 5]
    assert numbers(*since, "--sort", "arrival") == [0, 1, 2, 3, 4, 5]
    assert numbers(*since, "--sort", "probability") == [5, 3, 1, 0, 2, 4]
    assert numbers(*since, "--sort", "review") == [4, 0, 1, 2, 5, 3]
    assert numbers(*since, "--sort", "probability", "--limit", "2") == [5, 3]
    assert numbers(*since, "--reader", "dr.k") == [3]
    of_export = ("--export", waiting[1].export_id)
    assert numbers(*of_export, "--sort", "probability") == [5, 3, 1]
    assert numbers(*of_export, "--reader", "dr.k") == [3]
    ask("results", *since, "--reader", "dr.x", expected=1)
    ask("results", "--series", "5" * 32, "--sort", "review", expected=2)
    ask("results", *since, "--sort", "volume", expected=2)
    ask("results", "--from", "1800-01-01", expected=2)


def test_all_scans_of_a_day_are_taken_in_a_small_page_and_a_large_one(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(400):
        record = analyzed(a_record(number, received_at=NOW), TumorClass.GLIOMA, 0.9)
        dynamodb.put_item(TableName="scans", Item=scan_item(record, None))
    asked = []
    make = Table.over

    class Counting:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            if name == "query":
                asked.append(name)
            return getattr(self._client, name)

    monkeypatch.setattr(Table, "over", lambda client, *rest: make(cast(Any, Counting(client)), *rest))
    assert len(ask("results", "--format", "json").splitlines()) == 400
    first, second = 80 + 16, 80 + 16  # each page asks all shards; what they have more of is asked at once
    assert 160 <= len(asked) <= first + second + 16


def test_the_first_rows_come_before_what_follows_is_asked(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    for back in range(2):
        record = a_record(back, received_at=NOW - timedelta(days=back))
        table.scans.register([record])
        table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED])
    asked: list[int] = []
    scans = Worklist.scans

    def noticed(self: Worklist, wanted: WorklistFilter, limit: int, cursor: str | None) -> Any:
        asked.append(limit)
        return scans(self, wanted, limit, cursor)

    monkeypatch.setattr(Worklist, "scans", noticed)
    monkeypatch.setattr("brainscan.library.query.FIRST_PAGE", 1)
    found = query(table, first=(NOW - timedelta(days=9)).date(), last=NOW.date())
    assert next(found).scan_id == a_record(0).scan_id
    assert asked == [1]
    assert next(found).scan_id == a_record(1).scan_id
    assert asked == [1, 10]
