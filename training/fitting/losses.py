"""What the network is trained to make small, backend-neutral."""

import keras
from keras import ops

EPSILON = 1e-6


@keras.saving.register_keras_serializable("brainscan")
class AllowedClasses(keras.losses.Loss):
    """Cross-entropy against the classes that a label admits: one, or all tumor classes where the type is unknown.

    Args:
        label_smoothing: share of the loss that every class gets alike.
    """

    def __init__(self, label_smoothing: float = 0.0, name: str = "allowed_classes", **kwargs: object) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """`y_true` (B, 4) of 0 and 1, `y_pred` (B, 4) logits -> (B,)."""
        log_p = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        allowed = ops.where(y_true > 0.5, log_p, -1e9)
        hit = -ops.logsumexp(allowed, axis=-1)
        return (1 - self.label_smoothing) * hit - self.label_smoothing * ops.mean(log_p, axis=-1)

    def get_config(self) -> dict[str, object]:
        """What rebuilds this loss."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("brainscan")
class KnownMask(keras.losses.Loss):
    """Binary cross-entropy and soft Dice where a mask is known; pixels below 0 are unknown and weigh nothing.

    Dice counts on slices with tumor alone: on an empty mask it is 0 or 1 by chance.
    """

    def __init__(self, name: str = "known_mask", **kwargs: object) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """`y_true` (B, N, N, 1) of 0, 1 and -1, `y_pred` logits of the same shape -> (B,)."""
        logits = ops.cast(y_pred, "float32")
        known = ops.cast(y_true >= 0, "float32")
        truth = ops.cast(y_true > 0, "float32")
        axes = (1, 2, 3)
        cross_entropy = (ops.softplus(logits) - truth * logits) * known
        probability = ops.sigmoid(logits) * known
        overlap = 2 * ops.sum(probability * truth, axis=axes)
        both = ops.sum(probability, axis=axes) + ops.sum(truth, axis=axes)
        has_tumor = ops.cast(ops.sum(truth, axis=axes) > 0, "float32")
        dice = has_tumor * (1 - overlap / (both + EPSILON))
        return ops.mean(cross_entropy, axis=axes) + dice
