"""The network as it is trained: batch norms by one kernel, residual branches that drop out, float32 logits.

Names and weights are those of `training.model.network`, so that its weight files fit both.
"""

import re
from typing import Any, Final

import keras
from keras import layers, ops

RESIDUAL: Final = re.compile(r"conv\d_block\d+_out")
"""Names of the encoder's layers that add a block's branch to its shortcut."""
LOGITS: Final = ("cls", "seg_logits", "seg")
"""Layers that stay float32 in mixed precision: bfloat16 has three digits."""


@keras.saving.register_keras_serializable("brainscan")
class FusedBatchNormalization(layers.BatchNormalization):
    """Batch normalization by TensorFlow's fused kernel, which reads bfloat16 and sums in float32.

    Keras' own is a dozen operations in float32. On other backends, and for other axes than the last of four, this
    layer is Keras' own.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """(B, H, W, C) -> the same shape; in training by the batch's statistics, which the moving ones follow."""
        fits = len(inputs.shape) == 4 and self.axis in (-1, 3) and self.scale and self.center and not self.renorm
        if keras.backend.backend() != "tensorflow" or mask is not None or self.synchronized or not fits:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        by_batch = bool(training) and self.trainable
        said = tf.raw_ops.FusedBatchNormV3(
            x=tf.cast(inputs, self.compute_dtype),
            scale=ops.convert_to_tensor(self.gamma),
            offset=ops.convert_to_tensor(self.beta),
            mean=[] if by_batch else ops.convert_to_tensor(self.moving_mean),
            variance=[] if by_batch else ops.convert_to_tensor(self.moving_variance),
            epsilon=self.epsilon,
            is_training=by_batch,
        )
        if by_batch:
            for moving, fresh in ((self.moving_mean, said.batch_mean), (self.moving_variance, said.batch_variance)):
                moving.assign(moving * self.momentum + fresh * (1 - self.momentum))
        return said.y


@keras.saving.register_keras_serializable("brainscan")
class ResidualAdd(layers.Layer):
    """Shortcut plus branch; in training the branch of a slice drops out at `rate`, and is scaled up where it stays.

    Stochastic depth (Huang et al., 2016): no slice can rely on any one block.

    Args:
        rate: 0..1, how often a branch drops out.
    """

    def __init__(self, rate: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator() if rate > 0 else None

    def call(self, inputs: list[Any], training: bool | None = None) -> Any:
        """[shortcut, branch] -> their sum, one of the two alone where the branch drops out."""
        shortcut, branch = inputs
        if training and self.rate > 0:
            shape = (ops.shape(branch)[0], 1, 1, 1)
            stays = keras.random.uniform(shape, seed=self.seed_generator) >= self.rate
            branch = branch * ops.cast(stays, branch.dtype) / (1 - self.rate)
        return shortcut + branch

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """The shortcut's."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """What rebuilds this layer."""
        return {**super().get_config(), "rate": self.rate}


def trainable(model: keras.Model, path_drop: float = 0.0) -> keras.Model:
    """A model with the same weights whose training is faster and, with `path_drop`, drops residual branches.

    Args:
        model: from `network.build`.
        path_drop: rate of the deepest branch; the others' rises to it linearly with depth.
    """
    branches = [layer.name for layer in model.layers if RESIDUAL.fullmatch(layer.name)]
    rates = {name: path_drop * (i + 1) / len(branches) for i, name in enumerate(branches)}

    def replace(layer: layers.Layer) -> layers.Layer:
        config = layer.get_config()
        if layer.name in LOGITS:
            return type(layer).from_config(config | {"dtype": "float32"})
        if type(layer) is layers.BatchNormalization:
            return FusedBatchNormalization.from_config(config)
        if layer.name in rates and isinstance(layer, layers.Add):
            return ResidualAdd(rates[layer.name], name=layer.name, dtype=config["dtype"])
        return type(layer).from_config(config)

    return with_weights_of(model, keras.models.clone_model(model, clone_function=replace))


def with_weights_of(model: keras.Model, clone: keras.Model) -> keras.Model:
    """`clone`, each weight of which is that of `model` at the same path."""
    own = {weight.path: weight for weight in clone.weights}
    for weight in model.weights:
        own[weight.path].assign(weight)
    return clone
