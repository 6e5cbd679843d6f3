"""What the table says of an upload as a whole: known or new, unread, concluded, or replaced by a newer version."""

from collections.abc import Iterable, Sequence
from typing import Final

from pydantic import TypeAdapter

from brainscan.domain import Export, ExportState, Kind, PartDone, Reason
from brainscan.pipeline import listing, naming
from brainscan.services import Services
from brainscan.store.objects import files_key, part_key, upload_key
from brainscan.store.upload import Upload

UNFINISHED: Final = frozenset({ExportState.EXPANDING, ExportState.FAILED})
"""What intake goes on with: an upload that failed and comes back is completed."""

_STAGED: Final = TypeAdapter(Upload)


def stage_upload(upload: Upload, export_id: str, services: Services) -> None:
    """Keep what an upload is called where its parts find it: their messages must not hold it."""
    services.results.put(upload_key(export_id), _STAGED.dump_json(upload), "application/json")


def staged_upload(export_id: str, services: Services) -> Upload:
    """What the upload is called that parts belong to.

    Raises:
        ObjectGoneError: it was not staged, or erased.
    """
    return _STAGED.validate_json(services.results.get(upload_key(export_id)))


def export_of(upload: Upload, version_id: str, services: Services, token: str | None = None) -> Export:
    """The export as the table knows it, or a new one."""
    export_id = naming.pseudonyms_of_upload(upload, services).export_id(upload.bucket, upload.key, version_id)
    new = Export(export_id=export_id, state=ExportState.EXPANDING, received_at=upload.received_at, token=token)
    return services.table.exports.get(export_id) or new


def record_unread(upload: Upload, reason: Reason, services: Services) -> Export:
    """What is left to say of an upload that no longer exists, or that S3 does not give."""
    export = export_of(upload, upload.version_id or "null", services)
    if export.state != ExportState.EXPANDING:
        return current(upload, export, services)  # it was read before it went, and its files have their outcomes
    done = PartDone(number=0, last=True, kind=Kind.OTHER, files=1, skipped=1)
    _put_listing(export, [listing.unreadable_line(reason)], services)
    return _put_whole(export, [done], services)


def conclude(upload: Upload, export: Export, services: Services) -> None:
    """If every part is done, join their listings and say that the export is whole; older versions make way.

    A part that was given up may be done meanwhile: whoever read its old marker reads it again.
    """
    done: list[PartDone] = []
    while (found := services.table.exports.parts(export.export_id)) != done:
        done = found
        if not (done and done[-1].last and len(done) == done[-1].number + 1):
            return
        _make_way(upload, export, services)
        if len(done) > 1 or done[0].failed:
            _put_listing(export, listing.join_parts(_lines(export, each, services) for each in done), services)
        _put_whole(export, done, services)


def _make_way(upload: Upload, export: Export, services: Services) -> None:
    """Take scans of older versions of the upload out of the worklists."""
    object_id = naming.pseudonyms_of_upload(upload, services).object_id(upload.bucket, upload.key)
    version = services.table.versions.make_latest(object_id, upload.sequencer or "", export.export_id)
    for replaced in version.previous:
        services.table.scans.supersede(replaced)
    if version.previous:
        services.table.versions.forget_superseded(object_id, export.export_id)


def _lines(export: Export, part: PartDone, services: Services) -> list[listing.Line]:
    """What became of the files of a part."""
    if part.failed:
        return [listing.failed_line()]
    return listing.decoded(services.results.get(part_key(export.export_id, part.number)))


def _put_listing(export: Export, lines: Iterable[listing.Line], services: Services) -> None:
    services.results.put(files_key(export.export_id), listing.encoded(lines), "application/jsonl")


def _put_whole(export: Export, done: Sequence[PartDone], services: Services) -> Export:
    fixed = {
        "state": ExportState.FAILED if any(part.failed for part in done) else ExportState.EXPANDED,
        "kind": done[0].kind,
        "files": sum(part.files for part in done),
        "skipped": sum(part.skipped for part in done),
        "expected": sum(part.scans for part in done),
    }
    export = export.model_copy(update=fixed)
    services.table.exports.conclude(export)
    return export


def current(upload: Upload, export: Export, services: Services) -> Export:
    """The export as it stands now, out of the worklists if a newer version of its object has come meanwhile."""
    object_id = naming.pseudonyms_of_upload(upload, services).object_id(upload.bucket, upload.key)
    if services.table.versions.latest(object_id) not in {None, export.export_id}:
        services.table.scans.supersede(export.export_id)
    return services.table.exports.get(export.export_id) or export
