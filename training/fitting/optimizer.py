"""AdamW with rates by depth, the rate over a run, and the moving average of weights; backend-neutral."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from training.fitting.hyperparameters import Hyperparameters

EARLY: Final = re.compile(r"conv[123]_")
MIDDLE: Final = re.compile(r"conv4_")
"""How the paths of the encoder's variables begin."""
AVERAGE_EVERY: Final = 8
"""Steps between two looks of the moving average: weights hardly move in between."""


@keras.saving.register_keras_serializable("brainscan")
class DepthwiseAdamW(keras.optimizers.AdamW):
    """AdamW that gives some variables a share of the learning rate.

    Args:
        shares: path of a variable -> its share; 1 where it is not named.
    """

    def __init__(self, *args: Any, shares: Mapping[str, float] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shares = dict(shares or {})

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One variable's update; `variable` may be the backend's own, which has no path."""
        path = self._trainable_variables[self._get_variable_index(variable)].path
        super().update_step(gradient, variable, learning_rate * self.shares.get(path, 1.0))

    def get_config(self) -> dict[str, Any]:
        """What rebuilds this optimizer."""
        return {**super().get_config(), "shares": self.shares}


def make_optimizer(settings: Hyperparameters, model: keras.Model) -> DepthwiseAdamW:
    """The optimizer of a run; its learning rate is set before every step."""
    shares = {variable.path: depth_share(variable.path, settings) for variable in model.trainable_variables}
    optimizer = DepthwiseAdamW(
        learning_rate=0.0,
        weight_decay=settings.weight_decay,
        global_clipnorm=settings.clip_norm,
        shares={path: share for path, share in shares.items() if share != 1},
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def depth_share(path: str, settings: Hyperparameters) -> float:
    """A variable's share of the learning rate: early layers, whose features are general, move least."""
    if EARLY.match(path):
        return settings.early_rate
    return settings.middle_rate if MIDDLE.match(path) else 1.0


def freeze(model: keras.Model, settings: Hyperparameters) -> None:
    """Layers whose share of the learning rate is 0 learn nothing, their batch norms keep their moments, and no gradient
    is computed for them: a step costs a fraction.
    """
    for layer in model.layers:
        if depth_share(layer.name, settings) == 0:
            layer.trainable = False


def learning_rate(settings: Hyperparameters, done: float, step: int) -> float:
    """A linear rise over the first steps, and a cosine fall to 0 over the last part of the run.

    Args:
        settings: peak, warm-up and the fall's part of the run.
        done: share of the run that is over, by time or by steps.
        step: from 0.
    """
    rise = min(1.0, (step + 1) / max(1, settings.warmup_steps))
    fallen = min(1.0, max(0.0, (done - (1 - settings.decay)) / settings.decay)) if settings.decay else 0.0
    return settings.learning_rate * rise * 0.5 * (1 + math.cos(math.pi * fallen))


class WeightAverage:
    """The moving average of a model's trainable weights: what a run is judged by, and what it leaves.

    Args:
        model: whose weights are followed.
        momentum: of one step; lower at first, so that the weights that a run starts from are soon forgotten.
    """

    def __init__(self, model: keras.Model, momentum: float) -> None:
        self._variables, self._momentum, self._followed = model.trainable_variables, momentum, 0
        self.values = [np.array(keras.ops.convert_to_numpy(variable.value)) for variable in self._variables]

    def follow(self, steps_done: int, at_once: bool = False) -> None:
        """Looks at the weights after a step; every `AVERAGE_EVERY`th counts for those since the last.

        Args:
            steps_done: of the run.
            at_once: look now, whenever the last time was.
        """
        passed = steps_done - self._followed
        if passed == 0 or (passed < AVERAGE_EVERY and not at_once):
            return
        momentum = min(self._momentum, (1 + steps_done) / (10 + steps_done)) ** passed
        for value, variable in zip(self.values, self._variables, strict=True):
            fresh: npt.NDArray[np.float32] = keras.ops.convert_to_numpy(variable.value)
            value *= momentum  # not `value += share * (fresh - value)`, which rounds even where nothing is kept
            value += (1 - momentum) * fresh
        self._followed = steps_done

    def restore(self, values: list[npt.NDArray[np.float32]], steps_done: int) -> None:
        """Goes on from the average after so many steps."""
        self.values, self._followed = values, steps_done

    def apply_average(self) -> None:
        """Overwrites the model's weights with the average."""
        for value, variable in zip(self.values, self._variables, strict=True):
            variable.assign(value)
