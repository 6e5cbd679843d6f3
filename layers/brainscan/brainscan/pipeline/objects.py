"""A series' result and its staged sources -> DICOM objects for its PACS, and a label volume; or why there are none."""

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from PIL import Image
from pydicom import Dataset

from brainscan.dicom.capture import capture
from brainscan.dicom.identified import unusable_identifiers
from brainscan.dicom.measured import no_common_grid
from brainscan.dicom.pixels import frame_spacing
from brainscan.dicom.seg import segmentation
from brainscan.dicom.source import SourceImage
from brainscan.dicom.sr import measurement_report
from brainscan.dicom.stamp import ReportObject, Stamp
from brainscan.domain import Outcome, Reason, ScanRecord, SeriesResult
from brainscan.observability import logger
from brainscan.pipeline.sources import Slice
from brainscan.series.label_volume import Labels, label_volume
from brainscan.services import Services
from brainscan.store import ObjectGoneError


@dataclass(repr=False)
class ReportObjects:
    """What could be written, and why other files could not; `labels` is the SEG as a NIfTI volume, gzipped."""

    dicom: dict[ReportObject, Dataset] = field(default_factory=dict)
    withheld: dict[str, Reason] = field(default_factory=dict)
    labels: bytes | None = None


def report_objects(
    result: SeriesResult, slices: Sequence[Slice], no_geometry: Reason | None, services: Services, pool: Executor
) -> ReportObjects:
    """Make the SEG, the SR that refers to it, and the secondary capture.

    What sources lack is found by looking at their headers, and costs the objects that need it. Whatever is raised in
    the making is therefore a fault of ours, and rises: the report is tried again, and its failure seen.
    """
    analyzed = {each.record.scan_id: each for each in slices if each.analyzed}
    reason = _no_objects(result, list(analyzed.values()))
    if reason:
        return ReportObjects(withheld=dict.fromkeys(map(str, ReportObject), reason))
    in_order = [each.scan_id for each in result.slices if each.scan_id in analyzed]
    images = {scan_id: image for scan_id in in_order if (image := analyzed[scan_id].image)}
    stamp = Stamp(
        services.pseudonyms,
        result.series_id,
        result.revision,
        result.model_ids[-1] if result.model_ids else "",
        (result.finished_at or datetime.now(UTC)).astimezone(UTC),
    )
    made = ReportObjects()
    in_place = list(images.values())
    unfit = Reason.NO_TUMOR_FOUND if not result.findings else no_geometry or no_common_grid(in_place)
    seg = None
    if unfit:
        made.withheld[ReportObject.SEGMENTATION] = unfit
    else:
        labels = _labels(result, analyzed, images, services, pool)
        seg = made.dicom[ReportObject.SEGMENTATION] = segmentation(in_place, labels, result.findings, stamp)
        _add_volume(made, in_place, labels)
    made.dicom[ReportObject.REPORT] = measurement_report(result, images, seg, stamp)
    if no_key := _no_key_picture(result, analyzed):
        made.withheld[ReportObject.CAPTURE] = no_key
    else:
        made.dicom[ReportObject.CAPTURE] = _capture(result, analyzed, images, stamp, services)
    return made


def _no_objects(result: SeriesResult, analyzed: Sequence[Slice]) -> Reason | None:
    if result.outcome is not Outcome.ANALYZED:
        return Reason.NO_SLICE_ANALYZED
    missing = next((each.missing for each in analyzed if each.missing), None)
    unusable = {keyword for each in analyzed if each.image for keyword in unusable_identifiers(each.image.header)}
    if missing is None and unusable:
        logger.warning("objects withheld", extra={"series_id": result.series_id, "attributes": sorted(unusable)})
        return Reason.UNUSABLE_HEADER
    return missing


def _no_key_picture(result: SeriesResult, analyzed: Mapping[str, Slice]) -> Reason | None:
    """Why no key slice can be shown: there is none, or text in its picture may name the patient."""
    if not result.findings:
        return Reason.NO_TUMOR_FOUND
    hidden = Reason.BURNED_IN_TEXT in analyzed[result.findings[0].key_slice].record.flags
    return Reason.BURNED_IN_TEXT if hidden else None


def _add_volume(made: ReportObjects, images: Sequence[SourceImage], labels: Mapping[int, Labels]) -> None:
    first = images[0].header
    spacing = frame_spacing(first, images[0].frame or 0)
    volume = label_volume([image.plane for image in images], spacing, first.get("SliceThickness"), labels)
    if isinstance(volume, Reason):
        made.withheld["labels"] = volume
    else:
        made.labels = volume


def _labels(
    result: SeriesResult,
    analyzed: dict[str, Slice],
    images: dict[str, SourceImage],
    services: Services,
    pool: Executor,
) -> dict[int, Labels]:
    """(rows, columns) of segment numbers, by place in `images`, of the slices that count."""
    segments = {finding.tumor_class: finding.segment for finding in result.findings}
    place_of = {scan_id: place for place, scan_id in enumerate(images)}
    counted = [each for each in result.slices if each.counted]
    masks = pool.map(lambda each: _mask(analyzed[each.scan_id].record, services), counted)
    return {
        place_of[each.scan_id]: np.where(mask, segments[each.predicted], 0).astype(np.uint8)
        for each, mask in zip(counted, masks, strict=True)
        if each.predicted
    }


def _mask(record: ScanRecord, services: Services) -> Labels:
    """(rows, columns), above 0 on tumor."""
    return np.asarray(Image.open(io.BytesIO(_image(record.mask_key, services))))


def _image(key: str | None, services: Services) -> bytes:
    """An image that a scan's record names.

    Raises:
        ObjectGoneError: it names none, or one that is gone.
    """
    if key is None:
        raise ObjectGoneError("the scan's record names no such image")
    return services.results.get(key)


def _capture(
    result: SeriesResult,
    analyzed: dict[str, Slice],
    images: dict[str, SourceImage],
    stamp: Stamp,
    services: Services,
) -> Dataset:
    key = result.findings[0].key_slice
    return capture(_image(analyzed[key].record.overlay_key, services), result, images[key], stamp)
