"""Uploaded object -> registered, staged and queued scans; every file of it gets an outcome.

A large ZIP is split into parts that several invocations expand at a time, a large tar into parts that follow each
other. A part leaves its own listing and its own marker in the table; whoever finds all markers there concludes.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from pydantic import TypeAdapter

from brainscan.archive import PartRange, is_archive, part_ranges, upload_kind
from brainscan.domain import BrainscanError, Export, ExportState, Kind, Part, PartDone, Reason
from brainscan.pipeline import listing, naming
from brainscan.pipeline.expand import Tally, expand
from brainscan.pipeline.files import Origin
from brainscan.services import Services
from brainscan.store import ObjectGoneError
from brainscan.store.object_errors import ObjectDeniedError
from brainscan.store.objects import Head, files_key, part_key, upload_key
from brainscan.store.upload import Upload


class UnknownExportError(BrainscanError):
    """A message speaks of a part of an export that intake never registered."""


OnExpanded = Callable[[Tally], None]
"""Is called with what came of the files of a part, once they are staged and registered."""

STAGED_UPLOAD: Final = TypeAdapter(Upload)

UNFINISHED: Final = frozenset({ExportState.EXPANDING, ExportState.FAILED})
"""What intake goes on with: an upload that failed and comes back is completed."""

SHORT_LISTING: Final = 600
"""Bytes of a listing, of one file or two, that its part's marker holds: an object would cost eight times as much."""


def _no_listener(_: Tally) -> None:
    """For those who count nothing."""


def intake(upload: Upload, services: Services, on_expanded: OnExpanded = _no_listener) -> Export:
    """Register one uploaded object and everything in it, and queue its scans.

    A repeat changes nothing; an interrupted intake is completed by the next one. An object that a newer version has
    replaced leaves no scans in the worklists. An upload of several parts is still `EXPANDING` when this returns.

    Args:
        on_expanded: Is called with what came of the files that this call expanded, if it expanded any.

    Raises:
        botocore.exceptions.ClientError, QueueError: AWS refused; the upload's message is to be retried.
    """
    try:
        head = services.uploads.head(upload.bucket, upload.key, upload.version_id)
    except ObjectGoneError:
        return _unread(upload, Reason.OBJECT_GONE, services)
    export = _export(upload, head.version_id, services, head.token)
    if export.state not in UNFINISHED:
        return export
    upload = replace(upload, version_id=head.version_id, sequencer=upload.sequencer or head.sequencer)
    object_id = naming.pseudonyms_of_upload(upload, services).object_id(upload.bucket, upload.key)
    version = services.table.versions.make_latest(object_id, upload.sequencer or "", export.export_id)
    services.table.exports.put(export)
    if version.is_latest:
        try:
            parts = _parts(upload, head, export, services)
        except ObjectDeniedError as withheld:
            return _unread(upload, withheld.reason, services)
        if len(parts) > 1:
            _send(upload, parts, services)
        else:
            _expand_part(parts[0], upload, head, export, services, on_expanded)
    return _current(upload, export, services)


def intake_part(part: Part, services: Services, on_expanded: OnExpanded = _no_listener) -> Export:
    """Expand one part of an upload; a repeat changes nothing. `on_expanded` is that of `intake`.

    Raises:
        UnknownExportError: no such export.
        botocore.exceptions.ClientError, QueueError: AWS refused; the part's message is to be retried.
    """
    export = services.table.exports.get(part.export_id)
    if export is None:
        raise UnknownExportError("the part's export is not in the table; upload the archive again")
    if export.state not in UNFINISHED:
        return export
    upload = STAGED_UPLOAD.validate_json(services.results.get(upload_key(part.export_id)))
    try:
        head = services.uploads.head(upload.bucket, upload.key, upload.version_id)
    except ObjectGoneError:
        return _unread(upload, Reason.OBJECT_GONE, services)
    _expand_part(part, upload, head, export, services, on_expanded)
    return _current(upload, export, services)


def give_up_upload(work: Upload | Part, services: Services) -> Export | None:
    """Say of an upload, or of a part of one, that it could not be taken in, without a look at its content.

    What was taken in of it stays, and all else comes in where it is sent again.

    Returns:
        The export as it stands now; None if there is none.

    Raises:
        botocore.exceptions.ClientError: AWS refused; to be repeated.
    """
    if isinstance(work, Part):
        export = services.table.exports.get(work.export_id)
        if export is None or export.state not in UNFINISHED:
            return export
        staged = services.results.get(upload_key(work.export_id))
        return _fail(work, STAGED_UPLOAD.validate_json(staged), export, services)
    try:
        head = services.uploads.head(work.bucket, work.key, work.version_id)
    except ObjectGoneError:
        return _unread(work, Reason.OBJECT_GONE, services)
    export = _export(work, head.version_id, services, head.token)
    if export.state not in UNFINISHED:
        return export
    services.table.exports.put(export)
    upload = replace(work, version_id=head.version_id, sequencer=work.sequencer or head.sequencer)
    return _fail(Part(export_id=export.export_id), upload, export, services)


