"""The mean of weights of several runs."""

from pathlib import Path

import numpy as np
import pytest

from tests.unit.training import tiny
from training import average
from training.model.network import load_npz, save_float16


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(average, "build", lambda *_, **__: tiny.network(seed=9))


def test_every_weight_is_the_mean_of_the_runs(tmp_path: Path) -> None:
    runs = [tiny.network(seed) for seed in (1, 2, 3)]
    for index, run in enumerate(runs):
        save_float16(run, tmp_path / f"{index}.npz")
    assert average.main([*(str(tmp_path / f"{i}.npz") for i in range(3)), "--out", str(tmp_path / "out")]) == 0

    read, coarse = tiny.network(seed=8), tiny.network(seed=8)
    load_npz(read, tmp_path / "out/weights.float16.npz")
    load_npz(coarse, tmp_path / "out/weights.npz")
    for weight, rounded, *of_runs in zip(read.weights, coarse.weights, *(run.weights for run in runs), strict=True):
        expected = np.mean([np.asarray(each.value) for each in of_runs], axis=0)
        np.testing.assert_allclose(np.asarray(weight.value), expected, atol=1e-3)
        np.testing.assert_allclose(np.asarray(rounded.value), expected, atol=np.abs(expected).max() / 100 + 1e-6)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", another=np.zeros(3))
    with pytest.raises(ValueError, match="another"):
        average.main([str(tmp_path / "other.npz"), "--out", str(tmp_path / "out")])
