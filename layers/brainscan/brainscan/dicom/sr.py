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
from brainscan.dicom.coding import ALGORITHM_NAME, MANUFACTURER, code, lesion_name
from brainscan.dicom.report_identity import ReportIdentity, ReportObject
from brainscan.dicom.source import SourceImage, first_of_each_file
from brainscan.domain import RESEARCH_USE_STATEMENT, Lesion, SeriesResult, TumorClass

Group = VolumetricROIMeasurementsAndQualitativeEvaluations | MeasurementsAndQualitativeEvaluations


def measurement_report(
    result: SeriesResult, images: Mapping[str, SourceImage], seg: Dataset | None, identity: ReportIdentity
) -> Comprehensive3DSR:
    """Write the lesions of a series as a measurement report (PS3.16 TID 1500).

    Each lesion refers to its segment, to the slices it was outlined on and, by its area, to the key slice. A series
    without tumor is reported as one group in which neoplasm is absent; one without a verdict, in which it is
    indeterminate.

    Args:
        result: What the series shows; at least one of its slices was analyzed.
        images: The analyzed slices by scan id.
        seg: The segmentation of the same result, where one could be written.
    """
    groups = [_lesion_group(lesion, images, seg, identity) for lesion in result.lesions]
    content = MeasurementReport(
        observation_context=_observer(identity),
        procedure_reported=code(terms.MR_BRAIN),
        imaging_measurements=groups or [_group_without_lesion(result, images, identity)],
    )
    content[0].ContentSequence.extend(_comment(text) for text in _remarks(result))
    evidence: list[Dataset] = first_of_each_file(list(images.values()))
    made = Comprehensive3DSR(
        evidence=[*evidence, *([seg] if seg is not None else [])],
        content=content[0],
        is_complete=True,
        **identity.series_arguments(ReportObject.REPORT, evidence[0]),
    )
    identity.make_repeatable(made)
    return made


def _observer(identity: ReportIdentity) -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=identity.device_uid(),
        name=ALGORITHM_NAME,
        manufacturer_name=MANUFACTURER,
        model_name=ALGORITHM_NAME,
        serial_number=identity.model_id,
    )
    return ObservationContext(
        observer_device_context=ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=device)
    )


def _lesion_group(
    lesion: Lesion, images: Mapping[str, SourceImage], seg: Dataset | None, identity: ReportIdentity
) -> Group:
    name = lesion_name(lesion)
    shared: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(uid=identity.tracking_uid(name), identifier=name),
        "finding_type": code(lesion.tumor_class.concept),
        "finding_category": code(terms.MORPHOLOGY),
        "finding_sites": [FindingSite(anatomic_location=code(lesion.tumor_class.site))],
        "algorithm_id": _algorithm(identity),
        "measurements": _measurements(lesion, images[lesion.key_slice]),
    }
    references = _references([images[scan_id] for scan_id in lesion.slices])
    if seg is None:
        sources = [SourceImageForMeasurementGroup(*reference) for reference in references]
        return MeasurementsAndQualitativeEvaluations(source_images=sources, **shared)
    segment = ReferencedSegment(
        sop_class_uid=seg.SOPClassUID,
        sop_instance_uid=seg.SOPInstanceUID,
        segment_number=lesion.number,
        source_images=[SourceImageForSegmentation(*reference) for reference in references],
    )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **shared)


def _group_without_lesion(result: SeriesResult, images: Mapping[str, SourceImage], identity: ReportIdentity) -> Group:
    certainty = None if result.probabilities is None else result.probabilities[TumorClass.NO_TUMOR]
    stated = code(terms.INDETERMINATE if result.predicted is None else terms.ABSENT)
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=identity.tracking_uid("neoplasm"), identifier="neoplasm"),
        finding_type=code(TumorClass.NO_TUMOR.concept),
        algorithm_id=_algorithm(identity),
        measurements=None if certainty is None else [_certainty(certainty)],
        qualitative_evaluations=[QualitativeEvaluation(name=code(TumorClass.NO_TUMOR.concept), value=stated)],
        source_images=[SourceImageForMeasurementGroup(*reference) for reference in _references(list(images.values()))],
    )


def _measurements(lesion: Lesion, key: SourceImage) -> list[Measurement]:
    """Probability always; sizes where the pixel spacing, and for the volume the stack, allows them."""
    on_key_slice = [SourceImageForMeasurement(*reference) for reference in _references([key])]
    sizes = (
        (terms.LONG_AXIS, lesion.longest_diameter_mm, terms.MILLIMETER, None),
        (terms.SHORT_AXIS, lesion.perpendicular_diameter_mm, terms.MILLIMETER, None),
        (terms.AREA, lesion.key_area_mm2, terms.SQUARE_MILLIMETER, on_key_slice),
        (terms.VOLUME, lesion.volume_mm3, terms.CUBIC_MILLIMETER, None),
    )
    return [
        _certainty(lesion.probability),
        *(
            Measurement(name=code(name), value=_decimal(value), unit=code(unit), referenced_images=images)
            for name, value, unit, images in sizes
            if value is not None
        ),
    ]


def _certainty(probability: float) -> Measurement:
    return Measurement(name=code(terms.CERTAINTY), value=_decimal(100 * probability), unit=code(terms.PERCENT))


def _decimal(value: float) -> float:
    """At most the digits that a decimal string can hold."""
    return float(f"{value:.6g}")


def _algorithm(identity: ReportIdentity) -> AlgorithmIdentification:
    return AlgorithmIdentification(
        name=ALGORITHM_NAME, version=identity.model_id, family=code(terms.ARTIFICIAL_INTELLIGENCE)
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
        f"{lesion_name(lesion)}: no volume, {lesion.volume_withheld}"
        for lesion in result.lesions
        if lesion.volume_withheld
    ]
    review = [f"Needs review: {', '.join(result.review_reasons)}"] if result.review_reasons else []
    several = len(result.acquisitions) > 1
    rests = [f"Rests on acquisition {result.rests_on} of {len(result.acquisitions)}"] if several else []
    return [RESEARCH_USE_STATEMENT, *rests, *withheld, *review]


def _comment(text: str) -> TextContentItem:
    return TextContentItem(name=code(terms.COMMENT), value=text, relationship_type=RelationshipTypeValues.CONTAINS)
