"""Which upload counts: the latest version of an object, and the latest upload of an instance of a series."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC

from brainscan.domain import ScanRecord
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient, Write
from brainscan.store.table.items import Item, from_item, to_item

SEQUENCER_WIDTH = 64

InstanceKey = tuple[str, int, str]
"""Series, order in it, and instance."""


@dataclass(frozen=True)
class LatestVersion:
    """Whether an export is the latest of its object, and which ones it replaced that may not be superseded yet."""

    is_latest: bool
    previous: tuple[str, ...] = ()


@dataclass(frozen=True)
class InstanceUpload:
    """The latest upload of an instance: its scan, and the scans of earlier uploads that may not be superseded yet."""

    series_id: str
    order: int
    instance_id: str
    scan_id: str
    rank: str
    previous: tuple[str, ...] = ()

    @property
    def key(self) -> InstanceKey:
        """What tells the instance from others."""
        return self.series_id, self.order, self.instance_id


@dataclass(frozen=True)
class LatestUploads:
    """The latest uploads of instances, and the scans of uploads that are not the latest any more."""

    uploads: tuple[InstanceUpload, ...]
    superseded: tuple[str, ...]


class Versions:
    """Decides which of several versions of an uploaded object counts; a repeat of any decision changes nothing."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def make_latest(self, object_id: str, sequencer: str, export_id: str) -> LatestVersion:
        """Make an export the latest of its object, unless a newer one is.

        `sequencer` is S3's: hexadecimal, compared after padding on the right
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
        """
        padded = sequencer.upper().ljust(SEQUENCER_WIDTH, "0")
        while True:
            found = self._table.get(keys.uploaded_object(object_id))
            known = from_item(found) if found else {}
            if known.get("export_id") == export_id:
                return LatestVersion(is_latest=True, previous=tuple(known["previous"]))
            if known and known["sequencer"] > padded:
                return LatestVersion(is_latest=False)
            previous = [*known["previous"], known["export_id"]] if known else []
            if self._put_latest(object_id, padded, export_id, previous, known.get("export_id")):
                return LatestVersion(is_latest=True, previous=tuple(previous))

    def forget_superseded(self, object_id: str, export_id: str) -> None:
        """Forget the exports that the latest one replaced, once all of them are superseded."""
        latest = self._table.get(keys.uploaded_object(object_id))
        if latest and from_item(latest)["export_id"] == export_id:
            self._put_latest(object_id, from_item(latest)["sequencer"], export_id, [], export_id)

    def latest(self, object_id: str) -> str | None:
        """The export of an object's latest version."""
        found = self._table.get(keys.uploaded_object(object_id))
        return from_item(found)["export_id"] if found else None

    def _put_latest(
        self, object_id: str, sequencer: str, export_id: str, previous: Sequence[str], read: str | None
    ) -> bool:
        """Write an object's latest export unless another has come since `read` was it."""
        fields = {"sequencer": sequencer, "export_id": export_id, "previous": list(previous)}
        item = to_item(keys.uploaded_object(object_id) | fields)
        if read is None:
            return self._table.put(item, "attribute_not_exists(pk)")
        return self._table.put(item, "export_id = :read", {":read": read})


def make_latest_uploads(table: TableClient, records: Iterable[ScanRecord]) -> LatestUploads:
    """Make each scan the latest upload of its instance, unless one that arrived later is.

    Scans of no series are left out; one that names no instance is its own.
    """
    waiting, superseded = _latest_each(records)
    latest: list[InstanceUpload] = []
    while waiting:
        known = _known_uploads(table, list(waiting))
        others = {key: there for key, there in known.items() if there.scan_id != waiting[key].scan_id}
        latest += [there for key, there in known.items() if key not in others]
        superseded += [waiting[key].scan_id for key, there in others.items() if there.rank > waiting[key].rank]
        wanted = [upload for key, upload in waiting.items() if key not in known] + [
            replace(waiting[key], previous=(*there.previous, there.scan_id))
            for key, there in others.items()
            if there.rank < waiting[key].rank
        ]
        held = table.put_all([_replacing(upload, known.get(upload.key)) for upload in wanted])
        latest += [upload for upload, done in zip(wanted, held, strict=True) if done]
        waiting = {upload.key: waiting[upload.key] for upload, done in zip(wanted, held, strict=True) if not done}
    previous = [scan_id for upload in latest for scan_id in upload.previous]
    return LatestUploads(tuple(latest), tuple(dict.fromkeys(superseded + previous)))


def forget_superseded_uploads(table: TableClient, latest: LatestUploads) -> None:
    """Forget the scans that uploads replaced, once all of them are superseded."""
    settled = [replace(upload, previous=()) for upload in latest.uploads if upload.previous]
    table.put_all([_still_of(upload.scan_id, upload) for upload in settled])


_FIELDS = tuple(each.name for each in fields(InstanceUpload))


def _known_uploads(table: TableClient, wanted: Sequence[InstanceKey]) -> dict[InstanceKey, InstanceUpload]:
    found = map(from_item, table.get_batch([keys.instance(*key) for key in wanted]))
    uploads = (
        InstanceUpload(**{name: each[name] for name in _FIELDS} | {"previous": tuple(each["previous"])})
        for each in found
    )
    return {upload.key: upload for upload in uploads}


def _latest_each(records: Iterable[ScanRecord]) -> tuple[dict[InstanceKey, InstanceUpload], list[str]]:
    """The latest upload of each instance among records, and the ids of the other scans."""
    latest: dict[InstanceKey, InstanceUpload] = {}
    others: list[str] = []
    for record in records:
        if record.series_id:
            rank = f"{record.received_at.astimezone(UTC).isoformat()}#{record.scan_id}"
            instance_id = record.instance_id or record.scan_id
            upload = InstanceUpload(record.series_id, record.order, instance_id, record.scan_id, rank)
            earlier, later = sorted((latest.get(upload.key, upload), upload), key=lambda each: each.rank)
            others += [earlier.scan_id] if earlier != later else []
            latest[upload.key] = later
    return latest, others


def _replacing(upload: InstanceUpload, there: InstanceUpload | None) -> Write:
    """Write an upload unless the instance's latest one has changed since it was read."""
    if there is None:
        return Write(_item(upload), "attribute_not_exists(pk)")
    return _still_of(there.scan_id, upload)


def _still_of(scan_id: str, upload: InstanceUpload) -> Write:
    """Write an upload of an instance whose latest one is still that of a scan."""
    return Write(_item(upload), "scan_id = :read", {":read": scan_id})


def _item(upload: InstanceUpload) -> Item:
    """It does not expire: it is deleted with its scan."""
    return to_item(asdict(upload) | {"previous": list(upload.previous)} | keys.instance(*upload.key))
