"""A series' result and what was made of it -> the files of the report in the results bucket."""

import io
from typing import Final

from pydicom import Dataset

from brainscan.domain import Report, SeriesResult
from brainscan.fhir import WrittenObject, bundle
from brainscan.pipeline.objects import ReportObjects
from brainscan.services import ReportServices
from brainscan.store.objects import report_key

_CONTENT_TYPES: Final = {"dcm": "application/dicom", "json": "application/json", "gz": "application/gzip"}


def write_report(result: SeriesResult, objects: ReportObjects, services: ReportServices) -> tuple[SeriesResult, Report]:
    """Write every file under `reports/{series_id}/{revision}/`, the summary that lists them last.

    Returns:
        The result with its files, and the report, not yet committed.
    """
    files = {
        kind.value: _write(result, f"{kind}.dcm", _encoded(each), services) for kind, each in objects.dicom.items()
    }
    written = {kind.value: _named(each) for kind, each in objects.dicom.items()}
    if objects.labels is not None:
        files["labels"] = _write(result, "labels.nii.gz", objects.labels, services)
    files["fhir"] = _write(result, "fhir.json", bundle(result, written, services.pseudonyms), services)
    files["series"] = report_key(result.series_id, result.revision, "series.json")
    whole = result.model_copy(update={"files": files, "withheld": {str(k): v for k, v in objects.withheld.items()}})
    _write(result, "series.json", whole.model_dump_json(exclude_none=True, indent=2).encode(), services)
    report = Report(
        series_id=result.series_id,
        study_id=result.study_id,
        patient_id=result.patient_id,
        revision=result.revision,
        outcome=result.outcome,
        predicted=result.predicted,
        confidence=result.confidence,
        needs_review=result.needs_review,
        volumes_mm3={f.tumor_class: f.volume_mm3 for f in result.findings if f.volume_mm3 is not None},
        files=files,
    )
    return whole, report


def _write(result: SeriesResult, name: str, data: bytes, services: ReportServices) -> str:
    content_type = _CONTENT_TYPES[name.rpartition(".")[2]]
    return services.results.put(report_key(result.series_id, result.revision, name), data, content_type)


def _encoded(made: Dataset) -> bytes:
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _named(made: Dataset) -> WrittenObject:
    return WrittenObject(
        str(made.SOPClassUID), str(made.SOPInstanceUID), str(made.SeriesInstanceUID), str(made.Modality)
    )
