"""Two patients in the world: what is known of both before one of them is erased, and what is left of it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from brainscan.domain import Export, Outcome, Reason, Report, ScanRecord
from brainscan.domain.erasure import ErasureReceipt
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.erase import erase, find_traces
from brainscan.pipeline.files import patient_key
from brainscan.pipeline.models import Decision, add_model
from brainscan.store.objects import report_key, shadow_key
from tests.conftest import TABLE, World
from tests.making import NOON, PSEUDONYMS, png, present
from tests.summaries import a_series
from tests.unit.inference.making import manifest

SLICES = 2
ONE, TWO = (patient_key(f"PHANTOM-{name}", "", PSEUDONYMS) for name in ("ONE", "TWO"))
GONE = (Outcome.SKIPPED, (Reason.ERASED,))


@dataclass
class Hospital:
    """Two patients in one archive, and the first one's slice once more as an upload of its own."""

    world: World
    shared: Export
    alone: Export
    model_id: str = ""

    def scans(self, patient: str) -> list[ScanRecord]:
        found = self.world.services.table.erasing.of_patient(patient).scans
        return [scan for scan in found if not scan.superseded]

    def series(self, patient: str) -> str:
        [series_id] = {scan.series_id for scan in self.scans(patient)}
        return present(series_id)


MODEL: Any = SimpleNamespace(manifest=SimpleNamespace(model_id="f" * 64))
PICTURE = png(side=16)


def answer(hospital: Hospital) -> None:
    assert all(each.error is None for each in analyze(hospital.world.queued(), hospital.world.services, MODEL))


def reported(hospital: Hospital, patient: str) -> None:
    """A report of the patient's series with a file, in two revisions; its summary and that of the study."""
    scan, services = hospital.scans(patient)[0], hospital.world.services
    belongs: dict[str, Any] = {"series_id": scan.series_id, "study_id": scan.study_id, "patient_id": patient}
    for revision in (1, 2):
        key = report_key(present(scan.series_id), revision, "sr.dcm")
        services.results.put(key, f"PHANTOM-{patient}".encode(), "application/dicom")
        services.table.summaries.put(a_series(**belongs, report_revision=revision, export_ids=(scan.export_id,)))
        told = Report(**belongs, revision=revision, outcome=Outcome.ANALYZED, files={"sr": key}, announced=True)
        services.table.reports.commit(told)


def look_on(hospital: Hospital, folder: Path) -> None:
    """Answers of a model about both patients in one object, which is written twice, and about one in another."""
    services = hospital.world.services
    (folder / MODEL_FILE).write_bytes(b"network")
    hospital.model_id = hashlib.sha256(b"network").hexdigest()
    (folder / MANIFEST_FILE).write_text(manifest(model_id=hospital.model_id).model_dump_json())
    add_model(folder, services.table, services.results, Decision("tests"))
    for name, patients in (("both", (ONE, TWO)), ("both", (ONE, TWO)), ("one", (ONE,))):
        lines = [
            ShadowFinding(
                scan_id=scan.scan_id,
                model_id=hospital.model_id,
                served_id=None,
                mask=None,
                timings_ms={},
                outcome=Outcome.ABSTAINED,
            ).model_dump_json(exclude_none=True)
            for patient in patients
            for scan in hospital.scans(patient)
        ]
        key = shadow_key(hospital.model_id, NOON.date().isoformat(), name)
        services.results.put(key, "".join(f"{line}\n" for line in lines).encode(), "application/jsonl")


def items(dynamodb: Any) -> dict[tuple[str, str], dict[str, Any]]:
    found = dynamodb.get_paginator("scan").paginate(TableName=TABLE)
    return {(each["pk"]["S"], each["sk"]["S"]): each for page in found for each in page["Items"]}


def files(world: World, bucket: str) -> dict[tuple[str, str], bytes]:
    """Every version of every object with its bytes; delete markers have none."""
    found = {}
    for each in world.services.versions.under(bucket):
        named = {"Bucket": bucket, "Key": each.key, "VersionId": each.version_id}
        found[each.key, each.version_id] = b"" if each.is_marker else world.s3.get_object(**named)["Body"].read()
    return found


def everything(world: World, dynamodb: Any) -> tuple[dict[Any, Any], ...]:
    return items(dynamodb), files(world, "results"), files(world, "uploads")


def names_of(hospital: Hospital, patient: str) -> set[str]:
    """Ids by which anything of a patient would be known."""
    scans = hospital.world.services.table.erasing.of_patient(patient).scans
    belongs = [each for scan in scans for each in (scan.scan_id, scan.series_id, scan.study_id)]
    return {each for each in belongs if each}


def erased(hospital: Hospital, patient: str = ONE, **how: bool) -> ErasureReceipt:
    services = hospital.world.services
    return erase(find_traces(patient, services), services, "tests", **how)
