"""Stored scans are switched to another version and back while processes die: a series whole, and nothing disagrees."""

from dataclasses import replace
from typing import Any

import pytest

from brainscan.domain import ScanRecord
from brainscan.pipeline import runs
from brainscan.pipeline import switch as pipeline
from tests.chaos.faults import NONE, Rates
from tests.chaos.invariants import violations
from tests.chaos.network import MODELS
from tests.chaos.reprocessing import KILLS
from tests.chaos.switching import answered, stored, switch
from tests.chaos.world import World

FIRST, SECOND, _ = MODELS
MANY_KILLS = replace(KILLS, kills=0.3)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "BATCH", 4)


def models(world: World) -> set[str | None]:
    return {each.model_id for each in stored(world)}


def said(record: ScanRecord) -> tuple[Any, ...]:
    """What a version said of a scan, and what a reader did."""
    review = record.review
    return record.predicted, record.confidence, record.mask_key, record.result_key, review and review.dice


@pytest.mark.parametrize("rates", [NONE, MANY_KILLS], ids=["quiet", "with kills"])
def test_all_that_is_stored_is_switched_and_back_and_everything_agrees(rates: Rates) -> None:
    with answered(1, rates) as world:
        assert violations(world) == []
        before = {each.scan_id: said(each) for each in stored(world)}
        switch(world, SECOND)
        assert violations(world) == []
        assert models(world) == {SECOND}
        assert [each.scan_id for each in stored(world) if said(each) == before[each.scan_id]] == []
        switch(world, FIRST)
        assert violations(world) == []
        assert models(world) == {FIRST}
        assert {each.scan_id: said(each) for each in stored(world)} == before
        assert world.functions["Reprocess"].killed > 3 or rates is NONE


def test_a_scan_that_is_left_behind_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    exchange = pipeline._exchange
    with answered(1, NONE) as world:
        left_behind = stored(world)[0].scan_id

        def forgetful(before: ScanRecord, *told: Any, **more: Any) -> None:
            if before.scan_id != left_behind:
                exchange(before, *told, **more)

        monkeypatch.setattr(pipeline, "_exchange", forgetful)
        switch(world, SECOND)
        assert models(world) == {FIRST, SECOND}
