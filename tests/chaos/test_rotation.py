"""The pseudonym secret rotates in the midst of a run: patients, studies, series and objects stay what they were."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from brainscan.store.table.chosen_pseudonyms import ChosenPseudonyms
from tests.chaos.faults import NONE, USUAL
from tests.chaos.invariants import Violation, violations
from tests.chaos.left import Left
from tests.chaos.uploads import uploads
from tests.chaos.world import Scenario, rotation, world_of

SEED = 2
AT_S = 3.0
"""When the second version begins: uploads of before and after it are taken in side by side."""


def rotating() -> Scenario:
    """Slices, archives, their new versions and copies, with faults, around a rotation."""
    given = uploads(SEED, 18, 2 * AT_S, kinds=("slice", "again", "elsewhere", "zip"))
    return Scenario(SEED, tuple(given), replace(USUAL, kills=0.05), environment=(rotation(AT_S),))


def left_of(scenario: Scenario) -> tuple[dict[str, int], list[Violation], set[str]]:
    """How many of each there are; broken promises; and by which versions exports are named."""
    with world_of(scenario) as world:
        world.run()
        left = Left(world)
        names = ("patient_id", "study_id", "series_id")
        counts = {name: len({scan[name] for scan in left.scans.values()}) for name in names}
        by = {
            each.secret.decode()
            for each in world.services.keyring.all
            for key, versions in world.uploaded.items()
            for _, made in versions
            if each.export_id("uploads", key, made.version_id) in left.of_export
        }
        return counts, violations(world), by


@cache
def without_rotation() -> dict[str, int]:
    return left_of(replace(rotating(), environment=(), rates=NONE))[0]


def test_what_was_seen_before_a_rotation_is_the_same_after_it_whatever_goes_wrong() -> None:
    after, broken, by = left_of(rotating())
    assert broken == []
    assert after == without_rotation()
    assert by == {"simulated", "second"}


def test_a_version_that_follows_from_the_time_alone_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def of_its_time(_: ChosenPseudonyms, names: Sequence[str], preferred: str, __: Any) -> str:
        return preferred

    monkeypatch.setattr(ChosenPseudonyms, "choose", of_its_time)
    after, broken, _ = left_of(rotating())
    assert after["series_id"] > without_rotation()["series_id"]
    assert {each.promise for each in broken} >= {"nothing_doubled"}
