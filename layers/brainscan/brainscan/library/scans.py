"""Scans on this machine -> what was found in each, predicted in batches by one network."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from brainscan.dicom.source import SourceImage, read_source
from brainscan.domain import ANSWERED, Finding, Kind, Outcome, Reason, ScanError, ScanRecord
from brainscan.imaging.nifti_space import Space, space_of
from brainscan.imaging.overlay import draw_outline
from brainscan.inference.runtime import Model
from brainscan.library.inputs import InputScan
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.settings import Limits

BATCH: Final = 8

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, repr=False)
class AnalyzedScan:
    """One scan and what was found in it, or one file that holds none and is skipped.

    `path` is the file's, `name` what the files of its answers are called after. The images are PNG, at the source's
    own rows and columns. `superseded_by` is the path of the file that counts instead, where the image was found again,
    `overlay_key` that of its overlay, once it is written.
    """

    path: str
    name: str
    record: ScanRecord | None
    skipped: Reason | None = None
    image_png: bytes | None = None
    mask_png: bytes | None = None
    header: SourceImage | None = None
    space: Space | None = None
    superseded_by: str | None = None
    overlay_key: str | None = None

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        return self.record.outcome if self.record else Outcome.SKIPPED

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why the outcome is what it is."""
        return self.record.reasons if self.record else (self.skipped or Reason.NOT_AN_IMAGE,)

    @property
    def overlay_png(self) -> bytes | None:
        """The scan with the outline of its mask; None where no picture of it is shown."""
        return draw_outline(self.image_png, self.mask_png) if self.image_png else None

    @property
    def mask(self) -> Mask | None:
        """Boolean (rows, columns), True on tumor; None where no mask was drawn."""
        return None if self.mask_png is None else np.asarray(Image.open(io.BytesIO(self.mask_png))) > 0


def analyze_scans(found: Iterable[InputScan], model: Model, limits: Limits) -> Iterator[AnalyzedScan]:
    """Predict scans batch by batch, as they are asked for; one for each that was found, in order."""
    rest = iter(found)
    while batch := list(islice(rest, BATCH)):
        yield from _analyzed_batch(batch, model, limits)


def _analyzed_batch(batch: Sequence[InputScan], model: Model, limits: Limits) -> Iterator[AnalyzedScan]:
    waiting = [(each, each.record) for each in batch if each.record and each.record.outcome is Outcome.QUEUED]
    tasks = [ScanBytes.of(each.file.data, record) for each, record in waiting]
    predicted = dict(zip((id(each) for each, _ in waiting), predict(tasks, model, limits), strict=True))
    for each in batch:
        if each.record is None:
            yield AnalyzedScan(each.path, each.name, None, each.skipped)
        elif (prediction := predicted.get(id(each))) is None:
            yield AnalyzedScan(each.path, each.name, each.record)
        else:
            yield _joined(each, each.record, prediction, model, limits)


def _joined(
    found: InputScan, waiting: ScanRecord, predicted: ScanPrediction, model: Model, limits: Limits
) -> AnalyzedScan:
    record = _record(waiting, predicted, model)
    answered = record.outcome in ANSWERED
    return AnalyzedScan(
        path=found.path,
        name=found.name,
        record=record,
        image_png=predicted.image_png,
        mask_png=predicted.mask_png,
        header=_header(found.file.data, record, limits) if answered and record.kind is Kind.DICOM else None,
        space=_space(found.file.data, limits) if record.kind is Kind.NIFTI and predicted.rows else None,
    )


def _record(waiting: ScanRecord, predicted: ScanPrediction, model: Model) -> ScanRecord:
    """A surprise in one scan is that scan's failure; nothing here would retry it."""
    failed = Finding(outcome=Outcome.FAILED, reasons=(Reason.INTERNAL_ERROR,))
    return ScanRecord.of(
        waiting,
        (predicted.finding or failed).flagged(waiting.flags),
        model_id=model.manifest.model_id,
        rows=predicted.rows,
        columns=predicted.columns,
        spacing_mm=predicted.spacing_mm,
        timings_ms=predicted.timings_ms,
        finished_at=datetime.now(UTC),
    )


def _header(data: bytes, record: ScanRecord, limits: Limits) -> SourceImage | None:
    try:
        return SourceImage(read_source(data, limits.scan_bytes), record.source.frame)
    except ScanError:
        return None


@lru_cache(maxsize=1)
def _space(data: bytes, limits: Limits) -> Space:
    """Of the file whose slices come one after the other."""
    return space_of(data, limits)
