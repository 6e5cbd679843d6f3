"""One scan of an evaluation: what is true, and what the model as served made of it; all figures are made of these."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from brainscan.domain import CLASSES, Finding, Outcome, Reason, TumorClass
from brainscan.imaging.mask import Mask, to_mask
from brainscan.imaging.measure import measure
from brainscan.inference.calibration import probabilities
from brainscan.inference.interpretation import interpret
from brainscan.inference.manifest import Manifest, Thresholds
from training.datasets.samples import (
    ANY_TUMOR,
    BR35H,
    CHENG,
    KAGGLE,
    LGG,
    OTHER_TUMOR,
    Sample,
    admissible_classes,
    read_mask,
)
from training.evaluation.hausdorff import hausdorff_95_px
from training.evaluation.predictions import ServedPrediction

NAMES: Final = {CHENG: "cheng", KAGGLE: "kaggle", BR35H: "br35h", LGG: "lgg"}
"""Short names of the sources of `splits.csv`; any other set is named by its folder."""


@dataclass(frozen=True, eq=False)
class EvaluatedScan:
    """Figures of one scan; None where they do not apply.

    `dice` and `iou` against the drawn mask of a tumor scan; `truth_share` and `mask_share` of the head's crop;
    `distance` of the scope check, in units of its threshold.
    """

    sample: Sample
    finding: Finding
    distance: float | None = None
    dice: float | None = None
    iou: float | None = None
    hausdorff_95_px: float | None = None
    truth_share: float | None = None
    mask_share: float | None = None
    truth_px: int | None = None
    """Area of the drawn mask, also where it is empty; None where nobody drew one."""

    @property
    def outcome(self) -> Outcome:
        """`analyzed` or `abstained`."""
        return self.finding.outcome

    @property
    def type_known(self) -> bool:
        """Whether the label names one of the classes."""
        return self.sample.label not in (ANY_TUMOR, OTHER_TUMOR)

    @property
    def is_tumor(self) -> bool:
        """Whether the label says that there is a tumor, of whatever type."""
        return self.sample.label != TumorClass.NO_TUMOR

    @property
    def blank(self) -> bool:
        """Whether the scan shows nothing, so that the network was not asked."""
        return Reason.BLANK_IMAGE in self.finding.reasons

    @property
    def predicted(self) -> TumorClass | None:
        """The most probable class; None for a blank scan."""
        return self.finding.predicted

    @property
    def confidence(self) -> float:
        """Its probability; 0 for a blank scan."""
        return self.finding.confidence or 0.0

    @property
    def probabilities(self) -> npt.NDArray[np.float64] | None:
        """(4,) calibrated, in the order of `CLASSES`; None for a blank scan."""
        named = self.finding.probabilities
        return None if named is None else np.array([named[name] for name in CLASSES])

    @property
    def tumor_probability(self) -> float:
        """Of any tumor; 0 for a blank scan."""
        named = self.finding.probabilities
        return 0.0 if named is None else 1 - named[TumorClass.NO_TUMOR]

    @property
    def says_tumor(self) -> bool:
        """Whether the most probable class is a tumor."""
        return self.predicted is not None and self.predicted is not TumorClass.NO_TUMOR

    @property
    def correct(self) -> bool:
        """Whether the most probable class is the label; of a tumor of no known class, whether it is a tumor."""
        return self.predicted is not None and self.predicted in admissible_classes(self.sample.label)


def evaluate(predictions: Iterable[ServedPrediction], manifest: Manifest) -> Iterator[EvaluatedScan]:
    """Each prediction masked and interpreted as it is served, and compared with what is true."""
    for prediction in predictions:
        yield evaluate_one(prediction, manifest)


def evaluate_one(prediction: ServedPrediction, manifest: Manifest) -> EvaluatedScan:
    """One prediction, masked, interpreted and compared with what is true."""
    mask = mask_of(prediction, manifest.thresholds)
    distance = scope_distance(prediction, manifest)
    area = prediction.crop.area if prediction.crop else None
    drawn = read_mask(prediction.sample)
    overlap = drawn if drawn is not None and drawn.any() else None
    return EvaluatedScan(
        sample=prediction.sample,
        finding=finding_of(prediction, mask, manifest, distance),
        distance=distance,
        dice=None if overlap is None else dice(mask, overlap),
        iou=None if overlap is None else iou(mask, overlap),
        hausdorff_95_px=None if overlap is None else hausdorff_95_px(mask, overlap),
        truth_share=None if overlap is None or area is None else float(overlap.sum()) / area,
        mask_share=None if area is None else float(mask.sum()) / area,
        truth_px=None if drawn is None else int(drawn.sum()),
    )


def mask_of(prediction: ServedPrediction, thresholds: Thresholds) -> Mask:
    """(rows, columns) as served; empty for a blank scan."""
    if prediction.crop is None or prediction.seg is None:
        return np.zeros(prediction.shape, np.bool_)
    return to_mask(
        prediction.seg, prediction.crop, prediction.shape, thresholds.seg_logit, thresholds.min_component_fraction
    )


def finding_of(prediction: ServedPrediction, mask: Mask, manifest: Manifest, distance: float | None) -> Finding:
    """The interpretation as served."""
    if prediction.crop is None or prediction.cls is None:
        return Finding(outcome=Outcome.ABSTAINED, reasons=(Reason.BLANK_IMAGE,))
    calibrated = probabilities(prediction.cls, manifest.temperature)
    return interpret(calibrated, measure(mask, None), float(mask.sum()) / prediction.crop.area, manifest, distance)


def scope_distance(prediction: ServedPrediction, manifest: Manifest) -> float | None:
    """Of the scope check, in units of its threshold; None for a blank scan, and for a model without the check."""
    if prediction.texture is None or prediction.features is None or manifest.scope is None:
        return None
    described = prediction.texture[np.newaxis], prediction.features[np.newaxis]
    return float(manifest.scope.distances_of(*described)[0])


def dice(mask: Mask, drawn: Mask) -> float:
    """Twice the overlap over the sum of the areas; 1 where both are empty."""
    total = int(mask.sum()) + int(drawn.sum())
    return 2 * int((mask & drawn).sum()) / total if total else 1.0


def iou(mask: Mask, drawn: Mask) -> float:
    """The overlap over the area of both together; 1 where both are empty."""
    together = int((mask | drawn).sum())
    return int((mask & drawn).sum()) / together if together else 1.0


def source_name(sample: Sample) -> str:
    """`cheng`, `kaggle`, `br35h`, `lgg`, or the set's folder; a channel of its own as `lgg_flair` or `lgg_post`."""
    name = NAMES.get(sample.source, sample.source)
    return name if sample.view == "luma" else f"{name}_{sample.view}"
