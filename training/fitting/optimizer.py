"""AdamW with a slower encoder, and its learning rate over the steps of a phase; backend-neutral."""

import math
from collections.abc import Collection

import keras
from keras import ops


@keras.saving.register_keras_serializable("brainscan")
class WarmHoldDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise, plateau, and a cosine fall to 0 that ends at `steps`.

    On the plateau a run can be lengthened without having been wrong so far.
    """

    def __init__(self, peak: float, steps: int, warmup_steps: int, decay_steps: int) -> None:
        self.peak, self.steps, self.warmup_steps, self.decay_steps = peak, steps, warmup_steps, decay_steps

    def __call__(self, step: keras.KerasTensor) -> keras.KerasTensor:
        """The learning rate at `step`, from 0."""
        now = ops.cast(step, "float32")
        rise = ops.minimum(1.0, (now + 1) / max(1, self.warmup_steps))
        fallen = ops.clip((now - (self.steps - self.decay_steps)) / max(1, self.decay_steps), 0.0, 1.0)
        return self.peak * rise * 0.5 * (1 + ops.cos(math.pi * fallen))

    def get_config(self) -> dict[str, object]:
        """What rebuilds this schedule."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "decay_steps": self.decay_steps,
        }


@keras.saving.register_keras_serializable("brainscan")
class SlowEncoderAdamW(keras.optimizers.AdamW):
    """AdamW that gives some variables a share of the learning rate.

    Args:
        slow: paths of the variables that learn slowly.
        slow_rate: their share of the learning rate.
    """

    def __init__(self, *args: object, slow: Collection[str] = (), slow_rate: float = 1.0, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.slow, self.slow_rate = frozenset(slow), slow_rate

    def update_step(
        self, gradient: keras.KerasTensor, variable: keras.Variable, learning_rate: keras.KerasTensor
    ) -> None:
        """One variable's update; `variable` may be the backend's own, which has no path."""
        path = self._trainable_variables[self._get_variable_index(variable)].path
        rate = self.slow_rate if path in self.slow else 1.0
        super().update_step(gradient, variable, learning_rate * rate)

    def finalize_variable_values(self, var_list: list[keras.Variable]) -> None:
        """Nothing: `fit` calls this at its end, and every epoch is a `fit` of its own.

        Taking the moving average over as weights after each epoch would undo most of what the epoch learned.
        """

    def take_average(self, var_list: list[keras.Variable]) -> None:
        """Overwrites variables with the moving average of their values."""
        super().finalize_variable_values(var_list)

    def get_config(self) -> dict[str, object]:
        """What rebuilds this optimizer."""
        return {**super().get_config(), "slow": sorted(self.slow), "slow_rate": self.slow_rate}
