"""How far a run is, and what it says of it."""

import pytest

from training.fitting.hyperparameters import Hyperparameters
from training.fitting.pace import LINE_SECONDS, Pace, Reporter


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_run_with_a_time_limit_is_as_far_as_its_time_interruptions_included() -> None:
    clock = Clock()
    pace = Pace(Hyperparameters(time_limit=10), seconds=240, steps=7, clock=clock)
    clock.now += 60
    assert pace.done() == pytest.approx(0.5)
    assert not pace.is_over
    clock.now += 300
    assert pace.is_over


def test_a_run_without_one_is_as_far_as_its_steps() -> None:
    pace = Pace(Hyperparameters(epochs=2, slices_per_epoch=480, batch_size=48), seconds=0, steps=5)
    assert pace.done() == pytest.approx(0.25)
    assert pace.done(steps=10) == pytest.approx(0.5)
    pace.steps = 20
    assert pace.is_over


def test_redirected_progress_is_a_line_now_and_then_with_speed_time_left_and_losses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    settings = Hyperparameters(time_limit=10, slices_per_epoch=480, batch_size=48)
    pace = Pace(settings, 0, 0, clock)
    reporter = Reporter(pace, settings, clock)
    for step in range(1, 5):
        clock.now += LINE_SECONDS / 2
        pace.steps = step
        reporter.step(0, step, 1e-4, 128, {"loss": 0.5})

    lines = capsys.readouterr().out.splitlines()

    assert len(lines) == 2
    assert lines[0].startswith("epoch 0: 96/480 slices of 128 px, 0.3125 s a slice, 9.5 min left, rate 0.0001")
    assert lines[0].endswith("loss 0.5000")


def test_on_a_terminal_the_line_is_written_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    settings = Hyperparameters(epochs=2, slices_per_epoch=480, batch_size=48)
    pace = Pace(settings, 0, 0, clock)
    reporter = Reporter(pace, settings, clock)
    clock.now, pace.steps = clock.now + 2, 2
    reporter.step(0, 2, 1e-4, 128, {})
    said = capsys.readouterr().out
    assert said.startswith("\repoch 0")
    assert "0.3 min left" in said
    assert not said.endswith("\n")
