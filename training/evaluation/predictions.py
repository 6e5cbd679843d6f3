"""What a network says of samples: decode, prepare, run; once per scan, and once per model where a cache is kept."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from brainscan.domain import ScanError
from brainscan.imaging.prepare import Crop, prepare
from brainscan.imaging.texture import texture
from brainscan.inference.manifest import Manifest
from brainscan.inference.runtime import Prediction
from training.datasets.samples import Sample, read_gray

RunNetwork = Callable[[npt.NDArray[np.float32]], Prediction]
"""(B, N, N, 1) prepared scans -> what a network says of them."""

BATCH: Final = 16
CACHE_FORMAT: Final = 1
"""Raised when the cached arrays' meaning changes."""


class RunnableModel(Protocol):
    """A network with its manifest: `Model`, or Keras behind the same manifest."""

    manifest: Manifest

    def run(self, batch: npt.NDArray[np.float32]) -> Prediction:
        """(B, N, N, 1) -> what the network says."""


@dataclass(frozen=True, eq=False)
class ServedPrediction:
    """What a network said of one sample; of a blank scan only its `shape` (rows, columns) is known.

    `cls` (4,) logits, `seg` (N, N) logits, `features` (F,) pooled features, `texture` (T,) of the network's input.
    """

    sample: Sample
    shape: tuple[int, int]
    crop: Crop | None = None
    cls: npt.NDArray[np.float32] | None = None
    seg: npt.NDArray[np.float32] | None = None
    features: npt.NDArray[np.float32] | None = None
    texture: npt.NDArray[np.float32] | None = None


def predict(samples: Sequence[Sample], run: RunNetwork, size: int) -> Iterator[ServedPrediction]:
    """What a network says of each sample, in their order.

    Args:
        samples: scans that can be read.
        run: the network.
        size: side of its input, pixels.
    """
    waiting = iter(samples)
    while batch := list(islice(waiting, BATCH)):
        predictions, inputs = _prepared(batch, size)
        if inputs:
            said = run(np.stack(list(inputs.values())))
            textures = texture(np.stack(list(inputs.values())))
            answers = zip(inputs, said.cls, said.seg, said.features, textures, strict=True)
            for index, cls, seg, features, described in answers:
                predictions[index] = replace(predictions[index], cls=cls, seg=seg, features=features, texture=described)
        yield from predictions


def _prepared(batch: Sequence[Sample], size: int) -> tuple[list[ServedPrediction], dict[int, npt.NDArray[np.float32]]]:
    """Predictions that still lack the network's part, and the inputs (N, N, 1) of those that are not blank."""
    predictions: list[ServedPrediction] = []
    inputs: dict[int, npt.NDArray[np.float32]] = {}
    for index, sample in enumerate(batch):
        pixels = read_gray(sample)
        shape = (pixels.shape[0], pixels.shape[1])
        try:
            prepared = prepare(pixels, size)
        except ScanError:
            predictions.append(ServedPrediction(sample, shape))
            continue
        inputs[index] = prepared.input
        predictions.append(ServedPrediction(sample, shape, prepared.crop))
    return predictions, inputs


def predict_cached(
    samples: Sequence[Sample], run: RunNetwork, size: int, model_id: str, cache: Path | None
) -> list[ServedPrediction]:
    """The same as a list, from the folder `cache` where this model has answered these samples before.

    Args:
        samples: scans that can be read.
        run: the network.
        size: side of its input, pixels.
        model_id: names the network: no two share a cached file.
        cache: holds a file for each model and list of samples; None keeps nothing.
    """
    if cache is None:
        return list(predict(samples, run, size))
    path = cache / f"{model_id[:16]}-{_key(samples, size)}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _save(path, list(predict(samples, run, size)))
    return _load(path, samples)


def _key(samples: Sequence[Sample], size: int) -> str:
    rows = [(str(sample.path), sample.view) for sample in samples]
    return hashlib.sha256(json.dumps([CACHE_FORMAT, size, rows]).encode()).hexdigest()[:16]


def _save(path: Path, predictions: Sequence[ServedPrediction]) -> None:
    """Whole or not at all: written beside and renamed."""
    seen = [index for index, prediction in enumerate(predictions) if prediction.crop is not None]

    def stacked(name: str) -> npt.NDArray[np.float32]:
        return np.stack([getattr(predictions[i], name) for i in seen]) if seen else np.zeros(0, np.float32)

    beside = path.with_suffix(".part.npz")
    np.savez(
        beside,
        seen=np.array(seen, np.int64),
        crops=np.array([astuple(crop) for prediction in predictions if (crop := prediction.crop) is not None]),
        shapes=np.array([prediction.shape for prediction in predictions]),
        cls=stacked("cls"),
        seg=stacked("seg"),
        features=stacked("features"),
        texture=stacked("texture"),
    )
    beside.replace(path)


def _load(path: Path, samples: Sequence[Sample]) -> list[ServedPrediction]:
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    predictions = [
        ServedPrediction(sample, (int(rows), int(columns)))
        for sample, (rows, columns) in zip(samples, arrays["shapes"], strict=True)
    ]
    for place, index in enumerate(arrays["seen"]):
        predictions[index] = replace(
            predictions[index],
            crop=_crop(arrays["crops"][place]),
            cls=arrays["cls"][place],
            seg=arrays["seg"][place],
            features=arrays["features"][place],
            texture=arrays["texture"][place],
        )
    return predictions


def _crop(row: npt.NDArray[np.float64]) -> Crop:
    """A crop from its fields in their order: all whole numbers but the scales at the end."""
    top, left, height, width, pad_top, pad_left, side = (int(value) for value in row[:7])
    return Crop(top, left, height, width, pad_top, pad_left, side, float(row[7]), float(row[8]))
