"""Counts what use cases ask of AWS, in the units that AWS charges for, by what they are for."""

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from brainscan_local.paths import checkout
from tests.unit.store.ledger import item_size

LATENCY_S = json.loads((checkout() / "infra/cost/prices.json").read_text())["latency_s"]
WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
QUEUED_BYTES = 64 * 1024
"""SQS counts a request for each so many bytes."""


class Meter:
    """What was used so far: requests and units by name, such as `s3_put mask`; bytes stored; seconds.

    Args:
        table: A client of DynamoDB that is not counted, and the table's name.
    """

    def __init__(self, table: tuple[Any, str]) -> None:
        self._dynamodb, self._table = table
        self._indexes = _indexes()
        self.used: defaultdict[str, float] = defaultdict(float)
        self.latency_s = 0.0

    def watched(self, client: Any) -> Any:
        """The same client, counted."""
        client.meta.events.register("provide-client-params", self._asked)
        client.meta.events.register("after-call.dynamodb", self._answered)
        return client

    @contextmanager
    def seconds(self, stage: str, overlap: float = 1.0) -> Iterator[None]:
        """Add the time of a stage: its own processor time, and what AWS takes to answer, of which some overlaps."""
        begin, latency_s = time.process_time(), self.latency_s
        yield
        self.used[f"seconds {stage}"] += time.process_time() - begin + (self.latency_s - latency_s) / overlap

    def _asked(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service, operation = model.service_model.service_name, model.name
        self.latency_s += LATENCY_S[service]
        if service == "s3":
            self._object(operation, params)
        elif service == "sqs":
            bodies = [entry.get("MessageBody", "") for entry in params.get("Entries", [{}])]
            self.used["sqs_request"] += max(1, math.ceil(sum(map(len, bodies)) / QUEUED_BYTES))
        elif service == "events":
            self.used["event"] += len(params["Entries"])
        elif operation == "TransactWriteItems":
            for action in params["TransactItems"]:
                [(kind, write)] = action.items()
                self._write(kind, write, times=2)
        elif operation in {"PutItem", "UpdateItem", "DeleteItem"}:
            self._write(operation.removesuffix("Item"), params)

    def _object(self, operation: str, params: dict[str, Any]) -> None:
        if operation == "PutObject":
            self.used[f"s3_put {_purpose(params['Key'])}"] += 1
            self.used["stored_bytes"] += len(params["Body"])
        elif operation == "ListObjectsV2":
            self.used["s3_put list"] += 1
        elif operation != "DeleteObjects":  # which costs nothing
            self.used["s3_get"] += 1

    def _write(self, kind: str, write: dict[str, Any], times: int = 1) -> None:
        """The table's units by item, and each index's: none where its entry stays as it is, two where it moves."""
        key = write["Key"] if "Key" in write else {name: write["Item"][name] for name in ("pk", "sk")}
        before = self._dynamodb.get_item(TableName=self._table, Key=key).get("Item")
        after = write.get("Item") if kind == "Put" else before
        self.used[f"dynamodb_write_unit {_item(key)}"] += times * max(1, _units(before), _units(after))
        for index in self._indexes if kind == "Put" else ():
            self.used[f"dynamodb_write_unit index {index['IndexName']}"] += times * _index_units(index, before, after)

    def _answered(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "GetItem":
            self.used["dynamodb_read_unit"] += max(1, _read_units([parsed.get("Item", {})]))
        elif model.name == "Query":
            self.used["dynamodb_read_unit"] += max(1, _read_units(parsed.get("Items", [])))
        elif model.name == "BatchGetItem":
            found = [item for items in parsed.get("Responses", {}).values() for item in items]
            self.used["dynamodb_read_unit"] += max(1, sum(_read_units([item]) for item in found))


def _indexes() -> list[dict[str, Any]]:
    """The table's secondary indexes, as the template describes them."""
    resources = yaml_parse((checkout() / "template.yaml").read_text())["Resources"]
    found: list[dict[str, Any]] = resources["Scans"]["Properties"]["GlobalSecondaryIndexes"]
    return found


def _purpose(key: str) -> str:
    """What an object is for: the folder that it is in, or of a scan's files each by itself."""
    folder, *_, name = key.split("/")
    return name.rpartition(".")[0] if folder == "results" else folder


def _item(key: dict[str, Any]) -> str:
    pk, sk = key["pk"]["S"].partition("#")[0].lower(), key["sk"]["S"].partition("#")[0].lower()
    return pk if sk == "meta" else f"{pk} {sk}"


def _units(item: dict[str, Any] | None) -> int:
    return math.ceil(item_size(item) / WRITE_UNIT_BYTES) if item else 0


def _read_units(items: Sequence[dict[str, Any]]) -> int:
    return math.ceil(sum(map(item_size, items)) / READ_UNIT_BYTES)


def _index_units(index: dict[str, Any], before: dict[str, Any] | None, after: dict[str, Any] | None) -> int:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes"""
    names = [each["AttributeName"] for each in index["KeySchema"]]
    old, new = (_entry(index, names, item) for item in (before, after))
    if old == new:
        return 0
    moved = old and new and [old[name] for name in names] != [new[name] for name in names]
    return _units(old) + _units(new) if moved or not (old and new) else max(_units(old), _units(new))


def _entry(index: dict[str, Any], names: Sequence[str], item: dict[str, Any] | None) -> dict[str, Any] | None:
    """What an index holds of an item, if it is in it."""
    if item is None or not all(name in item for name in names):
        return None
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    kept = {"pk", "sk", *names, *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in kept}
