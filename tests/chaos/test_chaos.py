"""Whatever S3, SQS, DynamoDB and Lambda do within their promises, no upload is lost, doubled, stale or miscounted."""

from dataclasses import replace
from typing import Any

import pytest

from brainscan.pipeline import count as counting
from tests.chaos.calls import refusal
from tests.chaos.faults import NONE, USUAL, Outage, Rates
from tests.chaos.invariants import violations
from tests.chaos.shrink import holds
from tests.chaos.uploads import overwritten, uploads
from tests.chaos.world import Scenario, world_of


@pytest.mark.parametrize("seed", [1, 2])
def test_a_quiet_day_ends_with_every_export_done_and_every_series_reported(seed: int) -> None:
    holds(Scenario(seed, tuple(uploads(seed, 20, 4.0)), NONE))


def test_reports_with_their_dicom_objects_are_whole() -> None:
    holds(Scenario(4, tuple(uploads(4, 4, 2.0, kinds=("zip",))), NONE, dicom_objects=True))


@pytest.mark.parametrize("seed", [2, 5])
def test_throttled_calls_change_nothing(seed: int) -> None:
    """With seed 5, S3 refuses a read of a ZIP's directory until all retries are used up."""
    holds(Scenario(seed, tuple(uploads(seed, 20, 4.0)), Rates(throttles=0.05, partial=0.02)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_repeats_kills_throttles_and_lost_responses_together_change_nothing_while_the_model_changes(seed: int) -> None:
    holds(Scenario(seed, tuple(uploads(seed, 30, 6.0)), replace(USUAL, kills=0.05), second_model_from=3.0))


@pytest.mark.parametrize("seed", [71, 115, 134])
def test_of_versions_that_come_at_once_the_latest_stands_whichever_process_ends(seed: int) -> None:
    """With these seeds, the older version's intake ends as it concludes, and its message comes again."""
    holds(Scenario(seed, tuple(overwritten(0, 8, 1.0, 0.01)), Rates(kills=0.5, throttles=0.05)))


def test_an_hour_in_which_nothing_can_be_counted_leaves_every_count_right(monkeypatch: pytest.MonkeyPatch) -> None:
    right = counting.count
    with world_of(Scenario(3, tuple(uploads(3, 6, 4.0)), NONE)) as world:

        def denied_for_an_hour(*arguments: Any) -> int:
            if world.simulation.elapsed < 3600:
                raise refusal("UpdateItem", "AccessDeniedException")
            return right(*arguments)

        monkeypatch.setattr(counting, "count", denied_for_an_hour)
        world.run()
        assert violations(world) == []


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_two_minutes_without_a_service_cost_minutes(service: str) -> None:
    waits = holds(Scenario(7, tuple(uploads(7, 20, 30.0)), Rates(outages=(Outage(service, 10.0, 130.0),)))).waits
    assert 100 < max(waits) < 400


def test_minutes_without_s3_and_dynamodb_lose_nothing() -> None:
    outages = (Outage("s3", 2.0, 122.0), Outage("dynamodb", 60.0, 180.0))
    holds(Scenario(7, tuple(uploads(7, 20, 60.0)), Rates(outages=outages)))


@pytest.mark.parametrize("seed", [1, 3])
def test_scans_that_kill_their_process_fail_alone_and_cost_their_neighbours_seconds(seed: int) -> None:
    done = holds(Scenario(seed, tuple(uploads(seed, 16, 4.0, poisons=2)), NONE))
    assert max(done.waits) < 90
