"""What a series shows -> a FHIR R4 bundle for systems that file no DICOM; as pseudonymous as the table.

https://hl7.org/fhir/R4/diagnosticreport.html, https://hl7.org/fhir/R4/imagingstudy.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from brainscan import terminology as terms
from brainscan.domain import RESEARCH_USE_STATEMENT, ClassFinding, Lesion, SeriesResult, TumorClass
from brainscan.identity import Pseudonyms
from brainscan.terminology import Concept, Scheme

SYSTEMS: Final = {
    Scheme.SNOMED_CT: "http://snomed.info/sct",
    Scheme.LOINC: "http://loinc.org",
    Scheme.UCUM: "http://unitsofmeasure.org",
    Scheme.DICOM: "http://dicom.nema.org/resources/ontology/DCM",
}
PSEUDONYM: Final = "urn:brainscan:pseudonym"
"""Identifiers are digests by the deployment's secret; no system outside of it knows them."""

IMAGING: Final = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging"}
RADIOLOGY: Final = {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}


@dataclass(frozen=True)
class WrittenObject:
    """A DICOM object of the report: its identity is ours, and names nobody."""

    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    modality: str


def bundle(result: SeriesResult, objects: Mapping[str, WrittenObject], pseudonyms: Pseudonyms) -> bytes:
    """A collection of Patient, Device, ImagingStudy, Observations and a preliminary DiagnosticReport, as JSON.

    The source series stands in it by a UID that is derived from its pseudonym, for ImagingStudy must have one.

    Args:
        result: What the series shows.
        objects: The DICOM objects written for it, by name.
    """
    lesions = [_lesion(lesion, result) for lesion in result.lesions]
    observations = [_finding(finding, result) for finding in result.findings]
    if not observations and result.predicted is TumorClass.NO_TUMOR:
        observations = [_absent(result)]
    resources = [
        _patient(result),
        _device(result),
        _imaging_study(result, objects, pseudonyms),
        *lesions,
        *observations,
        _report(result, observations),
    ]
    entries = [{"fullUrl": _url(resource["id"]), "resource": resource} for resource in resources]
    whole = {
        "resourceType": "Bundle",
        "id": _id(result, "bundle"),
        "type": "collection",
        "timestamp": _time(result),
        "entry": entries,
    }
    return json.dumps(_filled(whole), indent=2).encode()


def _patient(result: SeriesResult) -> dict[str, Any]:
    known = [{"system": PSEUDONYM, "value": result.patient_id}] if result.patient_id else None
    return {"resourceType": "Patient", "id": result.patient_id or f"of-{result.series_id}", "identifier": known}


def _device(result: SeriesResult) -> dict[str, Any]:
    return {
        "resourceType": "Device",
        "id": _id(result, "device"),
        "deviceName": [{"name": "brainscan", "type": "model-name"}],
        "version": [{"value": model_id} for model_id in result.model_ids] or None,
        "note": [{"text": RESEARCH_USE_STATEMENT}],
    }


def _imaging_study(
    result: SeriesResult, objects: Mapping[str, WrittenObject], pseudonyms: Pseudonyms
) -> dict[str, Any]:
    source = {
        "uid": pseudonyms.uid("fhir-series", result.series_id),
        "modality": _coding(terms.MR),
        "numberOfInstances": len(result.slices),
        "bodySite": _coding(terms.BRAIN),
    }
    written = [
        {
            "uid": each.series_uid,
            "modality": {"system": SYSTEMS[Scheme.DICOM], "code": each.modality},
            "numberOfInstances": 1,
            "instance": [
                {
                    "uid": each.sop_instance_uid,
                    "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{each.sop_class_uid}"},
                    "title": name,
                }
            ],
        }
        for name, each in objects.items()
    ]
    return {
        "resourceType": "ImagingStudy",
        "id": _id(result, "study"),
        "identifier": [{"system": PSEUDONYM, "value": result.study_id}] if result.study_id else None,
        "status": "available",
        "subject": _subject(result),
        "numberOfSeries": 1 + len(written),
        "numberOfInstances": len(result.slices) + len(written),
        "series": [source, *written],
        "note": [{"text": RESEARCH_USE_STATEMENT}],
    }


def _finding(finding: ClassFinding, result: SeriesResult) -> dict[str, Any]:
    """One tumor class: present, with its probability and total volume; its lesions are its members."""
    name = finding.tumor_class
    components = [_certainty(finding.probability), *_sizes((terms.VOLUME, finding.volume_mm3, terms.CUBIC_MILLIMETER))]
    observation = _observation(
        result, name, name.concept, terms.PRESENT, components, _no_volume(finding) + RESEARCH_USE_STATEMENT
    )
    members = [_reference(_id(result, _lesion_id(each))) for each in result.lesions if each.tumor_class is name]
    return observation | {"hasMember": members}


