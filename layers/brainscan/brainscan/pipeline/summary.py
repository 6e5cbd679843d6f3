"""A series' answer and what was made of it -> the files of the report in the results bucket."""

import io
from typing import Final

from pydicom import Dataset

from brainscan.domain import Report, SeriesAnswer
from brainscan.fhir import Object, bundle
from brainscan.pipeline.objects import Made
from brainscan.services import Services
from brainscan.store.objects import report_key

_CONTENT_TYPES: Final = {"dcm": "application/dicom", "json": "application/json", "gz": "application/gzip"}


def write_report(answer: SeriesAnswer, made: Made, services: Services) -> Report:
    """Write every file under `reports/{series_id}/{revision}/`, the summary that lists them last.

    Returns:
        The report, not yet committed.
    """
    files = {name.value: _write(answer, f"{name}.dcm", _encoded(each), services) for name, each in made.objects.items()}
    objects = {name.value: _named(each) for name, each in made.objects.items()}
    if made.labels is not None:
        files["labels"] = _write(answer, "labels.nii.gz", made.labels, services)
    files["fhir"] = _write(answer, "fhir.json", bundle(answer, objects, services.pseudonyms), services)
    files["series"] = report_key(answer.series_id, answer.revision, "series.json")
    whole = answer.model_copy(update={"files": files, "withheld": {str(k): v for k, v in made.withheld.items()}})
    _write(answer, "series.json", whole.model_dump_json(exclude_none=True, indent=2).encode(), services)
    return Report(
        series_id=answer.series_id,
        study_id=answer.study_id,
        patient_id=answer.patient_id,
        revision=answer.revision,
        outcome=answer.outcome,
        predicted=answer.predicted,
        confidence=answer.confidence,
        needs_review=answer.needs_review,
        volumes_mm3={f.tumor_class: f.volume_mm3 for f in answer.findings if f.volume_mm3 is not None},
        files=files,
    )


def _write(answer: SeriesAnswer, name: str, data: bytes, services: Services) -> str:
    content_type = _CONTENT_TYPES[name.rpartition(".")[2]]
    return services.results.put(report_key(answer.series_id, answer.revision, name), data, content_type)


def _encoded(made: Dataset) -> bytes:
    out = io.BytesIO()
    made.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _named(made: Dataset) -> Object:
    return Object(str(made.SOPClassUID), str(made.SOPInstanceUID), str(made.SeriesInstanceUID), str(made.Modality))
