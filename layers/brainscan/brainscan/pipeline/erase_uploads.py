"""Uploaded objects that hold a patient's images: found by their ids, since nothing keeps their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from brainscan.domain import ScanRecord
from brainscan.services import Services
from brainscan.store.object_versions import ObjectVersion
from brainscan.store.table.erasing import PatientItems
from brainscan.store.table.query import all_pages


@dataclass(frozen=True)
class PatientUpload:
    """A version of an uploaded object with images of the patient, and whether nobody else has any in it."""

    export_id: str
    version: ObjectVersion
    key_digest: str
    alone: bool
    files_without_scan: int


def patient_uploads(patient_id: str, items: PatientItems, services: Services) -> tuple[PatientUpload, ...]:
    """Find the uploads of a patient's scans that still lie in their buckets.

    The table has digests of their keys alone: the version ids of the whole bucket are listed, and each version's export
    id is computed, by every version of the deployment secret.
    """
    wanted = set(items.export_ids)
    found = [
        (export_id, version, pseudonyms.digest("key", version.key))
        for bucket in sorted({scan.source.bucket for scan in items.scans})
        for version in services.versions.under(bucket)
        if not version.is_marker
        for pseudonyms in services.keyring.all
        if (export_id := pseudonyms.export_id(bucket, version.key, version.version_id)) in wanted
    ]
    return tuple(_upload(patient_id, *each, services) for each in found)


def delete_uploads(uploads: Sequence[PatientUpload], services: Services) -> list[ObjectVersion]:
    """Delete versions of uploads for good, and the delete markers of keys of which nothing is left.

    Returns:
        What was deleted. Markers go first: a cut leaves a version, which a repeat finds.
    """
    chosen = {(each.version.bucket, each.version.key, each.version.version_id) for each in uploads}
    deleted: list[ObjectVersion] = []
    for bucket, key in sorted({(bucket, key) for bucket, key, _ in chosen}):
        there = services.versions.of(bucket, key)
        going = [each for each in there if (bucket, key, each.version_id) in chosen]
        markers = [each for each in there if each.is_marker]
        if len(going) + len(markers) == len(there):
            going = markers + going
        services.versions.delete(going)
        deleted += going
    return deleted


def _upload(
    patient_id: str, export_id: str, version: ObjectVersion, key_digest: str, services: Services
) -> PatientUpload:
    pages = partial(services.table.queries.of_export, export_id)
    alone = all(_is_no_other(scan, patient_id) for scan in all_pages(pages))
    export = services.table.exports.get(export_id)
    return PatientUpload(export_id, version, key_digest, alone, export.skipped if export else 0)


def _is_no_other(scan: ScanRecord, patient_id: str) -> bool:
    """Whether a scan is this patient's, or erased with another one; one of nobody known may be anybody's."""
    return scan.is_erased or scan.patient_id == patient_id
