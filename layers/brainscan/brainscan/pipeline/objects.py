"""A series' result and its staged sources -> DICOM objects for its PACS, and a label volume; or why there are none."""

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from PIL import Image
from pydicom import Dataset

from brainscan.dicom.capture import capture
from brainscan.dicom.identifiers import unusable_identifiers
from brainscan.dicom.report_identity import ReportIdentity, ReportObject
from brainscan.dicom.seg import segmentation
from brainscan.dicom.series_geometry import no_common_grid
from brainscan.dicom.source import SourceImage
from brainscan.dicom.spacing import frame_spacing
from brainscan.dicom.sr import measurement_report
from brainscan.dicom.values import number
from brainscan.domain import Reason, ScanRecord, SeriesResult
from brainscan.observability import logger
from brainscan.pipeline.sources import SeriesSlice
from brainscan.series.components import Mask
from brainscan.series.label_volume import label_volume
from brainscan.series.result import SeriesAnalysis
from brainscan.services import ReportServices
from brainscan.store import ObjectGoneError


@dataclass(repr=False)
class ReportObjects:
    """What could be written, and why other files could not; `labels` is the SEG as a NIfTI volume, gzipped."""

    dicom: dict[ReportObject, Dataset] = field(default_factory=dict)
    withheld: dict[str, Reason] = field(default_factory=dict)
    labels: bytes | None = None


OverlayOf = Callable[[ScanRecord], bytes | None]
"""The PNG of a scan with the outline of its mask, if there is one of it."""


def report_objects(
    analysis: SeriesAnalysis, slices: Sequence[SeriesSlice], services: ReportServices, outlined: OverlayOf
) -> ReportObjects:
    """Make the SEG, the SR that refers to it, and the secondary capture.

    What sources lack is found by looking at their headers, and costs the objects that need it. Whatever is raised in
    the making is therefore a fault of ours, and rises: the report is tried again, and its failure seen.
    """
    result = analysis.result
    analyzed = {each.record.scan_id: each for each in slices if each.analyzed}
    reason = _no_objects(result, list(analyzed.values()))
    if reason:
        return ReportObjects(withheld=dict.fromkeys(map(str, ReportObject), reason))
    in_order = [each.scan_id for each in result.slices if each.scan_id in analyzed]
    images = {scan_id: image for scan_id in in_order if (image := analyzed[scan_id].image)}
    identity = _identity(result, services)
    made = ReportObjects()
    seg = _add_segmentation(made, analysis, [images[scan_id] for scan_id in analysis.stack], identity)
    made.dicom[ReportObject.REPORT] = measurement_report(result, images, seg, identity)
    if no_key := _no_key_picture(result, analyzed):
        made.withheld[ReportObject.CAPTURE] = no_key
    else:
        key = result.findings[0].key_slice
        picture = outlined(analyzed[key].record)
        if picture is None:
            raise ObjectGoneError("the record of the key slice names no image")
        made.dicom[ReportObject.CAPTURE] = capture(picture, result, images[key], identity)
    return made


def masks_of(records: Sequence[ScanRecord], services: ReportServices, pool: Executor) -> list[Mask]:
    """The masks of scans that have one: (rows, columns), True on tumor.

    Raises:
        ObjectGoneError: a record names none, or one that is gone.
    """
    return list(pool.map(lambda record: _mask(record, services), records))


def _identity(result: SeriesResult, services: ReportServices) -> ReportIdentity:
    return ReportIdentity(
        services.pseudonyms,
        result.series_id,
        result.revision,
        result.model_ids[-1] if result.model_ids else "",
        (result.finished_at or datetime.now(UTC)).astimezone(UTC),
    )


def _no_objects(result: SeriesResult, analyzed: Sequence[SeriesSlice]) -> Reason | None:
    if not analyzed:
        return Reason.NO_SLICE_ANALYZED
    missing = next((each.missing for each in analyzed if each.missing), None)
    unusable = {keyword for each in analyzed if each.image for keyword in unusable_identifiers(each.image.header)}
    if missing is None and unusable:
        logger.warning("objects withheld", extra={"series_id": result.series_id, "attributes": sorted(unusable)})
        return Reason.UNUSABLE_HEADER
    return missing


def _no_lesion(result: SeriesResult) -> Reason:
    """Why a series shows none: it has none, or it has no verdict."""
    return Reason.NO_VERDICT if result.predicted is None else Reason.NO_TUMOR_FOUND


def _no_key_picture(result: SeriesResult, analyzed: Mapping[str, SeriesSlice]) -> Reason | None:
    """Why no key slice can be shown: there is none, or text in its picture may name the patient."""
    if not result.findings:
        return _no_lesion(result)
    key = analyzed[result.findings[0].key_slice].record
    hidden = Reason.BURNED_IN_TEXT in (*key.flags, *key.review_reasons)
    return Reason.BURNED_IN_TEXT if hidden else None


def _add_segmentation(
    made: ReportObjects, analysis: SeriesAnalysis, stack: Sequence[SourceImage], identity: ReportIdentity
) -> Dataset | None:
    """The SEG of the acquisition that the series rests on, and its label volume; or why they are withheld."""
    no_mask = None if analysis.labels else _no_lesion(analysis.result)
    unfit = no_mask or analysis.no_geometry or no_common_grid(stack)
    if unfit:
        made.withheld[ReportObject.SEGMENTATION] = unfit
        return None
    labels = {analysis.stack.index(scan_id): label for scan_id, label in analysis.labels.items()}
    seg = made.dicom[ReportObject.SEGMENTATION] = segmentation(stack, labels, analysis.result.lesions, identity)
    first = stack[0]
    spacing = frame_spacing(first.header, first.frame or 0)
    thickness = number(first.header, "SliceThickness")
    volume = label_volume([image.plane for image in stack], spacing, thickness, labels)
    if isinstance(volume, Reason):
        made.withheld["labels"] = volume
    else:
        made.labels = volume
    return seg


def _mask(record: ScanRecord, services: ReportServices) -> Mask:
    if record.mask_key is None:
        raise ObjectGoneError("the scan's record names no mask")
    return np.asarray(Image.open(io.BytesIO(services.results.get(record.mask_key)))) > 0