def _fail(part: Part, upload: Upload, export: Export, services: Services) -> Export:
    """Mark a part as given up, unless it is done, and conclude if it was the last one missing."""
    marker = PartDone(number=part.number, last=part.last, kind=Kind.OTHER, files=1, skipped=0, failed=True)
    services.table.exports.fail_part(part.export_id, marker)
    _conclude(upload, export, services)
    return _current(upload, export, services)


def _export(upload: Upload, version_id: str, services: Services, token: str | None = None) -> Export:
    """The export as the table knows it, or a new one."""
    export_id = naming.pseudonyms_of_upload(upload, services).export_id(upload.bucket, upload.key, version_id)
    new = Export(export_id=export_id, state=ExportState.EXPANDING, received_at=upload.received_at, token=token)
    return services.table.exports.get(export_id) or new


def _unread(upload: Upload, reason: Reason, services: Services) -> Export:
    """What is left to say of an upload that no longer exists, or that S3 does not give."""
    export = _export(upload, upload.version_id or "null", services)
    if export.state != ExportState.EXPANDING:
        return export  # it was read before it went, and its files have their outcomes
    done = PartDone(number=0, last=True, kind=Kind.OTHER, files=1, skipped=1)
    _put_listing(export, [listing.unreadable_line(reason)], services)
    return _put_whole(export, [done], services)


def _parts(upload: Upload, head: Head, export: Export, services: Services) -> list[Part]:
    """How the upload is split; the same upload is always split alike."""
    with services.uploads.open(upload.bucket, upload.key, head) as content:
        kind = upload_kind(content)
        if head.size > services.limits.archive_bytes or not is_archive(content, kind):
            return [Part(export_id=export.export_id)]
        found = part_ranges(content, kind, services.limits)
    last = len(found) - 1
    return [
        Part(export_id=export.export_id, number=number, first=each.first, stop=each.stop, last=number == last)
        for number, each in enumerate(found)
    ]


def _send(upload: Upload, parts: Sequence[Part], services: Services) -> None:
    """Queue parts. What the upload is called stays in the results bucket: a message must not hold it."""
    services.results.put(upload_key(parts[0].export_id), STAGED_UPLOAD.dump_json(upload), "application/json")
    services.parts.send(parts)


def _expand_part(
    part: Part, upload: Upload, head: Head, export: Export, services: Services, on_expanded: OnExpanded
) -> None:
    """Expand a part unless that is done, leave its marker, and conclude if it was the last one missing."""
    done = {each.number: each for each in services.table.exports.parts(part.export_id)}
    if part.number not in done or done[part.number].failed:
        pseudonyms = naming.pseudonyms_of_upload(upload, services)
        origin = Origin(
            export_id=export.export_id,
            bucket=upload.bucket,
            key_digest=pseudonyms.digest("key", upload.key),
            version_id=head.version_id,
            received_at=export.received_at,
            pseudonyms=pseudonyms,
            site=site_of(upload.key, head.site, services.sites),
        )
        with services.uploads.open(upload.bucket, upload.key, head) as content:
            part_range = PartRange(part.first, part.stop, part.offset)
            tally = expand(content, upload.key, head.size, part_range, origin, services)
        if tally.rest is not None:
            following = part.model_copy(
                update={"number": part.number + 1, "first": tally.rest.first, "offset": tally.rest.offset}
            )
            _send(upload, [following], services)
        marker = PartDone(
            number=part.number,
            last=part.last and tally.rest is None,
            kind=tally.kind,
            files=tally.files,
            skipped=tally.skipped,
            scans=tally.scans,
        )
        marker = _listed(marker, tally, part.export_id, services, again=part.number in done)
        services.table.exports.put_part(part.export_id, marker)
        on_expanded(tally)
    _conclude(upload, export, services)


def site_of(key: str, stated: str | None, sites: Collection[str]) -> str | None:
    """The site that an upload comes from: the first segment of its key, else what it says, if that is one of `sites`.

    What else a key begins with may be a patient's name, and goes nowhere.
    """
    prefix, slash, _ = key.partition("/")
    return next((each for each in (prefix if slash else None, stated) if each in sites), None)


def _listed(marker: PartDone, tally: Tally, export_id: str, services: Services, *, again: bool) -> PartDone:
    """Keep the listing of a part; the marker, with the listing in it where that is short and the upload's whole one.

    Of an upload that was given up before, there is an object, which is replaced.
    """
    if marker.number or not marker.last:
        services.results.put(part_key(export_id, marker.number), listing.encoded(tally.lines), "application/jsonl")
        return marker
    lines = listing.encoded(listing.join_parts([tally.lines]))
    if len(lines) <= SHORT_LISTING and not again:
        return marker.model_copy(update={"listing": lines.decode()})
    services.results.put(files_key(export_id), lines, "application/jsonl")
    return marker


def _conclude(upload: Upload, export: Export, services: Services) -> None:
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
    services.table.exports.put(export)
    return export


def _current(upload: Upload, export: Export, services: Services) -> Export:
    """The export as it stands now, out of the worklists if a newer version of its object has come meanwhile."""
    object_id = naming.pseudonyms_of_upload(upload, services).object_id(upload.bucket, upload.key)
    if services.table.versions.latest(object_id) != export.export_id:
        services.table.scans.supersede(export.export_id)
    return services.table.exports.get(export.export_id) or export
