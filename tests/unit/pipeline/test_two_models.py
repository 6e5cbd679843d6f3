"""A model is a value: a candidate runs beside the served one in one process, and each result names its model."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from brainscan.domain import TumorClass
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.intake import intake
from brainscan_local.phantom import GLIOMA, head, to_png
from tests.tiny_model import write_model


@pytest.fixture(scope="module")
def candidate(tmp_path_factory) -> Model:
    folder = tmp_path_factory.mktemp("candidate")
    write_model(folder, TumorClass.PITUITARY)
    return Model.load(folder)


@pytest.fixture(scope="module")
def picture() -> bytes:
    phantom = head(seed=7, lesion=GLIOMA, size=96, slices=12)
    return to_png(phantom.volume[5])


def test_two_models_answer_in_one_process_and_results_name_theirs(world, network, candidate, picture):
    answered = {}
    for name, model in (("served", network), ("candidate", candidate)):
        intake(world.upload(f"{name}.png", picture), world.services)
        [answered[name]] = analyze(world.queued(), world.services, model)
    assert [each.error for each in answered.values()] == [None, None]
    named = {name: result.record.model_id for name, result in answered.items()}
    assert named == {"served": network.manifest.model_id, "candidate": candidate.manifest.model_id}
    for name, model in (("served", network), ("candidate", candidate)):
        kept = world.services.table.scans.get(answered[name].record.scan_id)
        assert kept.model_id == model.manifest.model_id
    assert answered["candidate"].record.probabilities != answered["served"].record.probabilities


def test_models_that_run_at_once_do_not_mix(network, candidate):
    def batch(model):
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
