"""`brainscan model`: versions are added, served, rolled back and retired, and the history says who did it and why."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain.gate import GateResult
from brainscan.domain.model_version import ModelChange, ModelState, Rollout
from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE, SourceMetrics
from brainscan.store.table.models import RegistryConflictError
from tests.conftest import World
from tests.making import NOON
from tests.unit.inference.making import manifest

ENV = {"COLUMNS": "200", "BRAINSCAN_TABLE_NAME": "scans", "BRAINSCAN_RESULTS_BUCKET": "results"}


def model(*arguments: str | Path, expected: int = 0) -> str:
    done = CliRunner().invoke(app, ["model", *map(str, arguments)], env=ENV)
    assert done.exit_code == expected, done.output
    return done.output


@pytest.fixture
def exported(tmp_path: Path) -> Callable[..., Any]:
    """Make the folder of an exported model: a file of the network's name, and the manifest that names its digest."""

    def make(content: bytes) -> Any:
        folder = tmp_path / content.decode()
        folder.mkdir()
        (folder / MODEL_FILE).write_bytes(content)
        told = manifest(model_id=hashlib.sha256(content).hexdigest())
        figures = SourceMetrics(scans=40, accuracy=0.975, blank=0, abstained=2, needs_review=5, mean_dice=0.81)
        metrics = told.metrics.model_copy(update={"sources": {"figshare": figures}})
        told = told.model_copy(update={"metrics": metrics})
        (folder / MANIFEST_FILE).write_text(told.model_dump_json())
        return folder, told.model_id

    return make


@pytest.fixture
def two(world: World, exported: Callable[..., Any]) -> Any:
    """Two versions in the registry."""
    added = [exported(content) for content in (b"one", b"two")]
    for folder, model_id in added:
        assert f"{model_id} is candidate" in model("add", folder, "--reason", "of June's data").replace("\n", "")
    return [model_id for _, model_id in added]


def listed(*options: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in model("list", "--json", *options).splitlines()]


def test_what_is_added_can_be_listed_with_its_figures_and_loaded(world: World, two: Any) -> None:
    assert {each["model_id"]: each["state"] for each in listed()} == dict.fromkeys(two, "candidate")
    [one] = [each for each in listed() if each["model_id"] == two[0]]
    assert one["figures"]["figshare"] == {
        "scans": 40, "accuracy": 0.975, "abstained": 2, "needs_review": 5, "mean_dice": 0.81,
    }  # fmt: skip
    assert (one["size_bytes"], one["input_size"]) == (3, 128)
    assert sorted(world.keys("models/")) == sorted(f"models/{m}/{n}" for m in two for n in (MODEL_FILE, MANIFEST_FILE))
    shown = model("list")
    assert "figshare 0.975" in shown
    assert "The model that the image carries is served." in shown


def test_to_add_again_changes_nothing(two: Any, exported: Callable[..., Any], tmp_path: Path) -> None:
    before = listed("--history")
    model("add", tmp_path / "one")
    assert listed("--history") == before


def test_the_history_says_who_when_and_why(two: Any) -> None:
    model("serve", two[0][:8], "--override", "--reason", "better on meningioma")
    model("serve", two[1][:8], "--override", "--reason", "better still")
    model("serve", "--back", "--reason", "slow")
    told = [(each["revision"], each["model_id"], each["state"], each["reason"]) for each in listed("--history")]
    assert told == [
        (1, two[0], "candidate", "of June's data"),
        (2, two[1], "candidate", "of June's data"),
        (3, two[0], "served", "better on meningioma"),
        (4, two[1], "served", "better still"),
        (5, two[0], "served", "slow"),
    ]
    caller = boto3.client("sts").get_caller_identity()["Arn"]
    assert all(caller.endswith(each["by"]) and each["at"] for each in listed("--history"))
    assert {each["model_id"]: each["state"] for each in listed()} == {two[0]: "served", two[1]: "retired"}
    assert "better still" in model("list", "--history")


def test_what_makes_no_sense_is_refused_in_a_line_and_changes_nothing(
    world: World, two: Any, exported: Callable[..., Any]
) -> None:
    model("serve", two[0], "--override", "--reason", "first")
    before = listed("--history")
    assert "serve another in its place" in " ".join(model("retire", two[0], expected=4).split())
    assert "no version begins with" in model("serve", "ffff", "--reason", "x", expected=1)
    model("serve", "--reason", "neither a version nor --back", expected=2)
    folder, _ = exported(b"three")
    (folder / MODEL_FILE).write_bytes(b"another")
    assert "files of one export" in " ".join(model("add", folder, expected=4).split())
    assert listed("--history") == before


def passing(world: World, model_id: str, served: str) -> GateResult:
    figures = {"scans": 400, "reviewed": 80, "size_bytes": 3}
    result = GateResult(model_id=model_id, served=(served,), at=NOON, by="dr.k", **figures)
    world.services.table.models.put_gate(result)
    return result


def test_a_version_is_served_only_when_its_gate_passed_against_what_is_served_now(world: World, two: Any) -> None:
    before = listed("--history")
    assert "never compared" in " ".join(model("serve", two[0], "--reason", "x", expected=4).split())
    closed = passing(world, two[0], "e" * 64).model_copy(update={"failures": ("12 scans compared, 200 needed",)})
    world.services.table.models.put_gate(closed)
    assert "12 scans compared" in " ".join(model("serve", two[0], "--reason", "x", expected=4).split())
    assert listed("--history") == before
    passing(world, two[0], "e" * 64)
    model("serve", two[0], "--reason", "the gate is passed")
    passing(world, two[1], "e" * 64)
    assert "another model than" in " ".join(model("serve", two[1], "--reason", "x", expected=4).split())
    passing(world, two[1], two[0])
    model("serve", two[1], "--reason", "the gate is passed")
    assert [each["overridden"] for each in listed("--history")] == [[]] * 4


def test_an_override_keeps_what_the_gate_had_against_it(world: World, two: Any) -> None:
    model("serve", two[0], "--override", "--reason", "the one before is unsafe")
    [line] = [each for each in listed("--history") if each["state"] == "served"]
    assert line["reason"] == "the one before is unsafe"
    assert "never compared" in line["overridden"][0]


def test_an_empty_registry_says_that_the_images_model_is_served(world: World) -> None:
    assert "the image carries is served" in " ".join(model("list", expected=1).split())
    assert "none to go back to" in " ".join(model("serve", "--back", "--reason", "x", expected=4).split())


def test_of_two_changes_at_once_one_is_refused(world: World, two: Any) -> None:
    models = world.services.table.models
    seen = models.rollout()

    def change(by: str) -> tuple[Rollout, ModelChange]:
        after = seen.with_state(two[0], ModelState.SHADOW, 0.5)
        return after, ModelChange(revision=3, model_id=two[0], state=ModelState.SHADOW, by=by, at=NOON, share=0.5)

    models.commit(*change("first"))
    models.commit(*change("first"))  # its answer was lost, and it came again
    with pytest.raises(RegistryConflictError):
        models.commit(*change("second"))
    assert [each.by for each in models.history()][2:] == ["first"]
