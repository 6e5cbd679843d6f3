"""Another version is served half-way, by the registry, while a third is the shadow: no series mixes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from brainscan.domain.model_version import ModelChange, ModelState, ModelVersion, Rollout
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.pipeline import serving
from brainscan.store.table import Models
from tests.chaos.faults import USUAL
from tests.chaos.invariants import violations
from tests.chaos.left import Left
from tests.chaos.network import MODELS, FakeNetwork
from tests.chaos.uploads import uploads
from tests.chaos.world import Scenario, World, world_of

FIRST, SECOND, LOOKS_ON = MODELS
SPAN_S = 8.0
SWITCH_S = 10.0
"""When some series are answered in part; answers begin seconds after the uploads do."""


def version(model_id: str) -> ModelVersion:
    return ModelVersion(
        model_id=model_id, added_at=datetime(2026, 3, 1, tzinfo=UTC), size_bytes=1, input_size=32, split="test",
        figures={}, data_digest="d" * 64, source_revision="e" * 40,
    )  # fmt: skip


def decide(world: World, rollout: Rollout, model_id: str, state: ModelState, added: ModelVersion | None = None) -> None:
    """A line in the registry, as `brainscan model` writes it."""
    at = datetime.fromtimestamp(world.simulation.now, UTC)
    change = ModelChange(revision=rollout.revision, model_id=model_id, state=state, by="dr.k", at=at)
    world.services.table.models.commit(rollout, change, added)


@contextmanager
def switching(seed: int) -> Iterator[World]:
    """A world whose registry has one version as the shadow from the beginning, and serves another in the midst."""
    scenario = Scenario(seed, tuple(uploads(seed, 30, SPAN_S)), replace(USUAL, kills=0.05))
    with world_of(scenario) as world:
        networks = {model_id: FakeNetwork(world.simulation, n, frozenset()) for n, model_id in enumerate(MODELS)}
        looking = Rollout(revision=1, shadow=LOOKS_ON, share=1.0)
        decide(world, looking, LOOKS_ON, ModelState.SHADOW, version(LOOKS_ON))
        served = Rollout(revision=2, served=SECOND, shadow=LOOKS_ON, share=1.0)
        world.simulation.after(SWITCH_S, lambda: decide(world, served, SECOND, ModelState.SERVED, version(SECOND)))
        with patch.object(serving, "fetch_model", lambda model_id, _: networks[model_id]):
            world.run()
        yield world


def models_of_series(world: World) -> list[set[str]]:
    """Which versions answered each series."""
    answered = Left(world).of_series.values()
    return [{scan["model_id"] for scan in scans if scan.get("model_id")} for scans in answered]


def answered_on_both_sides(world: World) -> list[set[str]]:
    """The versions of those series that were begun before the switch and completed after it."""
    switch = datetime.fromtimestamp(world.simulation.now - world.simulation.elapsed + SWITCH_S, UTC)
    found = []
    for scans in Left(world).of_series.values():
        answered = [scan for scan in scans if scan.get("model_id")]
        times = [datetime.fromisoformat(scan["finished_at"]) for scan in answered]
        if times and min(times) < switch < max(times):
            found.append({scan["model_id"] for scan in answered})
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_series_is_of_two_versions_also_if_it_was_begun_before_the_switch(seed: int) -> None:
    with switching(seed) as world:
        assert violations(world) == []
        of_series = models_of_series(world)
        assert [models for models in of_series if len(models) > 1] == []
        assert set().union(*of_series) == {FIRST, SECOND}
        begun = answered_on_both_sides(world)
        assert begun
        assert set().union(*begun) == {FIRST}


def test_series_that_kept_no_version_would_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test above would miss if nothing straddled the switch."""
    served_alone = lambda _models, series_ids, served: dict.fromkeys(series_ids, served)  # noqa: E731
    monkeypatch.setattr(Models, "of_series", served_alone)
    with switching(1) as world:
        assert [models for models in models_of_series(world) if len(models) > 1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_looks_on_is_heard_nowhere_but_below_its_own_prefix(seed: int) -> None:
    with switching(seed) as world:
        said = [key for key in world.s3.keys("results") if key.startswith("shadow/")]
        assert said
        for key in said:
            assert key.startswith(f"shadow/{LOOKS_ON}/")
            lines = (world.s3.latest("results", key) or b"").splitlines()
            answers = [ShadowFinding.model_validate_json(line) for line in lines]
            assert {answer.served_id for answer in answers} <= {FIRST, SECOND}
        told = [key for key in world.s3.keys("results") if not key.startswith(("shadow/", "sources/"))]
        assert told
        assert [key for key in told if LOOKS_ON.encode() in (world.s3.latest("results", key) or b"")] == []
        items = [item for item in Left(world).items if item["pk"] != "MODELS" and LOOKS_ON in str(item)]
        assert items == []
