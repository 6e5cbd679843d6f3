"""A model is a value: a candidate runs beside the served one in one process, and each result names its model."""

import io
import json
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import TumorClass, Verdict
from brainscan.domain.model_version import ModelState
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.compare import prediction_pairs
from brainscan.pipeline.intake import intake
from brainscan.pipeline.models import Decision, add_model, roll_back, set_model_state
from brainscan.pipeline.overlays import overlay_png
from brainscan.pipeline.serving import LoadedModels, analyze_as_served
from brainscan.pipeline.shadow import is_sampled
from brainscan_local.phantom import GLIOMA, head, to_png
from tests import series as mr
from tests.conftest import World
from tests.listing import listed_scans
from tests.making import NOON, a_record, opinion, present, zipped
from tests.tiny_model import write_model


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("candidate")
    write_model(folder, TumorClass.PITUITARY)
    return folder


@pytest.fixture(scope="module")
def candidate(exported: Path) -> Model:
    return Model.load(exported)


@pytest.fixture(scope="module")
def picture() -> bytes:
    phantom = head(seed=7, lesion=GLIOMA, size=96, slices=12)
    return to_png(phantom.volume[5])


def test_two_models_answer_in_one_process_and_results_name_theirs(
    world: World, network: Model, candidate: Model, picture: bytes
) -> None:
    answered = {}
    for name, model in (("served", network), ("candidate", candidate)):
        intake(world.upload(f"{name}.png", picture), world.services)
        [answered[name]] = analyze(world.queued(), world.services, model)
    assert [each.error for each in answered.values()] == [None, None]
    named = {name: present(result.record).model_id for name, result in answered.items()}
    assert named == {"served": network.manifest.model_id, "candidate": candidate.manifest.model_id}
    for name, model in (("served", network), ("candidate", candidate)):
        kept = present(world.services.table.scans.get(present(answered[name].record).scan_id))
        assert kept.model_id == model.manifest.model_id
    assert present(answered["candidate"].record).probabilities != present(answered["served"].record).probabilities


def test_models_that_run_at_once_do_not_mix(network: Model, candidate: Model) -> None:
    def batch(model: Any) -> Any:
        size = model.manifest.input.size
        random = np.random.default_rng(size)
        return random.uniform(-1, 1, (2, size, size, 1)).astype(np.float32)

    models = (network, candidate)
    alone = [model.run(batch(model)) for model in models]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            together = list(pool.map(lambda model: model.run(batch(model)), models))
            for one, other in zip(alone, together, strict=True):
                np.testing.assert_array_equal(one.cls, other.cls)
                np.testing.assert_array_equal(one.seg, other.seg)


DECISION = Decision("dr.k", "a test", override=True)


@pytest.fixture
def registered(world: World, exported: Path) -> str:
    """The candidate's id, in the registry."""
    return add_model(exported, world.services.table, world.services.results, DECISION).model_id


def answer(world: World, loaded: Any) -> dict[str, set[str]]:
    """Analyze all that is queued; the models that answered, by series or, of what has none, by scan."""
    results = analyze_as_served(world.queued(), world.services, loaded)
    assert [each.error for each in results] == [None] * len(results)
    found: dict[str, set[str]] = {}
    for each in results:
        found.setdefault(present(each.record).series_id or "no series", set()).add(
            present(present(each.record).model_id)
        )
    return found


def send(world: World, name: str, slices: Any) -> None:
    intake(world.upload(name, zipped({f"IM{n}": mr.file_bytes(each) for n, each in enumerate(slices)})), world.services)


def test_one_command_switches_and_one_goes_back(world: World, network: Model, registered: str, picture: bytes) -> None:
    loaded = LoadedModels(network)
    images = {"no series": {network.manifest.model_id}}
    table = world.services.table
    steps: list[tuple[Callable[[], object], dict[str, set[str]]]] = [
        (lambda: None, images),
        (lambda: set_model_state(registered, ModelState.SERVED, table, DECISION), {"no series": {registered}}),
        (lambda: roll_back(table, DECISION), images),
    ]
    for number, (step, expected) in enumerate(steps):
        step()
        intake(world.upload(f"{number}.png", picture), world.services)
        assert answer(world, loaded) == expected


