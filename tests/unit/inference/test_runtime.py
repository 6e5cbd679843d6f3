"""The served network: loading, refusing, running, and what it takes of the machine."""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brainscan.domain import CLASSES
from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE, ModelError
from brainscan.inference.runtime import Model, granted_cores

MODEL_DIR = Path(__file__).parents[3] / "functions/analyze/model"


@pytest.fixture(scope="module")
def scans(network: Model) -> Any:
    """(5, N, N, 1) smooth noise in [-1, 1]."""
    size = network.manifest.input.size
    coarse = np.random.default_rng(0).uniform(-1, 1, (5, size // 8, size // 8))
    return coarse.repeat(8, 1).repeat(8, 2)[..., np.newaxis].astype(np.float32)


def test_the_model_id_is_the_digest_of_the_file(network: Model) -> None:
    assert network.manifest.model_id == hashlib.sha256((MODEL_DIR / MODEL_FILE).read_bytes()).hexdigest()


def test_a_prediction_has_class_logits_mask_logits_and_features(network: Model, scans: Any) -> None:
    prediction = network.run(scans)
    size = network.manifest.input.size
    assert prediction.cls.shape == (5, len(CLASSES))
    assert prediction.seg.shape == (5, size, size)
    assert prediction.features.shape == (5, 2048)
    for array in (prediction.cls, prediction.seg, prediction.features):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


def test_a_batch_answers_as_its_scans_do_alone(network: Model, scans: Any) -> None:
    together = network.run(scans)
    for place in (3, 0):
        alone = network.run(scans[place : place + 1])
        np.testing.assert_array_equal(alone.cls[0], together.cls[place])
        np.testing.assert_array_equal(alone.seg[0], together.seg[place])
        np.testing.assert_array_equal(alone.features[0], together.features[place])


def test_an_earlier_prediction_outlives_the_next_run(network: Model, scans: Any) -> None:
    first = network.run(scans[:2])
    kept = first.seg.copy()
    network.run(scans[2:4])
    np.testing.assert_array_equal(first.seg, kept)


def test_the_number_of_threads_does_not_change_the_answer(network: Model, scans: Any) -> None:
    single = Model.load(MODEL_DIR, threads=1).run(scans[:1])
    np.testing.assert_allclose(single.cls, network.run(scans[:1]).cls, atol=1e-5)


@pytest.mark.parametrize("shape", [(128, 128, 1), (0, 128, 128, 1), (1, 128, 128, 3), (1, 96, 96, 1)])
def test_a_batch_of_another_shape_is_refused(network: Model, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        network.run(np.zeros(shape, np.float32))


def test_a_model_that_is_not_the_manifests_is_refused(tmp_path: Path) -> None:
    shutil.copy(MODEL_DIR / MANIFEST_FILE, tmp_path)
    (tmp_path / MODEL_FILE).write_bytes((MODEL_DIR / MODEL_FILE).read_bytes()[:-1] + b"\0\0")
    with pytest.raises(ModelError, match="SHA-256"):
        Model.load(tmp_path)


def test_a_missing_model_is_named_with_a_remedy(tmp_path: Path) -> None:
    shutil.copy(MODEL_DIR / MANIFEST_FILE, tmp_path)
    with pytest.raises(ModelError, match=r"no model\.tflite .* export"):
        Model.load(tmp_path)


def test_threads_follow_the_cores_that_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    assert granted_cores() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("memory", "cores"), [("512", 1), ("1769", 1), ("2048", 1), ("3008", 2), ("3538", 2), ("5307", 3), ("10240", 6)]
)
def test_on_lambda_threads_follow_the_memory(monkeypatch: pytest.MonkeyPatch, memory: str, cores: int) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    assert granted_cores() == cores
