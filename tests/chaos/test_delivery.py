"""Slices that a modality pushes one by one are one answer to the PACS, while every report is there at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from brainscan.dicom import stow
from brainscan.domain import DeliveryState, Reason
from brainscan.pipeline import deliver
from brainscan.store import Secrets
from tests.chaos.deadly import deadly
from tests.chaos.faults import NONE, USUAL, Rates
from tests.chaos.left import Left
from tests.chaos.uploads import Upload, slice_file, uploads
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


@contextmanager
def delivering() -> Iterator[set[tuple[bytes, ...]]]:
    """A PACS to deliver to, and what it has stored."""
    FakePacs.stored = set()
    with (
        patch.object(stow, "Pacs", FakePacs),
        patch.object(Secrets, "text", lambda *_: '{"username": "a", "password": "b"}'),
        patch.object(deliver, "DICOM_SUFFIX", ".json"),  # the DICOM objects take a hundred times as long to make
    ):
        yield FakePacs.stored


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
    scenario = Scenario(2, pushed(seconds_apart), rates, parameters=STOW)
    with delivering() as stored, world_of(scenario) as world:
        world.run()
        revisions = {each["Detail"]["revision"] for each in world.events.taken}
        series_id = world.events.taken[0]["Detail"]["series_id"]
        assert present(world.services.table.reports.latest(series_id)).revision == SLICES
        assert max(world.waits.seconds.values()) < 30 or rates is not NONE
    assert len(revisions) > 10
    assert len(stored) == deliveries


SOME = tuple(uploads(4, 8, 4.0, kinds=("zip", "slice", "png")))


@pytest.mark.parametrize("rates", [NONE, USUAL], ids=["quiet", "with faults"])
@pytest.mark.parametrize("at_call", [1, 3])
def test_a_delivery_that_ends_its_process_every_time_is_failed_and_can_be_redriven(rates: Rates, at_call: int) -> None:
    with world_of(Scenario(4, SOME)) as world:
        world.run()
        poison, *others = sorted(Left(world).of_series)
    with delivering(), world_of(Scenario(4, SOME, rates, parameters=STOW)) as world:

        def told(series_id: str) -> tuple[DeliveryState, Reason | None] | None:
            found = present(world.services.table.reports.latest(series_id)).delivery
            return (found.state, found.reason) if found else None

        with deadly("Deliver", "DeliveryQueue", lambda body: body["detail"]["series_id"] == poison, at_call):
            world.run()
        assert told(poison) == (DeliveryState.FAILED, Reason.RETRIES_EXHAUSTED)
        assert {told(each) for each in others} == {(DeliveryState.DELIVERED, None)}
        letters = world.sqs.queues["DeliveryDLQ"].visible
        assert {poison in letter.body for letter in letters} == {True}
        for letter in letters:
            world.sqs.send("DeliveryQueue", letter.body)
        world.simulation.run()
        assert told(poison) == (DeliveryState.DELIVERED, None)
