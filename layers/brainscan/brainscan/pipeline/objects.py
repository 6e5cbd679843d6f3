"""A series' answer and its staged sources -> DICOM objects for its PACS, and a label volume; or the reason why not."""

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from PIL import Image
from pydicom import Dataset

from brainscan.dicom.capture import capture
from brainscan.dicom.label_volume import label_volume
from brainscan.dicom.seg import Labels, segmentation
from brainscan.dicom.source import SourceImage, is_multiframe, read_source
from brainscan.dicom.sr import measurement_report
from brainscan.dicom.stamp import Answer, Stamp
from brainscan.domain import Kind, Outcome, Reason, ScanRecord, SeriesAnswer
from brainscan.observability import describe, logger
from brainscan.services import Services
from brainscan.store import ObjectGoneError
from brainscan.store.objects import result_key


@dataclass(frozen=True, repr=False)
class Slice:
    """A scan of the series; `image` is its source's header, or `missing` says why there is none."""

    record: ScanRecord
    image: SourceImage | None = None
    missing: Reason | None = None

    @property
    def analyzed(self) -> bool:
        """Whether it speaks for the series."""
        return self.record.outcome is Outcome.ANALYZED


@dataclass(repr=False)
class Made:
    """What could be written, and why other files could not; `labels` is the SEG as a NIfTI volume, gzipped."""

    objects: dict[Answer, Dataset] = field(default_factory=dict)
    withheld: dict[str, Reason] = field(default_factory=dict)
    labels: bytes | None = None


def sources_of(records: Sequence[ScanRecord], services: Services, pool: Executor) -> list[Slice]:
    """Read the source's header of every analyzed slice."""
    keys = sorted({record.staged_key for record in records if record.outcome is Outcome.ANALYZED})
    dicom = {record.staged_key for record in records if record.kind is Kind.DICOM}
    headers = dict(zip(keys, pool.map(lambda key: _header(key, services) if key in dicom else None, keys), strict=True))
    return [_slice(record, headers.get(record.staged_key)) for record in records]


def _slice(record: ScanRecord, header: Dataset | Reason | None) -> Slice:
    if isinstance(header, Dataset):
        return Slice(record, SourceImage(header, record.source.frame))
    return Slice(record, missing=header or Reason.NOT_DICOM)


def _header(key: str, services: Services) -> Dataset | Reason:
    try:
        return read_source(services.results.get(key), services.limits.scan_bytes)
    except ObjectGoneError:
        return Reason.OBJECT_GONE


def dicom_objects(
    answer: SeriesAnswer, slices: Sequence[Slice], no_geometry: Reason | None, services: Services, pool: Executor
) -> Made:
    """Make the SEG, the SR that refers to it, and the secondary capture."""
    analyzed = {each.record.scan_id: each for each in slices if each.analyzed}
    reason = _no_objects(answer, list(analyzed.values()))
    if reason:
        return Made(withheld=dict.fromkeys(map(str, Answer), reason))
    in_order = [each.scan_id for each in answer.slices if each.scan_id in analyzed]
    images = {scan_id: image for scan_id in in_order if (image := analyzed[scan_id].image)}
    stamp = Stamp(
        services.pseudonyms,
        answer.series_id,
        answer.revision,
        answer.model_ids[-1] if answer.model_ids else "",
        (answer.finished_at or datetime.now(UTC)).astimezone(UTC),
    )
    made = Made()
    unfit = Reason.NO_TUMOR_FOUND if not answer.findings else no_geometry or _unfit(list(images.values()))
    in_place, labels = list(images.values()), {} if unfit else _labels(answer, analyzed, images, services, pool)
    _make(made, Answer.SEGMENTATION, unfit, lambda: segmentation(in_place, labels, answer.findings, stamp))
    seg = made.objects.get(Answer.SEGMENTATION)
    if seg is not None:
        _add_volume(made, in_place, labels)
    _make(made, Answer.REPORT, None, lambda: measurement_report(answer, images, seg, stamp))
    no_key = None if answer.findings else Reason.NO_TUMOR_FOUND
    _make(made, Answer.CAPTURE, no_key, lambda: _capture(answer, images, stamp, services))
    return made


def _no_objects(answer: SeriesAnswer, analyzed: Sequence[Slice]) -> Reason | None:
    if answer.outcome is not Outcome.ANALYZED:
        return Reason.NO_SLICE_ANALYZED
    return next((each.missing for each in analyzed if each.missing), None)


def _unfit(images: Sequence[SourceImage]) -> Reason | None:
    """Why images cannot be the source of one segmentation: it has one grid, and at most one multi-frame source."""
    files = {str(image.header.SOPInstanceUID): image.header for image in images}
    if len(files) > 1 and any(map(is_multiframe, files.values())):
        return Reason.SEVERAL_MULTIFRAME_FILES
    grids = {(header.Rows, header.Columns, str(header.get("PixelSpacing"))) for header in files.values()}
    return Reason.MIXED_GEOMETRY if len(grids) > 1 else None


def _make(made: Made, name: Answer, reason: Reason | None, make: Callable[[], Dataset]) -> None:
    """Add one object, or why it is withheld: a header that lacks what the object needs costs that object alone."""
    if reason is None:
        try:
            made.objects[name] = make()
            return
        except (AttributeError, KeyError, IndexError, TypeError, ValueError, NotImplementedError) as error:
            logger.warning("object withheld", extra={"object": name, **describe(error)})
            reason = Reason.UNUSABLE_HEADER
    made.withheld[name] = reason


def _add_volume(made: Made, images: Sequence[SourceImage], labels: Mapping[int, Labels]) -> None:
    volume = label_volume(images, labels)
    if isinstance(volume, Reason):
        made.withheld["labels"] = volume
    else:
        made.labels = volume


def _labels(
    answer: SeriesAnswer,
    analyzed: dict[str, Slice],
    images: dict[str, SourceImage],
    services: Services,
    pool: Executor,
) -> dict[int, Labels]:
    """(rows, columns) of segment numbers, by place in `images`, of the slices that count."""
    segments = {finding.tumor_class: finding.segment for finding in answer.findings}
    place_of = {scan_id: place for place, scan_id in enumerate(images)}
    counted = [each for each in answer.slices if each.counted]
    masks = pool.map(lambda each: _mask(analyzed[each.scan_id].record, services), counted)
    return {
        place_of[each.scan_id]: np.where(mask, segments[each.predicted], 0).astype(np.uint8)
        for each, mask in zip(counted, masks, strict=True)
        if each.predicted
    }


def _mask(record: ScanRecord, services: Services) -> Labels:
    """(rows, columns), above 0 on tumor."""
    png = services.results.get(record.mask_key or result_key(record.scan_id, "mask.png"))
    return np.asarray(Image.open(io.BytesIO(png)))


def _capture(answer: SeriesAnswer, images: dict[str, SourceImage], stamp: Stamp, services: Services) -> Dataset:
    key = answer.findings[0].key_slice
    return capture(services.results.get(result_key(key, "overlay.png")), answer, images[key], stamp)
