"""A patient's files in the results bucket: those that are the patient's alone, and lines in those that are not."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from brainscan.domain import ExportState
from brainscan.domain.erasure import Trace
from brainscan.pipeline import listing
from brainscan.services import WORKERS, Services
from brainscan.store import ObjectGoneError
from brainscan.store.file_results import listing_of
from brainscan.store.object_versions import ObjectVersion
from brainscan.store.objects import (
    drawn_prefix,
    files_key,
    parts_prefix,
    report_prefix,
    scan_prefix,
    shadow_prefix,
    upload_key,
)
from brainscan.store.retry import Threads
from brainscan.store.table.erasing import PatientItems

_JSON_LINES: Final = "application/jsonl"


@dataclass(frozen=True)
class PatientFiles:
    """Versions of files that go, lines that go out of others, and uploads whose files are left as they are in use."""

    versions: Mapping[Trace, Sequence[ObjectVersion]]
    shadow_keys: Sequence[str]
    lines: Mapping[Trace, int]
    under_way: tuple[str, ...]


def patient_files(items: PatientItems, services: Services) -> PatientFiles:
    """Find what S3 holds of a patient's scans and series; nothing is changed."""
    exports = [export for each in items.export_ids if (export := services.table.exports.get(each))]
    under_way = tuple(each.export_id for each in exports if each.state is ExportState.EXPANDING)
    settled = [each for each in items.export_ids if each not in under_way]
    staged = sorted({scan.staged_key for scan in items.scans})
    prefixes = {
        Trace.RESULT_FILES: [of(scan.scan_id) for scan in items.scans for of in (scan_prefix, drawn_prefix)],
        Trace.REPORT_FILES: [report_prefix(each) for each in items.series_ids],
        # What an upload was called, and what was in its parts: nobody asks once it is whole.
        Trace.STAGED_SOURCES: [*staged, *map(upload_key, settled), *map(parts_prefix, settled)],
    }
    shadow = _shadow_keys(items, services)
    with Threads(WORKERS) as pool:
        versions = {
            kind: [each for found in pool.map(lambda prefix: _under(prefix, services), under) for each in found]
            for kind, under in prefixes.items()
        }
        answers = sum(pool.map(lambda key: len(_split(key, items, services)[0]), shadow))
        listed = sum(pool.map(lambda each: len(_changed(each, items, services)[0]), settled))
    lines = {Trace.SHADOW_FINDINGS: answers, Trace.LISTING_LINES: listed}
    return PatientFiles(versions, shadow, lines, under_way)


def delete_files(files: PatientFiles, services: Services) -> None:
    """Delete every version of the files that are the patient's alone."""
    for versions in files.versions.values():
        services.versions.delete(versions)


def rewrite_lines(files: PatientFiles, items: PatientItems, services: Services) -> dict[Trace, int]:
    """Take the patient's lines out of files that others have lines in, then their former versions; how many."""
    settled = [each for each in items.export_ids if each not in files.under_way]
    with Threads(WORKERS) as pool:
        answers = sum(pool.map(lambda key: _without_answers(key, items, services), files.shadow_keys))
        listed = sum(pool.map(lambda each: _without_names(each, items, services), settled))
    return {Trace.SHADOW_FINDINGS: answers, Trace.LISTING_LINES: listed}


def _under(prefix: str, services: Services) -> list[ObjectVersion]:
    return list(services.versions.under(services.results.bucket, prefix))


def _shadow_keys(items: PatientItems, services: Services) -> list[str]:
    """Objects in which a shadow model may have answered for the patient's scans, those deleted included."""
    days = sorted({scan.day for scan in items.scans})
    models = [each.model_id for each in services.table.models.all()] if days else []
    prefixes = [shadow_prefix(model_id, day) for model_id in models for day in days]
    return sorted({each.key for prefix in prefixes for each in _under(prefix, services)})


def _lines(key: str, services: Services) -> list[str]:
    try:
        return services.results.get(key).decode().splitlines()
    except ObjectGoneError:
        return []


def _split(key: str, items: PatientItems, services: Services) -> tuple[list[str], list[str]]:
    """The answers of an object that are about the patient's scans, and the others."""
    scan_ids = {scan.scan_id for scan in items.scans}
    ours: list[str] = []
    others: list[str] = []
    for line in _lines(key, services):
        (ours if json.loads(line)["scan_id"] in scan_ids else others).append(line)
    return ours, others


def _without_answers(key: str, items: PatientItems, services: Services) -> int:
    ours, others = _split(key, items, services)
    if ours and others:
        services.results.put(key, "".join(f"{line}\n" for line in others).encode(), _JSON_LINES)
    _forget_versions(key, services, keep_latest=bool(others))
    return len(ours)


def _changed(export_id: str, items: PatientItems, services: Services) -> tuple[list[listing.Line], list[listing.Line]]:
    """The lines of an export's listing that an erasure changes, and all of them as they are to be."""
    try:
        lines = listing.decoded(listing_of(export_id, services.table, services.results))
    except ObjectGoneError:
        lines = []
    after = listing.redacted_lines(lines, {scan.scan_id for scan in items.scans})
    return [line for line, new in zip(lines, after, strict=True) if line != new], after


def _without_names(export_id: str, items: PatientItems, services: Services) -> int:
    """Change the lines of an export's listing; one that lay in the table lies in its object from now on."""
    key = files_key(export_id)
    changed, after = _changed(export_id, items, services)
    if changed:
        services.results.put(key, listing.encoded(after), _JSON_LINES)
        services.table.exports.forget_listing(export_id)
    _forget_versions(key, services, keep_latest=bool(after))
    return len(changed)


def _forget_versions(key: str, services: Services, *, keep_latest: bool) -> None:
    """Delete the former versions of an object, in which the patient's lines may be; or all of them."""
    versions = services.versions.of(services.results.bucket, key)
    services.versions.delete([each for each in versions if not (keep_latest and each.is_latest)])
