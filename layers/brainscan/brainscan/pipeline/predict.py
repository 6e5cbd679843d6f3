"""Bytes of scans -> findings, images and masks: decode, prepare, infer, interpret. No AWS in here."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from brainscan.domain import Finding, Kind, Outcome, Reason, Scan, ScanError
from brainscan.imaging.burned_in import shows_text
from brainscan.imaging.decode import Decoded, decode
from brainscan.imaging.mask import encode_mask, to_mask
from brainscan.imaging.measure import measure
from brainscan.imaging.overlay import picture, windowed
from brainscan.imaging.prepare import Crop, Prepared, mean_intensity, prepare
from brainscan.inference.calibration import probabilities
from brainscan.inference.interpretation import interpret
from brainscan.inference.runtime import Model, granted_cores
from brainscan.settings import Limits

T = TypeVar("T")

ABSTENTIONS = frozenset({Reason.BLANK_IMAGE, Reason.OUT_OF_SCOPE})
"""Reasons to stop that say something about the picture, not about the file."""


@dataclass(frozen=True, repr=False)
class ScanBytes:
    """One scan to predict: the bytes of its file, and which frame of it.

    `hidden`: its header says that the picture may show a name, so that none is drawn of it; a mask shows none.
    """

    data: bytes
    kind: Kind
    frame: int | None = None
    hidden: bool = False

    @classmethod
    def of(cls, data: bytes, scan: Scan) -> "ScanBytes":
        """The bytes of a scan's file, with what is known of the scan."""
        return cls(data, scan.kind, scan.source.frame, Reason.BURNED_IN_TEXT in scan.flags)


@dataclass(frozen=True)
class ScanPrediction:
    """What was found in a scan; the images are PNG, at the source's own rows and columns.

    Either `finding` or `error` is there: an error is a surprise that the queue retries. `intensity` is the mean of what
    the network saw of the head, in [-1, 1]; `scope_distance` is in units of its threshold.
    """

    finding: Finding | None = None
    error: Exception | None = None
    rows: int | None = None
    columns: int | None = None
    spacing_mm: tuple[float, float] | None = None
    intensity: float | None = None
    scope_distance: float | None = None
    image_png: bytes | None = None
    mask_png: bytes | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)


class _Progress:
    """What the stages have said of each scan so far, by its position in the batch."""

    def __init__(self, count: int) -> None:
        self.stopped: dict[int, ScanPrediction] = {}
        self.timings_ms: list[dict[str, float]] = [{} for _ in range(count)]

    def attempt(self, stage: str, work: Mapping[int, Callable[[], T]], threads: int = 1) -> dict[int, T]:
        """Run one stage for each scan, timed; a scan's trouble becomes its prediction."""
        run = partial(self._attempt_one, stage)
        if threads == 1 or len(work) < 2:
            done = [run(position, step) for position, step in work.items()]
        else:
            with ThreadPoolExecutor(threads) as pool:
                done = list(pool.map(run, work.keys(), work.values()))
        return {position: result for each in done for position, result in each.items()}

    def _attempt_one(self, stage: str, position: int, step: Callable[[], T]) -> dict[int, T]:
        """What the step gave for the scan at a position; nothing if it stopped there."""
        begin = time.perf_counter()
        try:
            return {position: step()}
        except ScanError as stopped:
            outcome = Outcome.ABSTAINED if stopped.reason in ABSTENTIONS else Outcome.REJECTED
            self.stopped[position] = ScanPrediction(Finding(outcome=outcome, reasons=(stopped.reason,)))
        except Exception as error:
            self.stopped[position] = ScanPrediction(error=error)
        finally:
            self.timings_ms[position][stage] = milliseconds_since(begin)
        return {}


def predict(scans: Sequence[ScanBytes], model: Model, limits: Limits) -> list[ScanPrediction]:
    """Predict scans together, running the network once; one bad scan never fails its neighbours.

    Returns:
        One prediction a scan, in order.
    """
    progress = _Progress(len(scans))
    size = model.manifest.input.size
    decoded = progress.attempt(
        "decode", {position: partial(_decode, scan, limits) for position, scan in enumerate(scans)}
    )
    steps = {position: partial(prepare, each.pixels, size, each.pixel_aspect) for position, each in decoded.items()}
    prepared = progress.attempt("prepare", steps)
    predicted = _infer(prepared, model, progress)
    interpretations = {
        position: partial(_interpret, decoded[position], prepared[position].crop, *outputs, model)
        for position, outputs in predicted.items()
    }
    # Most of it is writing PNGs, which needs no interpreter lock.
    predictions = progress.attempt("interpret", interpretations, granted_cores()) | progress.stopped
    whole = [replace(predictions[position], timings_ms=progress.timings_ms[position]) for position in range(len(scans))]
    return [
        replace(prediction, image_png=None) if scan.hidden or _names_somebody(prediction) else prediction
        for scan, prediction in zip(scans, whole, strict=True)
    ]


def _names_somebody(prediction: ScanPrediction) -> bool:
    """Whether text was found in the picture: it may be a name, whatever the header says."""
    return prediction.finding is not None and Reason.BURNED_IN_TEXT in prediction.finding.review_reasons


def _decode(scan: ScanBytes, limits: Limits) -> Decoded:
    return decode(scan.data, scan.kind, limits, scan.frame or 0)


def _infer(
    prepared: Mapping[int, Prepared], model: Model, progress: _Progress
) -> dict[int, tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], float, float | None]]:
    """Class logits (4,), mask logits (N, N), intensity and scope distance of each scan, from one run of the network."""
    if not prepared:
        return {}
    begin = time.perf_counter()
    inputs = np.stack([each.input for each in prepared.values()])
    prediction = model.run(inputs)
    scope = model.manifest.scope
    distances = [None] * len(prepared) if scope is None else scope.distances(inputs, prediction.features).tolist()
    intensities = mean_intensity(inputs).tolist()
    each_ms = round(milliseconds_since(begin) / len(prepared), 3)
    for position in prepared:
        progress.timings_ms[position]["infer"] = each_ms
    return {
        position: (prediction.cls[row], prediction.seg[row], intensities[row], distances[row])
        for row, position in enumerate(prepared)
    }


def _interpret(
    decoded: Decoded,
    crop: Crop,
    cls_logits: npt.NDArray[np.float32],
    seg_logits: npt.NDArray[np.float32],
    intensity: float,
    scope_distance: float | None,
    model: Model,
) -> ScanPrediction:
    rows, columns = decoded.pixels.shape
    manifest = model.manifest
    thresholds = manifest.thresholds
    mask = to_mask(seg_logits, crop, (rows, columns), thresholds.seg_logit, thresholds.min_component_fraction)
    tumor = measure(mask, decoded.spacing_mm)
    calibrated = probabilities(cls_logits, manifest.temperature)
    finding = interpret(calibrated, tumor, float(mask.sum()) / crop.area, manifest, scope_distance)
    return ScanPrediction(
        finding=finding.flagged(decoded.flags + ((Reason.BURNED_IN_TEXT,) if shows_text(decoded.pixels) else ())),
        rows=rows,
        columns=columns,
        spacing_mm=decoded.spacing_mm,
        intensity=intensity,
        scope_distance=scope_distance,
        image_png=picture(windowed(decoded.pixels)),
        mask_png=encode_mask(mask),
    )


def milliseconds_since(begin: float) -> float:
    """Time since a reading of `time.perf_counter`, rounded to a microsecond."""
    return round((time.perf_counter() - begin) * 1000, 3)
