"""A report that ends its process every time is given up, and those of other series are made beside it."""

from typing import Any

import pytest

from brainscan.domain import Outcome
from brainscan.series.result import analyze_series
from tests.chaos.faults import NONE, USUAL, Rates
from tests.chaos.left import Left
from tests.chaos.simulation import ProcessKilledError
from tests.chaos.uploads import uploads
from tests.chaos.world import Scenario, world_of

SCENARIO = Scenario(4, tuple(uploads(4, 8, 4.0, kinds=("zip", "slice", "png"))))


@pytest.mark.parametrize("rates", [NONE, USUAL], ids=["quiet", "with faults"])
def test_a_report_that_ends_its_process_every_time_is_failed_and_its_neighbours_are_not(
    rates: Rates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world_of(SCENARIO) as world:
        world.run()
        poison, *others = sorted(Left(world).of_series)
    with world_of(Scenario(SCENARIO.seed, SCENARIO.uploads, rates)) as world:

        def deadly(series: Any, *told: Any) -> Any:
            if series.series_id != poison:
                return analyze_series(series, *told)
            task = world.simulation.current
            assert task is not None
            assert task.process is not None
            world.simulation.kill(task.process)
            raise ProcessKilledError

        monkeypatch.setattr("brainscan.pipeline.report.analyze_series", deadly)
        world.run()
        reports = {each: world.services.table.reports.latest(each) for each in (poison, *others)}
        assert {each: found and found.outcome is Outcome.FAILED for each, found in reports.items()} == {
            each: each == poison for each in reports
        }
        letters = [message.body for message in world.sqs.queues["ReportDLQ"].visible]
        assert letters
        assert {poison in body for body in letters} == {True}
