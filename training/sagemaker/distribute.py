"""Several GPUs and several hosts, through TensorFlow's own strategies; nothing on a single device.

Keras 3's `fit` does not run under `MultiWorkerMirroredStrategy` (keras issue 20585), its `train_step` does: so an
epoch of a distributed run is a loop over `strategy.run(model.train_step)`.
"""

import json
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import keras
import numpy as np

from training.fitting.batches import Batch, EpochBatches
from training.sagemaker.environment import Environment

if TYPE_CHECKING:
    import tensorflow as tf

    Strategy = tf.distribute.Strategy

PORT: Final = 29500
"""Where workers on different hosts meet."""


def strategy_for(environment: Environment) -> "Strategy | None":
    """The strategy for the hosts and GPUs that the environment names; None for a single device.

    Has to be asked before TensorFlow does anything else. `TF_CONFIG`, where it is set, says which workers there are.
    """
    if len(environment.hosts) == 1 and environment.gpus <= 1 and "TF_CONFIG" not in os.environ:
        return None
    import tensorflow as tf

    if len(environment.hosts) == 1 and "TF_CONFIG" not in os.environ:
        return tf.distribute.MirroredStrategy()
    os.environ.setdefault("TF_CONFIG", tf_config(environment))
    return tf.distribute.MultiWorkerMirroredStrategy()


def tf_config(environment: Environment) -> str:
    """SageMaker's hosts in TensorFlow's words."""
    return json.dumps(
        {
            "cluster": {"worker": [f"{host}:{PORT}" for host in environment.hosts]},
            "task": {"type": "worker", "index": environment.hosts.index(environment.current_host)},
        }
    )


def run_epoch(model: keras.Model, batches: EpochBatches, strategy: "Strategy") -> dict[str, float]:
    """One epoch, every batch shared out over all replicas of all workers.

    Every worker draws the same batches and takes its own rows, so that the epoch is that of a single device.

    Raises:
        ValueError: a batch cannot be divided by the number of replicas.
    """
    import tensorflow as tf

    replicas = strategy.num_replicas_in_sync
    size = len(batches[0][0])
    if size % replicas:
        raise ValueError(f"batches of {size} slices cannot be divided among {replicas} replicas")
    share = size // replicas

    def pipeline(context: "tf.distribute.InputContext") -> "tf.data.Dataset":
        local = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local

        def rows() -> Iterator[Batch]:
            for index in range(len(batches)):
                for replica in range(first, first + local):
                    yield _rows(batches[index], slice(replica * share, (replica + 1) * share))

        return tf.data.Dataset.from_generator(rows, output_signature=_signature(batches[0]))

    @tf.function
    def step(batch: "tf.distribute.DistributedValues") -> dict[str, "tf.Tensor"]:
        said = strategy.run(model.train_step, args=(batch,))
        return {name: strategy.reduce("MEAN", value, axis=None) for name, value in said.items()}

    model.reset_metrics()
    means: dict[str, float] = {}
    shared = iter(strategy.distribute_datasets_from_function(pipeline))
    for _ in range(len(batches)):
        means = {name: float(value) for name, value in step(next(shared)).items()}
    return means


def _rows(batch: Batch, rows: slice) -> Batch:
    inputs, targets = batch
    return inputs[rows], {name: target[rows] for name, target in targets.items()}


def _signature(batch: Batch) -> "tuple[tf.TensorSpec, dict[str, tf.TensorSpec]]":
    import tensorflow as tf

    def spec(array: np.ndarray) -> "tf.TensorSpec":
        return tf.TensorSpec((None, *array.shape[1:]), tf.float32)

    inputs, targets = batch
    return spec(inputs), {name: spec(target) for name, target in targets.items()}
