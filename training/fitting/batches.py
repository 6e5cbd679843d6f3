"""Draws and augments the batches of an epoch: the same epoch of the same seed gives the same batches."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.datasets.prepared import UNKNOWN, PreparedSlices
from training.fitting.augment import augment
from training.fitting.hyperparameters import Hyperparameters

AHEAD: Final = 3
"""Batches that are made while the network learns from another."""
MIXUP: Final = 0.4
"""Both parameters of the beta distribution that shares of mixed batches come from."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """One step's slices, each of which may be a mixture of two.

    `inputs` (B, N, N, 1) in [-1, 1]; `targets` of `cls` (B, 9): admitted classes of the first and of the second, the
    first's share; of `seg` (B, N, N, 3): mask of the first and of the second, -1 where unknown, the first's share.
    """

    inputs: Array
    targets: dict[str, Array]

    def __len__(self) -> int:
        return len(self.inputs)

    def rows(self, rows: slice) -> "TrainingBatch":
        """Some of the slices."""
        return TrainingBatch(self.inputs[rows], {name: target[rows] for name, target in self.targets.items()})


class EpochBatches:
    """The batches of one epoch.

    Which slices come, in which order and how they are changed follows from the seed and the epoch alone, so that a
    run that was interrupted goes on as if it had not been.

    Args:
        data: slices to draw from.
        settings: batch size, draws an epoch, balance, augmentation and seed.
        epoch: from 0.
    """

    def __init__(self, data: PreparedSlices, settings: Hyperparameters, epoch: int) -> None:
        self._data, self._settings, self._epoch = data, settings, epoch
        random = np.random.default_rng([settings.seed, epoch])
        self._order = random.choice(len(data), settings.slices_per_epoch, p=draw_weights(data, settings))

    def __len__(self) -> int:
        return self._settings.steps_per_epoch

    def make(self, index: int, side: int) -> TrainingBatch:
        """TrainingBatch `index`, its slices `side` pixels wide."""
        size = self._settings.batch_size
        chosen = self._order[index * size : (index + 1) * size]
        random = np.random.default_rng([self._settings.seed, self._epoch, index])
        pairs = [augment(self._data.images[i], self._data.masks[i], random, self._settings, side) for i in chosen]
        images, masks = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
        mixed = self._settings.augment > 0 and random.random() < self._settings.mixup
        share = largest_share(random) if mixed else 1.0
        second = random.permutation(len(chosen)) if mixed else np.arange(len(chosen))
        return mixture(network_input(images), self._data.allowed[chosen], mask_target(masks), second, share)

    def ahead(self, first: int, side: Callable[[int], int]) -> Iterator[TrainingBatch]:
        """The batches from `first` on, `AHEAD` of them made by another thread while one is used.

        Args:
            first: index of the batch to begin with.
            side: index of a batch -> its side; asked when its making begins.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            coming: list[Future[TrainingBatch]] = []
            try:
                for index in range(first, len(self)):
                    coming.append(pool.submit(self.make, index, side(index)))
                    if len(coming) > AHEAD:
                        yield coming.pop(0).result()
                while coming:
                    yield coming.pop(0).result()
            finally:
                for future in coming:
                    future.cancel()


def mixture(inputs: Array, allowed: Array, masks: Array, second: npt.NDArray[np.int64], share: float) -> TrainingBatch:
    """A batch mixed with itself in the order `second`; both truths stay whole, so that both losses can be mixed.

    Args:
        inputs: (B, N, N, 1).
        allowed: (B, 4), 1 for each admitted class.
        masks: (B, N, N, 1), -1 where unknown.
        second: (B,) indices.
        share: of the first, 0..1.
    """
    weight = np.float32(share)
    blended = inputs if share == 1 else weight * inputs + (1 - weight) * inputs[second]
    shares = np.full_like(masks, weight)
    return TrainingBatch(
        blended,
        {
            "cls": np.concatenate([allowed, allowed[second], shares[:, 0, 0]], axis=-1),
            "seg": np.concatenate([masks, masks[second], shares], axis=-1),
        },
    )


def largest_share(random: np.random.Generator) -> float:
    """The larger of the two shares of a mixture."""
    share = float(random.beta(MIXUP, MIXUP))
    return max(share, 1 - share)


def draw_weights(data: PreparedSlices, settings: Hyperparameters) -> npt.NDArray[np.float64]:
    """(n,) probabilities: strata of source, view and label are drawn as often as their size to the power `balance`.

    1 draws every slice alike, 0 every stratum alike; in between, neither the large sets nor the rare classes drown.
    Times that goes what the settings say of the source.
    """
    strata: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for index, sample in enumerate(data.samples):
        strata[sample.source, sample.view, sample.label].append(index)
    weights = np.zeros(len(data))
    for (source, view, _), members in strata.items():
        weights[members] = settings.draw_weight(source, view) * len(members) ** (settings.balance - 1)
    return weights / weights.sum()


def network_input(images: npt.NDArray[np.uint8]) -> Array:
    """uint8 (B, N, N) as the cache holds them -> float32 (B, N, N, 1) in [-1, 1]."""
    return images[..., np.newaxis].astype(np.float32) / np.float32(127.5) - np.float32(1)


def mask_target(masks: npt.NDArray[np.uint8]) -> Array:
    """uint8 (B, N, N) -> float32 (B, N, N, 1), -1 where unknown."""
    return np.where(masks == UNKNOWN, -1.0, masks)[..., np.newaxis].astype(np.float32)
