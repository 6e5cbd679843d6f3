"""Slices that a modality pushes one by one are one answer to the PACS, while every report is there at once."""

from typing import Any
from unittest.mock import patch

import pytest
from aws_lambda_powertools.utilities import parameters

from brainscan.dicom import stow
from brainscan.pipeline import deliver
from tests.chaos.faults import NONE, Rates
from tests.chaos.uploads import Upload, slice_file
from tests.chaos.world import Scenario, world_of
from tests.making import present

STOW = (("StowUrl", "https://pacs.example/dicom-web"),)
SLICES = 24


class FakePacs:
    """Keeps each set of objects once, as a PACS does."""

    stored: set[tuple[bytes, ...]]

    def __init__(self, *_: object) -> None:
        """Whoever asks is let in."""

    def store(self, objects: Any) -> None:
        self.stored.add(tuple(objects))


def pushed(seconds_apart: float) -> tuple[Upload, ...]:
    return tuple(
        Upload(place, place * seconds_apart, f"pushed/{place}.dcm", slice_file(1, 1, place), 1, 1)
        for place in range(SLICES)
    )


@pytest.mark.parametrize(
    ("seconds_apart", "rates", "deliveries"),
    [(10.0, NONE, 1), (10.0, Rates(duplicates=0.2, throttles=0.02), 1), (200.0, NONE, SLICES)],
    ids=["one by one", "with repeats and throttles", "long after each other"],
)
def test_slices_pushed_one_by_one_are_delivered_together(seconds_apart: float, rates: Any, deliveries: Any) -> None:
    FakePacs.stored = set()
    scenario = Scenario(2, pushed(seconds_apart), rates, parameters=STOW)
    with (
        patch.object(stow, "Pacs", FakePacs),
        patch.object(parameters, "get_secret", lambda *_, **__: '{"username": "a", "password": "b"}'),
        patch.object(deliver, "DICOM_SUFFIX", ".json"),  # the DICOM objects take a hundred times as long to make
        world_of(scenario) as world,
    ):
        world.run()
        revisions = {each["Detail"]["revision"] for each in world.events.taken}
        series_id = world.events.taken[0]["Detail"]["series_id"]
        assert present(world.services.table.reports.latest(series_id)).revision == SLICES
        assert max(world.waits.seconds.values()) < 30 or rates is not NONE
    assert len(revisions) > 10
    assert len(FakePacs.stored) == deliveries