def test_a_switch_never_mixes_models_within_a_series(world: World, network: Model, registered: str) -> None:
    slices, others = mr.mr_series(6), mr.mr_series(3)
    for each in others:
        each.SeriesInstanceUID = "2.25.99"
    send(world, "begun.zip", slices[:3])
    [[series_id, before]] = answer(world, LoadedModels(network)).items()
    assert before == {network.manifest.model_id}
    set_model_state(registered, ModelState.SERVED, world.services.table, DECISION)
    send(world, "rest.zip", slices[3:])
    send(world, "new.zip", others)
    after = answer(world, LoadedModels(network))
    assert after.pop(series_id) == before
    assert list(after.values()) == [{registered}]


def test_a_model_that_cannot_be_loaded_costs_the_scans_of_other_models_nothing(
    world: World, network: Model, registered: str, picture: bytes
) -> None:
    slices = mr.mr_series(4)
    send(world, "begun.zip", slices[:2])
    answer(world, LoadedModels(network))
    set_model_state(registered, ModelState.SERVED, world.services.table, DECISION)
    world.services.results.delete(world.keys("models/"))
    send(world, "rest.zip", slices[2:])
    intake(world.upload("alone.png", picture), world.services)
    results = analyze_as_served(world.queued(), world.services, LoadedModels(network))
    assert sorted(type(each.error).__name__ for each in results) == ["NoneType", "NoneType", "ObjectGoneError"]
    assert {each.record.model_id for each in results if each.record} == {network.manifest.model_id}


def test_a_series_that_an_earlier_image_began_goes_on_with_the_served_model(
    world: World, network: Model, candidate: Model
) -> None:
    slices = mr.mr_series(4)
    send(world, "begun.zip", slices[:2])
    answer(world, LoadedModels(candidate))  # an image that carried it; it is not in the registry
    send(world, "rest.zip", slices[2:])
    assert list(answer(world, LoadedModels(network)).values()) == [{network.manifest.model_id}]


def shadowed(world: World, registered: str, share: float = 1.0) -> None:
    set_model_state(registered, ModelState.SHADOW, world.services.table, DECISION, share)


def said(world: World) -> list[ShadowFinding]:
    """All that a shadow ever said."""
    lines = [line for key in world.keys("shadow/") for line in world.services.results.get(key).decode().splitlines()]
    return [ShadowFinding.model_validate_json(line) for line in lines]


def left_behind(world: World, dynamodb: Any) -> Counter[str]:
    """Items of the table that are none of the registry's, and files among the results, by kind."""
    found = dynamodb.scan(TableName="scans")["Items"]
    kinds = [each["pk"]["S"].split("#")[0] + each["sk"]["S"].split("#")[0] for each in found]
    return Counter([kind for kind in kinds if not kind.startswith("MODELS")] + ["result"] * len(world.keys("results/")))


def test_what_a_shadow_says_is_kept_apart_from_every_result(
    world: World, dynamodb: Any, network: Model, registered: str, picture: bytes
) -> None:
    grown = []
    for number in range(3):
        before = left_behind(world, dynamodb)
        if number == 2:
            shadowed(world, registered)
        intake(world.upload(f"{number}.png", picture), world.services)
        assert answer(world, LoadedModels(network)) == {"no series": {network.manifest.model_id}}
        grown.append(left_behind(world, dynamodb) - before)
    assert grown[2] == grown[1]
    [one] = said(world)
    record = present(world.services.table.scans.get(one.scan_id))
    assert (one.model_id, one.served_id) == (registered, network.manifest.model_id)
    assert (record.model_id, record.probabilities != one.probabilities) == (network.manifest.model_id, True)
    assert one.mask is not None
    day = NOON.date().isoformat()
    assert not listed_scans(world.services.table, day, model_id=registered)
    assert set(world.services.table.statistics.of_day(day).models) == {network.manifest.model_id}


