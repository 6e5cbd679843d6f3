"""The range of least error: of even values the whole, of long tails what pays."""

import numpy as np
import pytest

from training.model.ranges import LEVELS, Histogram


def histogram(values: np.ndarray) -> Histogram:
    found = Histogram(float(values.min()), float(values.max()))
    found.add(values)
    return found


def squared_error(values: np.ndarray, low: float, high: float) -> float:
    """What int8 with this range does to the values, for real."""
    step = (high - low) / LEVELS
    return float(np.square(np.clip(np.round((values - low) / step), 0, LEVELS) * step + low - values).sum())


def test_of_evenly_spread_values_nothing_is_cut() -> None:
    assert histogram(np.linspace(-2, 3, 10_001)).best_range() == pytest.approx((-2, 3))


def test_a_tail_is_cut_where_that_errs_less_than_coarse_steps() -> None:
    values = np.random.default_rng(0).normal(size=1_000_000)
    values[:3] = 40, 35, -50
    low, high = histogram(values).best_range()
    assert -40 < low < -3
    assert 3 < high < 35
    assert squared_error(values, low, high) < 0.7 * squared_error(values, -50, 40)


def test_no_other_ends_err_much_less() -> None:
    values = np.random.default_rng(1).laplace(size=200_000)
    found = histogram(values)
    chosen = squared_error(values, *found.best_range())
    others = [
        squared_error(values, found.low * a, found.high * b) for a in (0.2, 0.4, 0.7, 1) for b in (0.2, 0.4, 0.7, 1)
    ]
    assert chosen < 1.02 * min(others)


@pytest.mark.parametrize("sign", [1, -1])
def test_zero_stays_within_where_all_values_are_on_one_side_of_it(sign: int) -> None:
    low, high = histogram(sign * np.linspace(5, 6, 1001)).best_range()
    assert low <= 0 <= high
    assert max(abs(low), abs(high)) == pytest.approx(6)


def test_zeros_that_a_relu_leaves_do_not_make_steps_finer_at_the_price_of_what_is_left() -> None:
    values = np.random.default_rng(2).exponential(size=10_000)
    alone, among_zeros = histogram(values), Histogram(0.0, float(values.max()))
    among_zeros.add(np.concatenate([values, np.zeros(1_000_000)]))
    alone.low = 0.0
    assert among_zeros.best_range()[1] == pytest.approx(alone.best_range()[1], rel=0.1)


def test_values_come_in_parts() -> None:
    values = np.random.default_rng(3).normal(size=1000)
    parts = Histogram(float(values.min()), float(values.max()))
    for part in np.split(values, 10):
        parts.add(part)
    assert parts.best_range() == histogram(values).best_range()
