"""What a series shows -> DICOM SR Comprehensive 3D, TID 1500 Measurement Report."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from highdicom.sr import (
    AlgorithmIdentification,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForMeasurement,
    SourceImageForMeasurementGroup,
    SourceImageForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom import Dataset
from pydicom.sr.codedict import codes

from brainscan import terminology as terms
from brainscan.dicom.coding import ALGORITHM_NAME, MANUFACTURER, code
from brainscan.dicom.source import SourceImage, first_of_each_file
from brainscan.dicom.stamp import ReportObject, Stamp
from brainscan.domain import RESEARCH_USE_STATEMENT, ClassFinding, SeriesResult, TumorClass

Group = VolumetricROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations


def measurement_report(
    result: SeriesResult, images: Mapping[str, SourceImage], seg: Dataset | None, stamp: Stamp
) -> Comprehensive3DSR:
    """Write the findings of a series as a measurement report (PS3.16 TID 1500).

    Each finding refers to its segment, to the slices it was outlined on and, by its area, to the key slice. A series
    without tumor is reported as one group in which neoplasm is absent.

    Args:
        result: What the series shows; its outcome is `analyzed`.
        images: The analyzed slices by scan id.
        seg: The segmentation of the same result, where one could be written.
    """
    groups = [_finding_group(finding, result, images, seg, stamp) for finding in result.findings]
    content = MeasurementReport(
        observation_context=_observer(stamp),
        procedure_reported=code(terms.MR_BRAIN),
        imaging_measurements=groups or [_absent_group(result, images, stamp)],
    )
    content[0].ContentSequence.extend(_comment(text) for text in _remarks(result))
    evidence: list[Dataset] = first_of_each_file(list(images.values()))
    made = Comprehensive3DSR(
        evidence=[*evidence, *([seg] if seg is not None else [])],
        content=content[0],
        is_complete=True,
        **stamp.series_arguments(ReportObject.REPORT, evidence[0]),
    )
    stamp.make_repeatable(made)
    return made


def _observer(stamp: Stamp) -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=stamp.device_uid(),
        name=ALGORITHM_NAME,
        manufacturer_name=MANUFACTURER,
        model_name=ALGORITHM_NAME,
        serial_number=stamp.model_id,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    )


def _finding_group(
    finding: ClassFinding,
    result: SeriesResult,
    images: Mapping[str, SourceImage],
    seg: Dataset | None,
    stamp: Stamp,
) -> Group:
    name = finding.tumor_class
    shared: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(uid=stamp.tracking_uid(name), identifier=name.value),
        "finding_type": code(name.concept),
        "finding_category": code(terms.MORPHOLOGY),
        "finding_sites": [FindingSite(anatomic_location=code(name.site))],
        "algorithm_id": _algorithm(stamp),
        "measurements": _measurements(finding, images[finding.key_slice]),
    }
    outlined = [images[each.scan_id] for each in result.slices if each.counted and each.predicted is name]
    if seg is None:
        sources = [SourceImageForMeasurementGroup(*reference) for reference in _references(outlined)]
        return MeasurementsAndQualitativeEvaluations(source_images=sources, **shared)
    segment = ReferencedSegment(
        sop_class_uid=seg.SOPClassUID,
        sop_instance_uid=seg.SOPInstanceUID,
        segment_number=finding.segment,
        source_images=[SourceImageForSegmentation(*reference) for reference in _references(outlined)],
    )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **shared)


def _absent_group(result: SeriesResult, images: Mapping[str, SourceImage], stamp: Stamp) -> Group:
    certainty = (result.probabilities or {})[TumorClass.NO_TUMOR]
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=stamp.tracking_uid("neoplasm"), identifier="neoplasm"),
        finding_type=code(TumorClass.NO_TUMOR.concept),
        algorithm_id=_algorithm(stamp),
        measurements=[_certainty(certainty)],
        qualitative_evaluations=[
            QualitativeEvaluation(name=code(TumorClass.NO_TUMOR.concept), value=code(terms.ABSENT))
        ],
        source_images=[SourceImageForMeasurementGroup(*reference) for reference in _references(list(images.values()))],
    )


def _measurements(finding: ClassFinding, key: SourceImage) -> list[Measurement]:
    """Probability always; sizes where the pixel spacing, and for the volume the stack, allows them."""
    [reference] = _references([key])
    on_key_slice = [SourceImageForMeasurement(*reference)]
    found = [_certainty(finding.probability)]
    if finding.longest_diameter_mm is not None:
        diameter = _decimal(finding.longest_diameter_mm)
        found.append(Measurement(name=code(terms.LONG_AXIS), value=diameter, unit=code(terms.MILLIMETER)))
    if finding.key_area_mm2 is not None:
        area = _decimal(finding.key_area_mm2)
        found.append(
            Measurement(
                name=code(terms.AREA), value=area, unit=code(terms.SQUARE_MILLIMETER), referenced_images=on_key_slice
            )
        )
    if finding.volume_mm3 is not None:
        volume = _decimal(finding.volume_mm3)
        found.append(Measurement(name=code(terms.VOLUME), value=volume, unit=code(terms.CUBIC_MILLIMETER)))
    return found


def _certainty(probability: float) -> Measurement:
    return Measurement(name=code(terms.CERTAINTY), value=_decimal(100 * probability), unit=code(terms.PERCENT))


def _decimal(value: float) -> float:
    """At most the digits that a decimal string can hold."""
    return float(f"{value:.6g}")


def _algorithm(stamp: Stamp) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        name=ALGORITHM_NAME, version=stamp.model_id, family=code(terms.ARTIFICIAL_INTELLIGENCE)
    )


def _references(images: Sequence[SourceImage]) -> list[tuple[str, str, list[int] | None]]:
    """(SOP class, SOP instance, frames from 1) of the files that images are in, each once."""
    frames: dict[tuple[str, str], list[int]] = defaultdict(list)
    for image in images:
        file = (str(image.header.SOPClassUID), str(image.header.SOPInstanceUID))
        frames[file] += image.frame_numbers or []
    return [(*file, sorted(numbers) or None) for file, numbers in frames.items()]


def _remarks(result: SeriesResult) -> list[str]:
    withheld = [
        f"{finding.tumor_class}: no volume, {finding.volume_withheld}"
        for finding in result.findings
        if finding.volume_withheld
    ]
    review = [f"Needs review: {', '.join(result.review_reasons)}"] if result.review_reasons else []
    return [RESEARCH_USE_STATEMENT, *withheld, *review]


def _comment(text: str) -> TextContentItem:
    return TextContentItem(name=code(terms.COMMENT), value=text, relationship_type=RelationshipTypeValues.CONTAINS)
