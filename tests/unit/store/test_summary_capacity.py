"""What lists of studies cost, among 20,000 of them over a hundred days: the numbers of docs/data-model.md."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest

from brainscan.domain import CLASSES, LesionSummary, ReviewState, study_of
from brainscan.domain.summary import StudySummary
from brainscan.store import Table
from brainscan.store.table import keys
from brainscan.store.table.items import study_summary_item, to_item
from brainscan.store.table.worklist import MOST_COUNTED
from brainscan.store.table.worklist_filter import Listed, Sort, WorklistFilter
from tests.conftest import TABLE
from tests.making import NOON, PSEUDONYMS, present
from tests.summaries import a_series
from tests.unit.store.ledger import Ledger, item_size

STUDIES, DAYS, PAGE = 20_000, 100, 50
EXPORT = "e" * 32
IN_EXPORT = 400


def a_study(number: int) -> StudySummary:
    """A study of four series with two lesions, as large as they come in practice."""
    lesion = LesionSummary(
        number=1, tumor_class=CLASSES[0], probability=0.912345, slices=9, key_slice="a" * 32, volume_mm3=12345.6,
        longest_diameter_mm=31.25, perpendicular_diameter_mm=20.5, longest_diameter_px=40.5, 
        perpendicular_diameter_px=30.0,
    )  # fmt: skip
    told = {"study_id": PSEUDONYMS.digest("study", number), "lesions": (lesion, lesion), "lesion_count": 2}
    told |= {"image_key": f"results/{'a' * 32}/{'0' * 16}/image.png", "mask_key": f"results/{'a' * 32}/mask.png"}
    series = [a_series(number * 4 + n, CLASSES[number % 4], 0.5 + number % 400 / 1000, **told) for n in range(4)]
    return study_of(present(series[0].study_id), series, None)


def synthetic() -> Iterator[Any]:
    """Items as the table holds them; only what keys are made of differs, for speed."""
    studies = [a_study(number) for number in range(4)]
    for number in range(STUDIES):
        received = NOON - timedelta(days=number * DAYS // STUDIES, seconds=number % 3600)
        changes = {
            "received_at": received,
            "study_id": PSEUDONYMS.digest("study", number),
            "needs_review": number % 5 == 0,
        }
        changes |= {"volume_mm3": float(number), "export_ids": (EXPORT,) if number < IN_EXPORT else ("f" * 32,)}
        study = studies[number % 4].model_copy(update=changes)
        yield study_summary_item(study, None)
        if number < IN_EXPORT:
            yield to_item(keys.in_export(EXPORT, keys.study_summary(study.study_id)))


def day(back: Any) -> Any:
    return (NOON.date() - timedelta(days=back)).isoformat()


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    markers = [to_item(keys.arrival_day(day(back))) for back in range(DAYS)]
    return Ledger(itertools.chain(markers, synthetic()), list(keys.Index))


QUESTIONS: dict[str, dict[str, Any]] = {
    "arrival": {},
    "arrival, a review state": {"review": ReviewState.NEEDED},
    "arrival, a model": {"model_id": "f" * 64},
    "arrival, a class": {"finding": CLASSES[1]},
    "probability": {"sort": Sort.PROBABILITY},
    "volume": {"sort": Sort.VOLUME},
    "review": {"sort": Sort.REVIEW},
    "an export of 400 studies": {"export_id": EXPORT},
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("days", [1, DAYS])
def test_a_page_of_studies_costs_o_of_page_and_of_days(ledger: Ledger, question: Any, days: Any) -> None:
    table = Table.over(cast(Any, ledger), TABLE)
    wanted = WorklistFilter(first=day(days - 1), last=day(0), **QUESTIONS[question])
    ledger.units = ledger.queries = 0
    page = table.worklist.studies(wanted, PAGE)
    print(f"{question}, {days} days: {ledger.units} read units, {ledger.queries} queries")
    found = 40 if question.endswith("state") and days == 1 else PAGE
    assert len(page.items) == found
    page_units = 3 * PAGE * 4096 / 8192  # an item is under 4 KiB, and a unit reads two of these
    assert ledger.units <= (IN_EXPORT + 20 if "export_id" in QUESTIONS[question] else page_units + 2.5 * days)


@pytest.mark.parametrize("days", [1, DAYS])
def test_counting_reads_each_study_of_the_days_once_up_to_two_thousand(ledger: Ledger, days: Any) -> None:
    table = Table.over(cast(Any, ledger), TABLE)
    wanted = WorklistFilter(first=day(days - 1), last=day(0))
    ledger.units = ledger.queries = 0
    counts = table.worklist.study_counts(wanted)
    print(f"counts, {days} days: {ledger.units} read units, {ledger.queries} queries")
    assert counts.total == min(STUDIES // DAYS * days, MOST_COUNTED[Listed.STUDY])
    assert counts.complete == (days == 1)
    assert ledger.units <= 1.5 * counts.total / 2 + 3 * days


def test_a_study_of_four_series_is_under_4_kb() -> None:
    size = item_size(study_summary_item(a_study(0), None))
    print(f"{size} bytes")
    assert size < 4096
