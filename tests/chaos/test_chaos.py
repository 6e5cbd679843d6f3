"""Whatever S3, SQS, DynamoDB and Lambda do within their promises, no upload is lost, doubled, stale or miscounted."""

import pytest

from tests.chaos.faults import NONE, Rates
from tests.chaos.shrink import holds
from tests.chaos.uploads import uploads
from tests.chaos.world import Scenario


@pytest.mark.parametrize("seed", [1, 2])
def test_a_quiet_day_ends_with_every_export_done_and_every_series_reported(seed):
    holds(Scenario(seed, tuple(uploads(seed, 20, 4.0)), NONE))


def test_reports_with_their_dicom_objects_are_whole():
    holds(Scenario(4, tuple(uploads(4, 4, 2.0, kinds=("zip",))), NONE, dicom_objects=True))


@pytest.mark.parametrize("seed", [2])
def test_throttled_calls_change_nothing(seed):
    holds(Scenario(seed, tuple(uploads(seed, 20, 4.0)), Rates(throttles=0.05, partial=0.02)))
