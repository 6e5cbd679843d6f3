"""What a run left behind in its table."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from brainscan.store.table.items import with_keys
from tests.chaos.buckets import Object
from tests.chaos.uploads import Upload
from tests.chaos.world import World

_plain = TypeDeserializer().deserialize


@dataclass
class Left:
    """What a run left behind."""

    world: World
    items: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.items = [{name: _plain(value) for name, value in each.items()} for each in self.world.dynamodb.items.all()]

    @cached_property
    def scans(self) -> dict[str, dict[str, Any]]:
        """Every scan's item, by id."""
        found = (each for each in self.items if each["pk"].startswith("SCAN#") and each["sk"] == "META")
        return {each["scan_id"]: with_keys(each) for each in found}

    @cached_property
    def of_export(self) -> dict[str, list[dict[str, Any]]]:
        """Scans by their export."""
        found: dict[str, list[dict[str, Any]]] = {}
        for scan in self.scans.values():
            found.setdefault(scan["export_id"], []).append(scan)
        return found

    @cached_property
    def of_series(self) -> dict[str, list[dict[str, Any]]]:
        """Scans that stand, by their series."""
        found: dict[str, list[dict[str, Any]]] = {}
        for scan in self.scans.values():
            if scan.get("series_id") and not scan["superseded"]:
                found.setdefault(scan["series_id"], []).append(scan)
        return found

    def export_id(self, upload: Upload, made: Object) -> str:
        """The export that an uploaded version is."""
        return self.named("uploads", upload.key, made.version_id)

    def named(self, bucket: str, key: str, version_id: str) -> str:
        """The export of an object's version, by that version of the secret by which there is one."""
        ids = [each.export_id(bucket, key, version_id) for each in self.world.services.keyring.all]
        return next((each for each in ids if each in self._export_ids), ids[0])

    @cached_property
    def _export_ids(self) -> set[str]:
        pks = (item["pk"] for item in self.items if item["sk"] == "META")
        return {pk.removeprefix("EXPORT#") for pk in pks if pk.startswith("EXPORT#")}
