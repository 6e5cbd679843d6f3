"""Logits -> probabilities that mean what they say: softmax at the temperature that the export fitted."""

import numpy as np
import numpy.typing as npt


def probabilities(logits: npt.NDArray[np.float32], temperature: float) -> npt.NDArray[np.float64]:
    """Softmax over the last axis of `logits / temperature`.

    Args:
        logits: (..., classes).
        temperature: above 0; above 1 softens, the order of the classes stays.
    """
    scaled = logits.astype(np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    calibrated: npt.NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return calibrated
