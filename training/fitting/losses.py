"""What the network is trained to make small, backend-neutral; targets are those of `batches.TrainingBatch`."""

from typing import Any

import keras
from keras import ops

from brainscan.domain import CLASSES

EPSILON = 1e-6


@keras.saving.register_keras_serializable("brainscan")
class AllowedClasses(keras.losses.Loss):
    """Cross-entropy against the classes that a label admits: one, or all tumor classes where the type is unknown.

    Args:
        label_smoothing: share of the loss that every class gets alike.
    """

    def __init__(self, label_smoothing: float = 0.0, name: str = "allowed_classes", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """`y_true` (B, 9): two truths of 0 and 1 and the first's share; `y_pred` (B, 4) logits -> (B,)."""
        log_p = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        count, share = len(CLASSES), y_true[:, -1]
        first, second = (self._missed(log_p, y_true[:, i * count : (i + 1) * count]) for i in (0, 1))
        return share * first + (1 - share) * second

    def _missed(self, log_p: Any, allowed: Any) -> Any:
        hit = -ops.logsumexp(ops.where(allowed > 0.5, log_p, -1e9), axis=-1)
        return (1 - self.label_smoothing) * hit - self.label_smoothing * ops.mean(log_p, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """What rebuilds this loss."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("brainscan")
class KnownMask(keras.losses.Loss):
    """Binary cross-entropy and soft Dice where a mask is known; pixels below 0 are unknown and weigh nothing.

    Dice counts on slices with tumor alone: on an empty mask it is 0 or 1 by chance.

    Args:
        pixel_weight: weight of the cross-entropy, the mean over all pixels.
        dice_weight: weight of Dice.
        miss_share: share of missed tumor in what Dice punishes, the rest is tumor found where there is none; 0.5 is
            Dice itself, others Tversky's index (Salehi et al., 2017).
    """

    def __init__(
        self,
        pixel_weight: float = 1.0,
        dice_weight: float = 1.0,
        miss_share: float = 0.5,
        name: str = "known_mask",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pixel_weight, self.dice_weight, self.miss_share = pixel_weight, dice_weight, miss_share

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """`y_true` (B, N, N, 3): two masks of 0, 1 and -1 and the first's share; `y_pred` (B, N, N, 1) -> (B,)."""
        logits, share = ops.cast(y_pred, "float32"), y_true[:, 0, 0, 2]
        first, second = (self._missed(y_true[..., i : i + 1], logits) for i in (0, 1))
        return share * first + (1 - share) * second

    def _missed(self, mask: Any, logits: Any) -> Any:
        known, truth = ops.cast(mask >= 0, "float32"), ops.cast(mask > 0, "float32")
        axes = (1, 2, 3)
        cross_entropy = ops.mean((ops.softplus(logits) - truth * logits) * known, axis=axes)
        probability = ops.sigmoid(logits) * known
        found, tumor, shown = (ops.sum(x, axis=axes) for x in (probability * truth, truth, probability))
        wrong = self.miss_share * (tumor - found) + (1 - self.miss_share) * (shown - found)
        dice = ops.cast(tumor > 0, "float32") * (1 - found / (found + wrong + EPSILON))
        return self.pixel_weight * cross_entropy + self.dice_weight * dice

    def get_config(self) -> dict[str, Any]:
        """What rebuilds this loss."""
        own = {name: getattr(self, name) for name in ("pixel_weight", "dice_weight", "miss_share")}
        return {**super().get_config(), **own}