def test_a_diff_tells_by_scan_what_a_shadow_would_have_changed(
    world: World, network: Model, registered: str, tmp_path: Path
) -> None:
    shadowed(world, registered)
    heads = [head(seed=seed, lesion=lesion, size=96, slices=12) for seed, lesion in ((7, GLIOMA), (8, None))]
    for number, phantom in enumerate(heads):
        intake(world.upload(f"{number}.png", to_png(phantom.volume[5])), world.services)
    answer(world, LoadedModels(network))
    day = NOON.date()
    pairs = list(prediction_pairs(registered, day, day, world.services.table, world.services.results))
    assert len(pairs) == 2
    for pair in pairs:
        if pair.served.mask_key is None:  # nothing is outlined
            assert not pair.dice
            continue
        masks = [np.asarray(Image.open(io.BytesIO(png))) > 0 for png in (
            world.services.results.get(present(pair.served.mask_key)), b64decode(present(pair.candidate.mask))
        )]  # fmt: skip
        expected = 2 * (masks[0] & masks[1]).sum() / max(1, masks[0].sum() + masks[1].sum())
        assert (pair.dice or 0) == pytest.approx(expected)
    tumor, *_ = [pair for pair in pairs if pair.candidate.predicted is TumorClass.PITUITARY and pair.is_changed]
    world.services.table.scans.review(tumor.served.scan_id, 0, opinion(Verdict.CORRECTED, TumorClass.PITUITARY, "dr.k"))
    told = ["--table", "scans", "--bucket", "results", "--out", str(tmp_path), "--from", f"{day}", "--to", f"{day}"]
    done = CliRunner().invoke(app, ["model", "diff", registered[:9], *told])
    assert done.exit_code == 0, done.output
    found = json.loads((tmp_path / "diff.json").read_text())
    changed = {scan["scan_id"]: scan for series in found["changed"] for scan in series["changed"]}
    assert changed[tumor.served.scan_id]["candidate"] == "pituitary"
    assert (found["scans"], found["reviewed_candidate"]["accuracy"], found["reviewed_served"]["accuracy"]) == (2, 1, 0)
    page = (tmp_path / "diff.html").read_text()
    assert page.count("<figure>") == len(changed)
    overlay = b64encode(present(overlay_png(tumor.served, world.services.results))).decode()
    assert overlay in page
    assert present(tumor.candidate.mask) in page
    assert "The gate is closed: 2 scans compared, 200 needed" in " ".join(done.output.split())
    gate = present(world.services.table.models.gate(registered))
    assert (gate.scans, gate.reviewed, gate.served) == (2, 1, (network.manifest.model_id,))
    later = [*told[:-4], "--from", "2026-04-01", "--to", "2026-04-02"]
    assert CliRunner().invoke(app, ["model", "diff", registered[:9], *later]).exit_code == 1


def test_a_repeat_is_not_looked_at_again(world: World, network: Model, registered: str, picture: bytes) -> None:
    shadowed(world, registered)
    intake(world.upload("once.png", picture), world.services)
    scans = world.queued()
    for _ in range(2):
        analyze_as_served(scans, world.services, LoadedModels(network))
    assert len(said(world)) == 1


def test_trouble_of_a_shadow_costs_the_scans_nothing(
    world: World, network: Model, registered: str, picture: bytes
) -> None:
    shadowed(world, registered)
    world.services.results.delete(world.keys("models/"))
    intake(world.upload("a scan.png", picture), world.services)
    assert answer(world, LoadedModels(network)) == {"no series": {network.manifest.model_id}}
    assert said(world) == []


def test_a_shadow_sees_its_share_of_series_whole_and_always_the_same() -> None:
    slices = [a_record(n, series_id=f"{n * 7919 * 65537 % 16**8:08x}" + "0" * 24) for n in range(2000)]
    alone = [a_record(n) for n in range(2000)]
    for records in (slices, alone):
        tenth, half = ({each.scan_id for each in records if is_sampled(each, share)} for share in (0.1, 0.5))
        assert tenth < half
        assert len(tenth) == pytest.approx(200, abs=45)
        assert len(half) == pytest.approx(1000, abs=90)
        assert not any(is_sampled(each, 0.0) for each in records)
        assert all(is_sampled(each, 1.0) for each in records)
    other_slice = a_record(9000, series_id=slices[0].series_id)
    assert {is_sampled(other_slice, n / 50) == is_sampled(slices[0], n / 50) for n in range(51)} == {True}
