"""Draws and augments the batches of an epoch: the same epoch of the same seed gives the same batches."""

from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

from training.datasets.prepared import UNKNOWN, Prepared
from training.datasets.samples import CHENG, View
from training.fitting.augment import augment
from training.fitting.hyperparameters import Hyperparameters

VIEW_SHARES: Final[dict[View, float]] = {"luma": 0.5, "flair": 0.3, "post": 0.2}
"""Of the draws of an LGG file, those of each view: most as it is served, least where its mask shows least."""

Batch = tuple[npt.NDArray[np.float32], dict[str, npt.NDArray[np.float32]]]


class EpochBatches(keras.utils.PyDataset):
    """The batches of one epoch, as Keras takes them.

    Which slices come, in which order and how they are changed follows from the seed and the epoch alone, so that a
    run that was interrupted goes on as if it had not been.

    Args:
        data: slices to draw from.
        settings: batch size, draws an epoch, balance, augmentation and seed.
        epoch: from 0.
    """

    def __init__(self, data: Prepared, settings: Hyperparameters, epoch: int, **kwargs: Any) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=4, **kwargs)
        self._data, self._settings, self._epoch = data, settings, epoch
        random = np.random.default_rng([settings.seed, epoch])
        weights = draw_weights(data, settings.balance, settings.cheng_weight)
        self._order = random.choice(len(data), settings.slices_per_epoch, p=weights)

    def __len__(self) -> int:
        return steps_per_epoch(self._settings)

    def __getitem__(self, index: int) -> Batch:
        """Batch `index`: inputs (B, N, N, 1) and the targets of `cls` and `seg`."""
        size = self._settings.batch_size
        chosen = self._order[index * size : (index + 1) * size]
        random = np.random.default_rng([self._settings.seed, self._epoch, index])
        pairs = [augment(self._data.images[i], self._data.masks[i], random, self._settings.augment) for i in chosen]
        images, masks = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
        return network_input(images), {"cls": self._data.allowed[chosen], "seg": mask_target(masks)}


def steps_per_epoch(settings: Hyperparameters) -> int:
    """Batches an epoch, all of one size."""
    return settings.slices_per_epoch // settings.batch_size


def draw_weights(data: Prepared, balance: float, cheng_weight: float = 1.0) -> npt.NDArray[np.float64]:
    """(n,) probabilities: strata of source and label are drawn as often as their size to the power `balance`.

    1 draws every file alike, 0 every stratum alike; in between, neither the large sets nor the rare classes drown.
    The views of one file share the draws of a file, by `VIEW_SHARES`.

    Args:
        data: n slices to draw from.
        balance: 0..1.
        cheng_weight: how many times as often Cheng's strata are drawn.
    """
    views: dict[Path, float] = defaultdict(float)
    for sample in data.samples:
        views[sample.path] += VIEW_SHARES[sample.view]
    files = np.array([VIEW_SHARES[sample.view] / views[sample.path] for sample in data.samples])
    strata: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, sample in enumerate(data.samples):
        strata[sample.source, sample.label].append(index)
    weights = np.zeros(len(data))
    for (source, _), members in strata.items():
        factor = cheng_weight if source == CHENG else 1.0
        weights[members] = factor * files[members] * files[members].sum() ** (balance - 1)
    return weights / weights.sum()


def network_input(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """uint8 (B, N, N) as the cache holds them -> float32 (B, N, N, 1) in [-1, 1]."""
    return images[..., np.newaxis].astype(np.float32) / np.float32(127.5) - np.float32(1)


def mask_target(masks: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """uint8 (B, N, N) -> float32 (B, N, N, 1), -1 where unknown."""
    return np.where(masks == UNKNOWN, -1.0, masks)[..., np.newaxis].astype(np.float32)
