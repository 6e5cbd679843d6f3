"""Below what breaks first nothing waits for long; above it the queue grows for as long as scans come."""

import pytest

from tests.bench.flow import Functions, flow

FUNCTIONS = Functions(at_once=10, batch=8, fixed_s=0.2, scan_s=0.05, cold_s=1.0)
"""133 scans a second."""


def steadily(rate: float, seconds: int = 600) -> list[tuple[float, int]]:
    """So many scans a second, in steps of four."""
    return [(4.0 * step, round(rate * 4)) for step in range(seconds // 4)]


def test_functions_together_get_through_what_each_does() -> None:
    found = flow([(0.0, 80_000)], FUNCTIONS)
    assert found.scans_a_second == pytest.approx(FUNCTIONS.scans_a_second, rel=0.01)
    assert found.most_at_once == 10


@pytest.mark.parametrize("shared", ["functions", "table"])
def test_a_queue_grows_above_the_limit_and_not_below(shared: str) -> None:
    limit = FUNCTIONS.scans_a_second if shared == "functions" else 50.0
    holding = {"table": 50.0} if shared == "table" else {}
    below, above = (flow(steadily(limit * share), FUNCTIONS, holding) for share in (0.8, 1.2))
    assert below.most_waiting < limit * 10
    assert above.most_waiting > limit * 0.15 * 600
    assert above.scans_a_second == pytest.approx(limit, rel=0.05)


def test_what_follows_the_answer_holds_nobody_and_is_done_later() -> None:
    found = flow([(0.0, 8_000)], FUNCTIONS, following={"count": 20.0})
    assert found.last_s == pytest.approx(8_000 / FUNCTIONS.scans_a_second, rel=0.05)
    assert found.counted_s == pytest.approx(8_000 / 20, rel=0.05)


def test_functions_that_come_by_and_by_begin_with_few() -> None:
    slow = Functions(1000, 8, 0.2, 0.05, 0.0, at_start=5, more_a_minute=300)
    found = flow([(0.0, 50_000)], slow)
    at_once = flow([(0.0, 50_000)], Functions(1000, 8, 0.2, 0.05, 0.0))
    assert found.last_s > 5 * at_once.last_s
    assert found.most_at_once < 1000


def test_every_scan_is_answered_once_whatever_comes_in_what_pieces() -> None:
    found = flow([(0.0, 3), (0.1, 21), (5.0, 1)], FUNCTIONS)
    assert found.scans == 25
    assert found.wait(1.0) == max(found.waits)
