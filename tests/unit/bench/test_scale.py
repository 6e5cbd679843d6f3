"""What bounds live scans follows from what a scan needs, quotas, and the template's own numbers."""

from dataclasses import replace

import pytest

from brainscan.pipeline.estimate import estimate
from brainscan.pipeline.runs import BATCH
from tests.bench.scale import HEAVY, REPROCESSED, YEAR, Limit, Needs, busy_day, limits, measured_row, reprocessing

NEEDS = Needs(
    one_s=0.1,
    compute_s=0.38,
    cold_s=1.8,
    intake_s=0.25,
    intake_calls=24,
    results_puts=4,
    table_units=4,
    index_units={"export": 1, "finding": 2, "outcome": 2},
)


def of(found: list[Limit], begins: str) -> float:
    return next(each.scans_a_second for each in found if each.name.startswith(begins))


def test_limits_are_told_the_lowest_first() -> None:
    rates = [each.scans_a_second for each in limits(NEEDS)]
    assert rates == sorted(rates)


def test_a_quota_over_what_a_scan_needs_is_its_limit() -> None:
    found = limits(NEEDS)
    assert of(found, "writes of the table") == pytest.approx(40_000 / 4)
    assert of(found, "partition keys of an index") == pytest.approx(16 * 1000 / 2)
    assert of(found, "PUTs below one prefix") == pytest.approx(3500 / 4)
    assert of(found, "analyze functions, AnalyzeConcurrency") == pytest.approx(20 * 8 / NEEDS.analyze.batch_s)


def test_what_needs_half_goes_twice_as_far() -> None:
    cheaper = replace(NEEDS, table_units=2, results_puts=2)
    for name in ("writes of the table", "PUTs below one prefix"):
        assert of(limits(cheaper), name) == pytest.approx(2 * of(limits(NEEDS), name))


def test_a_busy_day_is_a_years_share_and_a_heavy_export() -> None:
    assert sum(scans for _, scans in busy_day(YEAR // 250)) == pytest.approx(YEAR / 250 + HEAVY, rel=0.01)


def test_a_run_takes_as_long_as_its_estimate_says_within_a_fifth() -> None:
    """`brainscan reprocess` says hours before it starts, of the network alone; here calls and cold starts are added."""
    row = measured_row()
    needs = replace(NEEDS, one_s=row["warm_one_s"], compute_s=row["warm_batch_s"], cold_s=row["cold_start_s"])
    told = estimate(REPROCESSED, REPROCESSED // BATCH, 20).hours
    assert reprocessing(needs, 20).last_s / 3600 == pytest.approx(told, rel=0.2)
