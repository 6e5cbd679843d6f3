"""The arithmetic is the one asked for, or the one that is fast here."""

import pytest

from training.fitting import precision


def test_what_is_asked_for_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "seconds", lambda _: pytest.fail("measured"))
    assert precision.choose_dtype("float32") == "float32"


@pytest.mark.parametrize(("bfloat16", "chosen"), [(0.5, "mixed_bfloat16"), (0.95, "float32"), (2.0, "float32")])
def test_bfloat16_is_taken_where_it_is_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, bfloat16: float, chosen: str
) -> None:
    monkeypatch.setattr(precision, "seconds", {"float32": 1.0, "bfloat16": bfloat16}.__getitem__)
    assert precision.choose_dtype("auto") == chosen


def test_both_arithmetics_are_measured_on_this_machine() -> None:
    assert precision.seconds("float32") > 0
    assert precision.seconds("bfloat16") > 0