def _lesion(lesion: Lesion, result: SeriesResult) -> dict[str, Any]:
    """One mass: its probability and sizes."""
    concept = lesion.tumor_class.concept
    sizes = _sizes(
        (terms.LONG_AXIS, lesion.longest_diameter_mm, terms.MILLIMETER),
        (terms.SHORT_AXIS, lesion.perpendicular_diameter_mm, terms.MILLIMETER),
        (terms.AREA, lesion.key_area_mm2, terms.SQUARE_MILLIMETER),
        (terms.VOLUME, lesion.volume_mm3, terms.CUBIC_MILLIMETER),
    )
    note = f"Lesion {lesion.number} of {len(result.lesions)}. {_no_volume(lesion)}{RESEARCH_USE_STATEMENT}"
    components = [_certainty(lesion.probability), *sizes]
    return _observation(result, _lesion_id(lesion), concept, terms.PRESENT, components, note)


def _lesion_id(lesion: Lesion) -> str:
    return f"lesion-{lesion.number}"


def _no_volume(found: ClassFinding | Lesion) -> str:
    return f"No volume: {found.volume_withheld}. " if found.volume_withheld else ""


def _sizes(*stated: tuple[Concept, float | None, Concept]) -> list[dict[str, Any]]:
    return [_component(name, value, unit) for name, value, unit in stated if value is not None]


def _absent(result: SeriesResult) -> dict[str, Any]:
    certainty = [_certainty(result.confidence)] if result.confidence is not None else []
    return _observation(
        result, "neoplasm", TumorClass.NO_TUMOR.concept, terms.ABSENT, certainty, RESEARCH_USE_STATEMENT
    )


def _observation(
    result: SeriesResult, name: str, code: Concept, value: Concept, components: list[dict[str, Any]], note: str
) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": _id(result, name.replace("_", "-")),
        "status": "preliminary",
        "category": [{"coding": [IMAGING]}],
        "code": _concept(code),
        "subject": _subject(result),
        "issued": _time(result),
        "device": _reference(_id(result, "device")),
        "derivedFrom": [_reference(_id(result, "study"))],
        "valueCodeableConcept": _concept(value),
        "component": components or None,
        "note": [{"text": note}],
    }


def _report(result: SeriesResult, observations: list[dict[str, Any]]) -> dict[str, Any]:
    sure = f", {result.confidence:.0%}" if result.confidence is not None else ""
    call = (
        f"Series call: {result.predicted}{sure}." if result.predicted else "No call: too few slices could be analyzed."
    )
    review = f" Needs review: {', '.join(result.review_reasons)}." if result.review_reasons else ""
    return {
        "resourceType": "DiagnosticReport",
        "id": _id(result, "report"),
        "identifier": [{"system": PSEUDONYM, "value": f"{result.series_id}.{result.revision}"}],
        "status": "preliminary",
        "category": [{"coding": [RADIOLOGY]}],
        "code": _concept(terms.MR_BRAIN),
        "subject": _subject(result),
        "issued": _time(result),
        "result": [_reference(observation["id"]) for observation in observations] or None,
        "imagingStudy": [_reference(_id(result, "study"))],
        "conclusion": f"{call}{review} {RESEARCH_USE_STATEMENT}",
        "conclusionCode": [_concept(finding.tumor_class.concept) for finding in result.findings] or None,
    }


def _certainty(probability: float) -> dict[str, Any]:
    return _component(terms.CERTAINTY, 100 * probability, terms.PERCENT)


def _component(name: Concept, value: float, unit: Concept) -> dict[str, Any]:
    quantity = {"value": float(f"{value:.6g}"), "unit": unit.code, "system": SYSTEMS[unit.scheme], "code": unit.code}
    return {"code": _concept(name), "valueQuantity": quantity}


def _concept(concept: Concept) -> dict[str, Any]:
    return {"coding": [_coding(concept)], "text": concept.meaning}


def _coding(concept: Concept) -> dict[str, str]:
    return {"system": SYSTEMS[concept.scheme], "code": concept.code, "display": concept.meaning}


def _subject(result: SeriesResult) -> dict[str, str]:
    return _reference(_patient(result)["id"])


def _reference(resource_id: str) -> dict[str, str]:
    return {"reference": _url(resource_id)}


def _url(resource_id: str) -> str:
    return f"urn:brainscan:{resource_id}"


def _id(result: SeriesResult, name: str) -> str:
    return f"{result.series_id}-{result.revision}-{name}"


def _time(result: SeriesResult) -> str | None:
    return result.finished_at.isoformat() if result.finished_at else None


def _filled(value: Any) -> Any:
    """FHIR knows no null: what has no value is left out."""
    if isinstance(value, dict):
        return {name: _filled(inner) for name, inner in value.items() if inner is not None}
    return [_filled(inner) for inner in value] if isinstance(value, list) else value
