"""`brainscan studies` and `brainscan series` list and show what the table holds."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import Delivery, DeliveryState, Geometry, LesionSummary, Outcome, Reason, Report, TumorClass
from brainscan.store import Table
from tests.conftest import TABLE
from tests.making import NOON
from tests.summaries import DAY, STUDY, a_series

LESION = LesionSummary(
    number=1, tumor_class=TumorClass.GLIOMA, probability=0.9, slices=3, key_slice="a" * 32, volume_mm3=1234.0,
    longest_diameter_mm=31.2, perpendicular_diameter_mm=20.4, longest_diameter_px=40.0, perpendicular_diameter_px=30.0,
)  # fmt: skip
TUMOR = a_series(0, key_slice="a" * 32, lesions=(LESION,), lesion_count=1, volume_mm3=1234.0)
CLEAR = a_series(1, TumorClass.NO_TUMOR)


@pytest.fixture
def run(table: Table) -> Callable[..., Any]:
    table.statistics.mark_arrival(DAY)
    for each in (TUMOR, CLEAR):
        table.summaries.put(each)
    return lambda *args: CliRunner().invoke(app, [*args, "--table", TABLE], terminal_width=100)


def test_studies_are_listed_with_class_volume_and_why_to_look(run: Callable[..., Any]) -> None:
    told = run("studies", "--from", "2025-01-01", "--to", DAY)
    assert told.exit_code == 0
    [line] = [line for line in told.output.splitlines() if STUDY[:12] in line]
    assert "glioma" in line
    assert "1.2 cm³" in line
    assert "needed" in line
    assert "Research use only" in told.output


def test_in_a_terminal_of_80_columns_every_column_is_there_and_the_note_gives_way(table: Table) -> None:
    table.statistics.mark_arrival(DAY)
    table.summaries.put(a_series(2, review_reasons=tuple(Reason)[:6], needs_review=True))
    shown = CliRunner().invoke(app, ["series", "--day", DAY, "--table", TABLE], terminal_width=80).output
    heads, *rest = shown.splitlines()
    assert heads.split() == ["series", "class", "sure", "volume", "review", "note"]
    assert "0.90" in rest[0]
    assert max(map(len, shown.splitlines())) <= 80
    assert all(word in shown for reason in tuple(Reason)[:6] for word in reason.split("_"))


def test_the_first_digits_of_an_id_are_enough(run: Callable[..., Any]) -> None:
    assert f"study {STUDY}" in run("studies", STUDY[:6], "--day", DAY).output
    assert f"series {TUMOR.series_id}" in run("series", TUMOR.series_id[:8], "--day", DAY).output
    assert run("series", "0000", "--day", DAY).exit_code == 1


@pytest.mark.parametrize("command", ["studies", "series"])
def test_of_an_export_all_is_listed_unless_days_are_named(run: Callable[..., Any], command: str) -> None:
    of_export = (command, "--export", TUMOR.export_ids[0], "--format", "json")
    assert run(*of_export).exit_code == 0
    assert run(*of_export).output == run(*of_export, "--day", DAY).output
    assert run(*of_export, "--day", "2020-01-01").exit_code == 1


@pytest.mark.parametrize("command", ["studies", "series", "results"])
def test_a_limit_below_nothing_is_wrong_usage(run: Callable[..., Any], command: str) -> None:
    assert run(command, "--limit", "-3").exit_code == 2


@pytest.mark.parametrize(("command", "shown_id"), [("studies", STUDY), ("series", TUMOR.series_id)])
def test_one_is_shown_with_probabilities_model_and_key_slice(
    run: Callable[..., Any], command: str, shown_id: str
) -> None:
    told = run(command, shown_id).output
    assert "glioma 0.90, meningioma 0.03, no_tumor 0.03, pituitary 0.03; model ffffffffffff; key slice aaaa" in told


def test_one_study_names_its_series_and_measures_its_lesions(run: Callable[..., Any]) -> None:
    told = run("studies", STUDY)
    assert f"series {TUMOR.series_id} (the verdict rests on it)" in told.output
    assert f"series {CLEAR.series_id}" in told.output
    assert "series disagree" in told.output
    assert "1234 mm³" in told.output
    assert "31.2 mm" in told.output


@pytest.mark.parametrize(
    ("delivery", "told"),
    [
        (
            Delivery(state=DeliveryState.DELIVERED, at=NOON, objects=3),
            "in the PACS: 3 objects, 2026-03-01 12:00:00 UTC",
        ),
        (
            Delivery(state=DeliveryState.FAILED, at=NOON, reason=Reason.RETRIES_EXHAUSTED),
            "not in the PACS: retries exhausted, 2026-03-01 12:00:00 UTC; `brainscan dlq redrive --queue deliveries`",
        ),
    ],
)
def test_a_series_tells_whether_its_report_is_in_the_pacs(
    run: Callable[..., Any], table: Table, delivery: Delivery, told: str
) -> None:
    assert "PACS" not in run("series", TUMOR.series_id).output
    table.reports.commit(Report(series_id=TUMOR.series_id, revision=6, outcome=Outcome.ANALYZED))
    table.reports.put_delivery(TUMOR.series_id, 6, delivery)
    assert told in run("series", TUMOR.series_id).output


def test_series_are_listed_as_documents(run: Callable[..., Any]) -> None:
    told = run("series", "--day", DAY, "--format", "json", "--sort", "probability")
    assert [json.loads(line)["series_id"] for line in told.output.splitlines()] == [TUMOR.series_id, CLEAR.series_id]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("studies", "--day", "2020-01-01"), 1),
        (("studies", "0" * 32), 1),
        (("series", "0" * 32), 1),
        (("studies", "--from", "2026-02-02", "--to", "2026-02-01"), 2),
    ],
)
def test_exit_codes_tell_nothing_found_from_wrong_usage(
    run: Callable[..., Any], args: tuple[str, ...], code: int
) -> None:
    assert run(*args).exit_code == code


def test_a_patients_history_tells_how_volumes_change(run: Callable[..., Any], table: Table) -> None:
    lies = Geometry(spacing_mm=(0.5, 0.5), distance_mm=5.0, normal=(0.0, 0.0, 1.0))
    other = lies.model_copy(update={"distance_mm": 1.0})
    for number, (volume, geometry) in enumerate([(1000.0, lies), (1500.0, lies), (900.0, other)]):
        study: dict[str, Any] = {
            "study_id": f"{number}" * 32,
            "received_at": NOON + timedelta(days=number),
            "patient_id": "8" * 32,
        }
        table.summaries.put(a_series(10 + number, volume_mm3=volume, geometry=geometry, **study))
    shown = run("studies", "--patient", "8" * 32)
    assert shown.exit_code == 0
    lines = [line.split() for line in shown.output.splitlines()[1:4]]
    assert [line[0] for line in lines] == ["0" * 12, "1" * 12, "2" * 12]
    assert "2026-03-02" in lines[1]
    assert "+50" in lines[1]
    assert lines[2][-3:] == ["other", "slice", "distance"]
    told = [json.loads(line) for line in run("studies", "--patient", "8" * 32, "--format", "json").output.splitlines()]
    assert [each["follow_up"].get("change_percent") for each in told] == [None, 50.0, None]
    assert run("studies", "--patient", "9" * 32).exit_code == 1
    assert run("studies", "--patient", "8" * 32, "--finding", "glioma").exit_code == 2
