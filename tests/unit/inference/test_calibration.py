"""Probabilities from logits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from brainscan.inference.calibration import probabilities

logits_of_a_scan = arrays.arrays(np.float32, 4, elements=st.floats(-50, 50, width=32))


@given(logits_of_a_scan, st.floats(0.05, 20))
def test_probabilities_lie_within_0_and_1_and_sum_to_1(logits: Any, temperature: float) -> None:
    p = probabilities(logits, temperature)
    assert ((p >= 0) & (p <= 1)).all()
    assert p.sum() == pytest.approx(1)


@given(logits_of_a_scan, st.floats(1.01, 20))
def test_a_higher_temperature_makes_the_first_choice_less_certain_and_keeps_it(logits: Any, temperature: float) -> None:
    cool, warm = probabilities(logits, 1.0), probabilities(logits, temperature)
    assert warm.max() <= cool.max() + 1e-12
    assert warm[cool.argmax()] == pytest.approx(warm.max())


def test_known_values() -> None:
    np.testing.assert_allclose(probabilities(np.log([1, 2, 3, 4]).astype(np.float32), 1.0), [0.1, 0.2, 0.3, 0.4], 1e-6)
    squared = np.array([1, 4, 9, 16]) / 30
    np.testing.assert_allclose(probabilities(np.log([1, 2, 3, 4]).astype(np.float32), 0.5), squared, 1e-6)


def test_a_batch_is_calibrated_scan_by_scan() -> None:
    batch = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    together = probabilities(batch, 1.7)
    np.testing.assert_allclose(together, [probabilities(scan, 1.7) for scan in batch])


def test_huge_logits_do_not_overflow() -> None:
    np.testing.assert_array_equal(probabilities(np.array([1e30, 0, -1e30, 0], np.float32), 1.0), [1, 0, 0, 0])
