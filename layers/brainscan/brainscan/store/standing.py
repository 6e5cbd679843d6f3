"""What stands: the latest version of an uploaded object, and the latest upload of an image in its series."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from typing import Any

from brainscan.domain import ScanRecord
from brainscan.store import keys
from brainscan.store.items import Item, from_item, to_item
from brainscan.store.lookups import Lookups
from brainscan.store.transact import Change, apply

SEQUENCER_WIDTH = 64

PlaceKey = tuple[str, str]
"""Series and image."""


@dataclass(frozen=True)
class Claim:
    """Whether an export is the latest of its object, and which ones it replaced that may not be superseded yet."""

    won: bool
    previous: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """An image's place in its series: the scan that has it, and those that had it and may not be superseded yet."""

    series_id: str
    instance_id: str
    scan_id: str
    rank: str
    former: tuple[str, ...] = ()

    @property
    def key(self) -> PlaceKey:
        """What tells it from other places."""
        return self.series_id, self.instance_id


@dataclass(frozen=True)
class Places:
    """Places that scans took, and the scans that have none any more."""

    taken: tuple[Place, ...]
    outranked: tuple[str, ...]


class Standing(Lookups):
    """Decides which of several uploads counts; a repeat of any decision changes nothing."""

    # -- versions of an object

    def claim(self, object_id: str, sequencer: str, export_id: str) -> Claim:
        """Make an export the latest of its object, unless a newer one is.

        `sequencer` is S3's: hexadecimal, compared after padding on the right
        (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
        """
        padded = sequencer.upper().ljust(SEQUENCER_WIDTH, "0")
        while True:
            found = self._get(keys.uploaded_object(object_id))
            known = from_item(found) if found else {}
            if known.get("export_id") == export_id:
                return Claim(won=True, previous=tuple(known["previous"]))
            if known and known["sequencer"] > padded:
                return Claim(won=False)
            previous = [*known["previous"], known["export_id"]] if known else []
            if self._put_latest(object_id, padded, export_id, previous, known.get("export_id")):
                return Claim(won=True, previous=tuple(previous))

    def settle(self, object_id: str, export_id: str) -> None:
        """Forget the exports that a claim replaced, once all of them are superseded."""
        latest = self._get(keys.uploaded_object(object_id))
        if latest and from_item(latest)["export_id"] == export_id:
            self._put_latest(object_id, from_item(latest)["sequencer"], export_id, [], export_id)

    def latest(self, object_id: str) -> str | None:
        """The export of an object's newest version."""
        found = self._get(keys.uploaded_object(object_id))
        return from_item(found)["export_id"] if found else None

    def _put_latest(
        self, object_id: str, sequencer: str, export_id: str, previous: Sequence[str], read: str | None
    ) -> bool:
        """Write an object's latest export unless another has come since `read` was it."""
        fields = {"sequencer": sequencer, "export_id": export_id, "previous": list(previous)}
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if read is not None:
            condition = {
                "ConditionExpression": "export_id = :read",
                "ExpressionAttributeValues": to_item({":read": read}),
            }
        try:
            item = to_item(keys.uploaded_object(object_id) | fields)
            self._client.put_item(TableName=self._table, Item=item, **condition)
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    # -- uploads of an image

    def stand(self, records: Iterable[ScanRecord], expires_at: int | None) -> Places:
        """Give each image's place in its series to the latest of its uploads, by time of arrival.

        Scans that are no image of a series take no place.
        """
        waiting, outranked = _latest_each(records)
        taken: list[Place] = []
        while waiting:
            known = self._places(list(waiting))
            others = {key: there for key, there in known.items() if there.scan_id != waiting[key].scan_id}
            taken += [there for key, there in known.items() if key not in others]
            outranked += [waiting[key].scan_id for key, there in others.items() if there.rank > waiting[key].rank]
            wanted = [place for key, place in waiting.items() if key not in known] + [
                replace(waiting[key], former=(*there.former, there.scan_id))
                for key, there in others.items()
                if there.rank < waiting[key].rank
            ]
            changes = [_taking(place, known.get(place.key), expires_at) for place in wanted]
            held = apply(self._client, self._table, changes)
            taken += [place for place, done in zip(wanted, held, strict=True) if done]
            waiting = {place.key: waiting[place.key] for place, done in zip(wanted, held, strict=True) if not done}
        former = [scan_id for place in taken for scan_id in place.former]
        return Places(tuple(taken), tuple(dict.fromkeys(outranked + former)))

    def settle_places(self, places: Places, expires_at: int | None) -> None:
        """Forget the scans that places were taken from, once all of them are superseded."""
        settled = [replace(place, former=()) for place in places.taken if place.former]
        apply(self._client, self._table, [_held_by(place.scan_id, place, expires_at) for place in settled])

    def _places(self, wanted: Sequence[PlaceKey]) -> dict[PlaceKey, Place]:
        found = map(from_item, self._get_batch([keys.place(*key) for key in wanted]))
        places = (
            Place(each["series_id"], each["instance_id"], each["scan_id"], each["rank"], tuple(each["former"]))
            for each in found
        )
        return {place.key: place for place in places}


def _latest_each(records: Iterable[ScanRecord]) -> tuple[dict[PlaceKey, Place], list[str]]:
    """The latest upload of each image among records, and the ids of the others."""
    latest: dict[PlaceKey, Place] = {}
    others: list[str] = []
    for record in records:
        if record.series_id and record.instance_id:
            rank = f"{record.received_at.astimezone(UTC).isoformat()}#{record.scan_id}"
            place = Place(record.series_id, record.instance_id, record.scan_id, rank)
            earlier, later = sorted((latest.get(place.key, place), place), key=lambda each: each.rank)
            others += [earlier.scan_id] if earlier != later else []
            latest[place.key] = later
    return latest, others


def _taking(place: Place, there: Place | None, expires_at: int | None) -> Change:
    """Write a place unless it has changed since it was read."""
    if there is None:
        return Change(_item(place, expires_at), "attribute_not_exists(pk)")
    return _held_by(there.scan_id, place, expires_at)


def _held_by(scan_id: str, place: Place, expires_at: int | None) -> Change:
    """Write a place that a scan still has."""
    return Change(_item(place, expires_at), "scan_id = :read", {":read": scan_id})


def _item(place: Place, expires_at: int | None) -> Item:
    fields = asdict(place) | {"former": list(place.former), "expires_at": expires_at}
    return to_item(fields | keys.place(*place.key))
