"""How a model does on scans exactly as they are served: decode, prepare, run, mask, judge; per source."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import numpy as np

from brainscan.domain import CLASSES, Finding, Outcome, Reason, ScanError
from brainscan.imaging.mask import Mask, to_mask
from brainscan.imaging.measure import measure
from brainscan.imaging.prepare import Crop, prepare
from brainscan.inference.calibration import probabilities
from brainscan.inference.interpretation import interpret
from brainscan.inference.manifest import Manifest, SourceMetrics, Thresholds
from brainscan.inference.runtime import Prediction
from training.datasets.samples import BR35H, CHENG, KAGGLE, LGG, Sample, admitted, read_gray, read_mask

Run = Callable[[np.ndarray], Prediction]
"""(B, N, N, 1) prepared scans -> what a network says of them."""

BATCH: Final = 16
NAMES: Final = {CHENG: "cheng", KAGGLE: "kaggle", BR35H: "br35h", LGG: "lgg"}


@dataclass(frozen=True, eq=False)
class Answer:
    """What a network said of one sample; nothing where the scan is blank."""

    sample: Sample
    shape: tuple[int, int]
    crop: Crop | None = None
    cls: np.ndarray | None = None
    """(4,) logits."""
    seg: np.ndarray | None = None
    """(N, N) logits."""
    input: np.ndarray | None = None
    """(N, N, 1) as the network saw it."""
    features: np.ndarray | None = None
    """(F,) pooled features."""

    @property
    def correct(self) -> bool:
        """Whether the most probable class is the label; of a tumor of unknown type, whether it is any tumor."""
        return self.cls is not None and is_label(CLASSES[int(self.cls.argmax())], self.sample.label)

    def distance(self, manifest: Manifest) -> float | None:
        """Of the scope check, in units of its threshold; None for a blank scan, and for a model without the check."""
        if self.input is None or self.features is None or manifest.scope is None:
            return None
        return float(manifest.scope.distances(self.input[np.newaxis], self.features[np.newaxis])[0])

    def mask(self, thresholds: Thresholds) -> Mask:
        """(rows, columns) as served."""
        if self.crop is None or self.seg is None:
            return np.zeros(self.shape, np.bool_)
        return to_mask(self.seg, self.crop, self.shape, thresholds.seg_logit, thresholds.min_component_fraction)

    def finding(self, mask: Mask, manifest: Manifest) -> Finding:
        """The judgement as served."""
        if self.crop is None or self.cls is None:
            return Finding(outcome=Outcome.ABSTAINED, reasons=(Reason.BLANK_IMAGE,))
        calibrated = probabilities(self.cls, manifest.temperature)
        share = float(mask.sum()) / self.crop.area
        return interpret(calibrated, measure(mask, None), share, manifest, self.distance(manifest))


@dataclass
class _Tally:
    correct: list[bool] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    dices: list[float] = field(default_factory=list)

    def metrics(self) -> SourceMetrics:
        return SourceMetrics(
            scans=len(self.correct),
            accuracy=float(np.mean(self.correct)),
            blank=sum(Reason.BLANK_IMAGE in finding.reasons for finding in self.findings),
            abstained=sum(finding.outcome is Outcome.ABSTAINED for finding in self.findings),
            needs_review=sum(finding.needs_review for finding in self.findings),
            masks=len(self.dices),
            mean_dice=float(np.mean(self.dices)) if self.dices else None,
        )


def is_label(predicted: str, label: str) -> bool:
    """Whether a class is what the label says."""
    return predicted in admitted(label)


def answers(samples: Sequence[Sample], run: Run, size: int) -> Iterator[Answer]:
    """What a network says of each sample, in their order within a batch, blank ones first."""
    waiting = iter(samples)
    while batch := list(islice(waiting, BATCH)):
        ready: list[Answer] = []
        for sample in batch:
            pixels = read_gray(sample)
            try:
                prepared = prepare(pixels, size)
            except ScanError:
                yield Answer(sample, pixels.shape)
                continue
            ready.append(Answer(sample, pixels.shape, prepared.crop, input=prepared.input))
        if not ready:
            continue
        said = run(np.stack([answer.input for answer in ready if answer.input is not None]))
        for answer, cls, seg, features in zip(ready, said.cls, said.seg, said.features, strict=True):
            yield replace(answer, cls=cls, seg=seg, features=features)


def evaluate(samples: Sequence[Sample], run: Run, manifest: Manifest) -> dict[str, SourceMetrics]:
    """Metrics of each source, and of each channel of the LGG set by itself.

    Dice is the mean over the tumor scans that have a drawn mask, at the source's own pixels.
    """
    tallies: dict[str, _Tally] = {}
    for answer in answers(samples, run, manifest.input.size):
        tally = tallies.setdefault(source_name(answer.sample), _Tally())
        mask = answer.mask(manifest.thresholds)
        tally.correct.append(answer.correct)
        tally.findings.append(answer.finding(mask, manifest))
        drawn = read_mask(answer.sample)
        if drawn is not None and drawn.any():
            tally.dices.append(dice(mask, drawn))
    return {name: tally.metrics() for name, tally in sorted(tallies.items())}


def dice(mask: Mask, drawn: Mask) -> float:
    """Twice the overlap over the sum of the areas; 1 where both are empty."""
    total = int(mask.sum()) + int(drawn.sum())
    return 2 * int((mask & drawn).sum()) / total if total else 1.0


def source_name(sample: Sample) -> str:
    """`cheng`, `kaggle`, `br35h`, `lgg`; a channel of its own as `lgg_flair` or `lgg_post`."""
    name = NAMES[sample.source]
    return name if sample.view == "luma" else f"{name}_{sample.view}"
