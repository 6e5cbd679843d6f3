"""Uploaded object -> registered, staged and queued scans; every file of it gets an outcome.

A large ZIP is split into parts that several invocations expand at a time, a large tar into parts that follow each
other. A part leaves its own listing and its own marker in the table; whoever finds all markers there concludes.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from brainscan.archive import PartRange, is_archive, part_ranges, upload_kind
from brainscan.domain import BrainscanError, Export, Part, PartDone, Reason
from brainscan.pipeline import listing, naming
from brainscan.pipeline.expand import Tally, expand
from brainscan.pipeline.exports import (
    UNFINISHED,
    conclude,
    current,
    export_of,
    record_unread,
    stage_upload,
    staged_upload,
)
from brainscan.pipeline.files import Origin
from brainscan.services import Services
from brainscan.store import ObjectGoneError
from brainscan.store.object_errors import ObjectDeniedError
from brainscan.store.objects import files_key, part_key
from brainscan.store.upload import Upload
from brainscan.store.uploaded_objects import Head


class UnknownExportError(BrainscanError):
    """A message speaks of a part of an export that intake never registered."""


OnExpanded = Callable[[Tally], None]
"""Is called with what came of the files of a part, once they are staged and registered."""

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
        head = services.uploads.begin(upload.bucket, upload.key, upload.version_id)
    except ObjectGoneError:
        return record_unread(upload, Reason.OBJECT_GONE, services)
    export = export_of(upload, head.version_id, services, head.token)
    if export.state not in UNFINISHED:
        return current(upload, export, services)
    upload = replace(upload, version_id=head.version_id, sequencer=upload.sequencer or head.sequencer)
    object_id = naming.pseudonyms_of_upload(upload, services).object_id(upload.bucket, upload.key)
    version = services.table.versions.make_latest(object_id, upload.sequencer or "", export.export_id)
    services.table.exports.begin(export)
    if version.is_latest:
        try:
            parts = _parts(upload, head, export, services)
        except ObjectDeniedError as withheld:
            return record_unread(upload, withheld.reason, services)
        if len(parts) > 1:
            _send(upload, parts, services)
        else:
            _expand_part(parts[0], upload, head, export, services, on_expanded)
    return current(upload, export, services)


def intake_part(part: Part, services: Services, on_expanded: OnExpanded = _no_listener) -> Export:
    """Expand one part of an upload; a repeat changes nothing. `on_expanded` is that of `intake`.

    Raises:
        UnknownExportError: no such export.
        botocore.exceptions.ClientError, QueueError: AWS refused; the part's message is to be retried.
    """
    export = services.table.exports.get(part.export_id)
    if export is None:
        raise UnknownExportError("the part's export is not in the table; upload the archive again")
    upload = staged_upload(part.export_id, services)
    if export.state not in UNFINISHED:
        return current(upload, export, services)
    try:
        head = services.uploads.head(upload.bucket, upload.key, upload.version_id)
    except ObjectGoneError:
        return record_unread(upload, Reason.OBJECT_GONE, services)
    _expand_part(part, upload, head, export, services, on_expanded)
    return current(upload, export, services)


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
    stage_upload(upload, parts[0].export_id, services)
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
    conclude(upload, export, services)


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
