"""Does the class look at the tumor? The share of a class's evidence that lies in the drawn mask.

Class activation maps (Zhou et al., 2016), exact for this network: a class's logit is a weighted mean over the places of
the deepest map. A class's weights count less the mean of all classes', which is what softmax sees, and of the result
what speaks for the class counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from brainscan.domain import CLASSES, TUMORS, ScanError
from brainscan.imaging.prepare import prepare
from brainscan.inference.manifest import MODEL_FILE
from training.datasets.prepared import crop_mask
from training.datasets.samples import Sample, read_gray, read_mask
from training.evaluation.bootstrap import REPEATS, bounds, draws, group_sums
from training.evaluation.evaluated import source_name
from training.evaluation.scope import evenly

OF_EACH_CLASS: Final = 60
"""Scans of each set, view and class that are asked: with every intermediate kept, a run takes some 0.15 s."""
BATCH: Final = 8

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class EvidenceShares:
    """One scan's shares, all 0..1.

    `inside` of the evidence for the label in the mask, `area` of the picture that the mask takes, `hottest` 1 where the
    place with most evidence touches the mask, `touched` the share of the places that touch it.
    """

    sample: Sample
    inside: float
    area: float
    hottest: float
    touched: float


class ActivationMaps:
    """The served file, run so that the map before the pooling can be read."""

    def __init__(self, model_dir: Path) -> None:
        self._interpreter = Interpreter(
            model_path=str(model_dir / MODEL_FILE),
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        self._interpreter.allocate_tensors()
        operations = self._interpreter._get_ops_details()
        makers = {output: each for each in operations for output in each["outputs"]}
        head = next(each for each in operations if each["op_name"] == "FULLY_CONNECTED")
        self._map = int(makers[head["inputs"][0]]["inputs"][0])
        details = {each["index"]: each for each in self._interpreter.get_tensor_details()}[head["inputs"][1]]
        scales = details["quantization_parameters"]["scales"]
        kernel = self._interpreter.get_tensor(head["inputs"][1]).astype(np.float32)
        kernel = kernel * scales.reshape(-1, 1) if scales.size else kernel
        self._weights = kernel - kernel.mean(axis=0)
        self._run = self._interpreter.get_signature_runner()

    def of(self, batch: Array) -> Array:
        """(B, N, N, 1) prepared scans -> (B, h, w, classes): what each place adds to each class's logit."""
        self._run(scan=batch.astype(np.float32, copy=False))
        features = self._interpreter.get_tensor(self._map)
        evidence: Array = features @ self._weights.T / (features.shape[1] * features.shape[2])
        return evidence


def evidence_shares(maps: ActivationMaps, samples: Sequence[Sample], size: int) -> list[EvidenceShares]:
    """The shares of scans with a drawn tumor, of each set, view and class `OF_EACH_CLASS` at most.

    Args:
        maps: of the network.
        samples: those without a mask, or with an empty one, are left out.
        size: N, side of the network's input, pixels.
    """
    with_mask = [sample for sample in samples if sample.mask is not None and sample.label in TUMORS]
    drawn = [
        sample
        for label in TUMORS
        for sample in evenly([each for each in with_mask if each.label == label], OF_EACH_CLASS)
    ]
    results = []
    for start in range(0, len(drawn), BATCH):
        inputs = [found for sample in drawn[start : start + BATCH] if (found := _input(sample, size)) is not None]
        if inputs:
            evidence = maps.of(np.stack([pixels for _, pixels, _ in inputs]))
            results += [_shares(sample, e, mask) for (sample, _, mask), e in zip(inputs, evidence, strict=True)]
    return results


def shares(evidence: Array, mask: npt.NDArray[np.uint8]) -> tuple[float, float, float, float]:
    """`inside`, `area`, `hottest` and `touched` of `EvidenceShares`.

    Args:
        evidence: (h, w) for one class; what speaks against it counts nothing.
        mask: (N, N), 1 on tumor; N is a multiple of h and w.
    """
    rows, columns = evidence.shape
    places = mask.reshape(rows, mask.shape[0] // rows, columns, mask.shape[1] // columns)
    covered = places.mean(axis=(1, 3))
    speaking = np.maximum(evidence, 0)
    total = float(speaking.sum())
    inside = float((speaking * covered).sum()) / total if total else 0.0
    hottest = float(covered.flat[int(evidence.argmax())] > 0)
    return inside, float(covered.mean()), hottest, float((covered > 0).mean())


def summary(looked: Sequence[EvidenceShares]) -> dict[str, dict[str, Any]]:
    """Means by set and class, each share with an interval that draws groups."""
    parts: dict[str, list[EvidenceShares]] = {}
    for each in looked:
        parts.setdefault(f"{source_name(each.sample)}, {each.sample.label}", []).append(each)
    return {name: _means(members) for name, members in sorted(parts.items())}


def _means(members: Sequence[EvidenceShares]) -> dict[str, Any]:
    groups = [each.sample.group for each in members]
    values = np.array([[1, each.inside, each.area, each.hottest, each.touched] for each in members], np.float64)
    sums = group_sums(groups, values)
    drawn = draws(len(sums), REPEATS, seed=0) @ sums
    result: dict[str, Any] = {"scans": len(members), "groups": len(sums)}
    for column, name in enumerate(("inside", "area", "hottest", "touched"), start=1):
        low, high = bounds(drawn[:, column] / drawn[:, 0])
        value = float(values[:, column].mean())
        result[name] = {"value": value, "low": low, "high": high, "n": len(members)}
    return result


def _input(sample: Sample, size: int) -> tuple[Sample, Array, npt.NDArray[np.uint8]] | None:
    """The network's input and the mask on its grid; None of a blank scan, and where no tumor is left of the mask."""
    mask = read_mask(sample)
    try:
        prepared = prepare(read_gray(sample), size)
    except ScanError:
        return None
    if mask is None or not (on_grid := crop_mask(mask, prepared.crop, size)).any():
        return None
    return sample, prepared.input, on_grid


def _shares(sample: Sample, evidence: Array, mask: npt.NDArray[np.uint8]) -> EvidenceShares:
    label = [str(name) for name in CLASSES].index(sample.label)
    return EvidenceShares(sample, *shares(evidence[..., label], mask))
