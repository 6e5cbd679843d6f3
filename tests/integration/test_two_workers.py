"""Two workers on this machine train one model together, as two hosts would."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

WORKER = """
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
import keras, numpy as np
import tensorflow as tf
from tests.unit.training import tiny
from training.fitting import loop
from training.sagemaker.distribute import strategy_for
from training.sagemaker.environment import read_environment
from training.fitting.hyperparameters import Hyperparameters
from training.model.network import build

folder = Path(sys.argv[1])
environment = read_environment([])
strategy = strategy_for(environment)
keras.utils.set_random_seed(0)
with strategy.scope() if strategy else nullcontext():
    # Without batch norms, because each replica normalises by its own rows.
    model = build(tiny.SIZE, None, partial(tiny.encoder, norms=False))
    for layer in model.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
settings = Hyperparameters(size=tiny.SIZE, batch_size=4, slices_per_epoch=8, epochs=1, decay=0,
                           warmup_steps=0, learning_rate=0.01, ema=0, clip_norm=1e6)
if strategy is None:
    np.savez(folder / "start.npz", *[np.array(variable) for variable in model.trainable_variables])
leader = strategy is None or environment.is_leader
name = environment.current_host if strategy else "alone"
loop.Training(model, tiny.slices(), tiny.slices(8, seed=1), settings, folder / name, strategy, leader).fit()
if strategy:
    assert strategy.num_replicas_in_sync == 2
np.savez(folder / f"{name}.npz", *[np.array(variable) for variable in model.trainable_variables])
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(folder: Path, **variables: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers/brainscan'}", **variables}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder)],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[np.ndarray]]:
    """The weights after an epoch: of each of two workers, and of one that worked alone."""
    folder = tmp_path_factory.mktemp("workers")
    ports = free_ports(2)
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    hosts = ["algo-1", "algo-2"]
    started = [
        start(
            folder,
            SM_HOSTS=json.dumps(hosts),
            SM_CURRENT_HOST=host,
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
        )
        for index, host in enumerate(hosts)
    ]
    started.append(start(folder))
    said = [process.communicate(timeout=280)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], "\n".join(said)[-4000:]
    weights = {}
    for name in (*hosts, "alone", "start"):
        with np.load(folder / f"{name}.npz") as arrays:
            weights[name] = list(arrays.values())
    return weights


def test_both_workers_end_with_the_same_weights(trained: dict[str, list[np.ndarray]]) -> None:
    for one, other in zip(trained["algo-1"], trained["algo-2"], strict=True):
        np.testing.assert_array_equal(one, other)


def test_two_workers_learn_what_one_learns_alone(trained: dict[str, list[np.ndarray]]) -> None:
    # Not to the digit: Adam makes a step of the least difference. No clipping, because each worker clips its own.
    together, alone = (
        np.concatenate(
            [(after - before).ravel() for after, before in zip(trained[name], trained["start"], strict=True)]
        )
        for name in ("algo-1", "alone")
    )
    assert together @ alone / (np.linalg.norm(together) * np.linalg.norm(alone)) > 0.97
