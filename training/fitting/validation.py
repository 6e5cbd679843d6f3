"""Looks at a model while it trains: recomputed batch norms, then the figures on validation slices."""

from collections.abc import Iterable
from typing import Final

import keras
import numpy as np
import numpy.typing as npt

from training.datasets.prepared import UNKNOWN, PreparedSlices
from training.datasets.samples import CHENG
from training.fitting.batches import network_input
from training.model.trainable import ResidualAdd

PREDICT_BATCH: Final = 32


def recompute_batch_norms(model: keras.Model, batches: Iterable[npt.NDArray[np.float32]]) -> None:
    """Sets the moving statistics of every unfrozen batch norm to their plain average over `batches`.

    The moving averages lag behind weights that change, and do not belong to averaged weights at all. No branch drops
    out meanwhile: the statistics are those of the network as it is used.
    """
    drops = [layer for layer in model.layers if isinstance(layer, ResidualAdd)]
    rates = [drop.rate for drop in drops]
    for drop in drops:
        drop.rate = 0.0
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]
    usual = [norm.momentum for norm in norms]
    for count, batch in enumerate(batches):
        for norm in norms:
            norm.momentum = count / (count + 1)
        model(batch, training=True)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
    for drop, rate in zip(drops, rates, strict=True):
        drop.rate = rate


def predict(
    model: keras.Model, images: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """uint8 (n, N, N) -> class logits (n, 4) and mask logits (n, N, N)."""
    outputs = []
    for start in range(0, len(images), PREDICT_BATCH):
        outputs.append(model(network_input(images[start : start + PREDICT_BATCH]), training=False))
    return (
        np.concatenate([keras.ops.convert_to_numpy(output["cls"]) for output in outputs]),
        np.concatenate([keras.ops.convert_to_numpy(output["seg"])[..., 0] for output in outputs]),
    )


def figures(model: keras.Model, validation: PreparedSlices) -> dict[str, float]:
    """Metrics, on the network's grid: per source `SOURCE_accuracy`, `SOURCE_dice`, and `score`.

    `score` is the mean of the sources' accuracies and Dice, Cheng's counted twice: it
    is the one source with expert masks of every tumor type.
    """
    logits, maps = predict(model, validation.images)
    right = validation.allowed[np.arange(len(validation)), logits.argmax(axis=1)] > 0
    dice = np.array([slice_dice(z > 0, mask) for z, mask in zip(maps, validation.masks, strict=True)])
    results: dict[str, float] = {}
    weighted: list[float] = []
    for source in sorted({sample.source for sample in validation.samples}):
        members = np.array([sample.source == source for sample in validation.samples])
        own = (
            {"accuracy": float(right[members].mean()), "dice": float(np.nanmean(dice[members]))}
            if (np.isfinite(dice[members]).any())
            else {"accuracy": float(right[members].mean())}
        )
        results.update({f"{source}_{name}": value for name, value in own.items()})
        weighted.extend(list(own.values()) * (2 if source == CHENG else 1))
    results["score"] = float(np.mean(weighted))
    return results


def slice_dice(predicted: npt.NDArray[np.bool_], mask: npt.NDArray[np.uint8]) -> float:
    """Dice of one slice with tumor; NaN where the mask is empty, or unknown in whole or in part."""
    if (mask == UNKNOWN).any() or not mask.any():
        return float("nan")
    truth = mask > 0
    return 2 * float((predicted & truth).sum()) / float(predicted.sum() + truth.sum())
