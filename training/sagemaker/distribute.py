"""Several GPUs and several hosts, through TensorFlow's own strategies; nothing on a single device.

Keras 3's `fit` does not run under `MultiWorkerMirroredStrategy` (keras issue 20585), its `train_step` does: so a
distributed step is `strategy.run(model.train_step)`.
"""

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

import keras

from training.fitting.batches import TrainingBatch
from training.sagemaker.environment import Environment

if TYPE_CHECKING:
    import tensorflow as tf

    Strategy: TypeAlias = tf.distribute.Strategy

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


def distributed_step(model: keras.Model, strategy: "Strategy") -> Callable[[TrainingBatch], dict[str, float]]:
    """Learning from one batch, shared out over all replicas of all workers; gives the mean losses.

    Every worker makes the same batch and takes its own rows, so that the step is that of a single device.
    """
    import tensorflow as tf

    @tf.function
    def learn(shares: "tf.distribute.DistributedValues") -> dict[str, "tf.Tensor"]:
        said = strategy.run(model.train_step, args=(shares,))
        return {name: strategy.reduce("MEAN", value, axis=None) for name, value in said.items()}

    def step(batch: TrainingBatch) -> dict[str, float]:
        def rows(context: "tf.distribute.ReplicaContext") -> tuple["tf.Tensor", dict[str, "tf.Tensor"]]:
            own = batch.rows(replica_rows(len(batch), context.replica_id_in_sync_group, strategy.num_replicas_in_sync))
            return tf.constant(own.inputs), {name: tf.constant(target) for name, target in own.targets.items()}

        model.reset_metrics()
        said = learn(strategy.experimental_distribute_values_from_function(rows))
        return {name: float(value) for name, value in said.items()}

    return step


def replica_rows(slices: int, replica: int, replicas: int) -> slice:
    """The rows of a batch that one replica learns from.

    Raises:
        ValueError: a batch cannot be divided by the number of replicas.
    """
    if slices % replicas:
        raise ValueError(f"batches of {slices} slices cannot be divided among {replicas} replicas")
    share = slices // replicas
    return slice(replica * share, (replica + 1) * share)
