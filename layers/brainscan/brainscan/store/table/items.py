"""Domain models <-> DynamoDB's typed attribute values."""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from brainscan.domain import (
    Export,
    FrozenModel,
    PartDone,
    Report,
    Review,
    ScanRecord,
    SeriesSummary,
    StudySummary,
)
from brainscan.store.objects import scan_prefix
from brainscan.store.table import keys

_ALWAYS = {"schema_version", "superseded", "revision"}
_FILES = ("result_key", "image_key", "mask_key")
_RESULTS = scan_prefix("").rstrip("/") + "/"

Item = dict[str, Any]
"""Attribute values as the low-level client takes them: {"pk": {"S": "..."}}."""


def to_item(fields: Mapping[str, Any]) -> Item:
    """Serialise plain values; None is left out, since an absent attribute says the same for less."""
    return {name: _typed(value) for name, value in fields.items() if value is not None}


def from_item(item: Item) -> dict[str, Any]:
    """Plain values of an item; numbers become int or float."""
    return {name: _plain(value) for name, value in item.items()}


def scan_item(record: ScanRecord, expires_at: int | None) -> Item:
    """A scan with its keys and its place in the indexes.

    Each 1,024 bytes cost a write unit of the table and of each worklist's index: what is as a new scan has it is left
    out, short of what conditions ask for, and files are named below the scan's own prefix.
    """
    fields = record.model_dump(mode="json", exclude_defaults=True) | record.model_dump(mode="json", include=_ALWAYS)
    fields |= {name: fields[name].removeprefix(scan_prefix(record.scan_id)) for name in _FILES if name in fields}
    return to_item(fields | keys.scan(record.scan_id) | keys.scan_indexes(record) | {"expires_at": expires_at})


def scan_record(item: Item) -> ScanRecord:
    """Inverse of `scan_item`."""
    return ScanRecord.model_validate(with_keys(model_attributes(ScanRecord, item)))


def with_keys(fields: dict[str, Any]) -> dict[str, Any]:
    """The plain values of a scan's item, its files by their whole keys."""
    prefix = scan_prefix(fields["scan_id"])
    below = {name: fields[name] for name in _FILES if not fields.get(name, _RESULTS).startswith(_RESULTS)}
    return fields | {name: f"{prefix}{value}" for name, value in below.items()}


def review_item(scan_id: str, review: Review, expires_at: int | None) -> Item:
    """A review as it stands in its scan's history."""
    fields = review.model_dump(mode="json", exclude_none=True)
    return to_item(fields | keys.review(scan_id, review.revision) | {"expires_at": expires_at})


def review_of(item: Item) -> Review:
    """Inverse of `review_item`."""
    return Review.model_validate(model_attributes(Review, item))


def export_item(export: Export, expires_at: int | None) -> Item:
    """An export's fixed part; its counts live in the counters."""
    fields = export.model_dump(mode="json", exclude_none=True, exclude={"counts", "needs_review"})
    return to_item(fields | keys.export(export.export_id) | keys.export_index(export) | {"expires_at": expires_at})


def export_of(item: Item, **counted: Any) -> Export:
    """Join an export's fixed part with its counts."""
    return Export.model_validate(model_attributes(Export, item) | counted)


def part_done(item: Item) -> PartDone:
    """A part of an export that is done."""
    return PartDone.model_validate(model_attributes(PartDone, item))


def report_item(report: Report, expires_at: int | None) -> Item:
    """The latest report of a series."""
    fields = report.model_dump(mode="json", exclude_none=True)
    return to_item(fields | keys.report(report.series_id) | {"expires_at": expires_at})


def report_of(item: Item) -> Report:
    """Inverse of `report_item`."""
    return Report.model_validate(model_attributes(Report, item))


def series_summary_item(summary: SeriesSummary, expires_at: int | None) -> Item:
    """What a series shows, with its place in the indexes."""
    return _summary_item(summary, keys.series_summary(summary.series_id), expires_at)


def series_summary_of(item: Item) -> SeriesSummary:
    """Inverse of `series_summary_item`."""
    return SeriesSummary.model_validate(model_attributes(SeriesSummary, item))


def study_summary_item(summary: StudySummary, expires_at: int | None) -> Item:
    """What a study shows, with its place in the indexes."""
    return _summary_item(summary, keys.study_summary(summary.study_id), expires_at)


def study_summary_of(item: Item) -> StudySummary:
    """Inverse of `study_summary_item`."""
    return StudySummary.model_validate(model_attributes(StudySummary, item))


def _summary_item(summary: SeriesSummary | StudySummary, key: Mapping[str, str], expires_at: int | None) -> Item:
    fields = summary.model_dump(mode="json", exclude_none=True)
    return to_item({**fields, **key, **keys.summary_indexes(summary), "expires_at": expires_at})


def model_attributes(model: type[FrozenModel], item: Item) -> dict[str, Any]:
    """Those attributes of an item that are fields of a model, as plain values."""
    fields = model.model_fields
    return {name: value["S"] if "S" in value else _plain(value) for name, value in item.items() if name in fields}


def _typed(value: Any) -> dict[str, Any]:
    """An attribute value as the table takes it: 0.5 is `{"N": "0.5"}`.

    boto3's serializer takes no floats, and three times as long.

    Raises:
        TypeError: DynamoDB has no such values.
    """
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, float) and math.isfinite(value):
        return {"N": str(Decimal(repr(value)))}
    if isinstance(value, dict):
        return {"M": {name: _typed(inner) for name, inner in value.items() if inner is not None}}
    if isinstance(value, list | tuple):
        return {"L": [{"NULL": True} if inner is None else _typed(inner) for inner in value]}
    raise TypeError(f"DynamoDB has no {type(value).__name__} like this")


def _plain(attribute: Mapping[str, Any]) -> Any:
    """The value of an attribute as the table holds it: `{"N": "0.5"}` is 0.5.

    boto3's deserializer goes by way of decimals, which takes five times as long.
    """
    [(kind, value)] = attribute.items()
    if kind == "N":
        return _number(value)
    if kind == "M":
        return {name: _plain(inner) for name, inner in value.items()}
    if kind == "L":
        return [_plain(inner) for inner in value]
    return None if kind == "NULL" else value


def _number(text: str) -> int | float:
    if text.isdigit():
        return int(text)
    number = float(text)
    return int(number) if number.is_integer() else number
