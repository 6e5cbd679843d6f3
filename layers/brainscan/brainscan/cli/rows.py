"""Records as rows of CSV and Parquet, and as JSON lines: written as they come, however many there are."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from brainscan.domain import CLASSES, RESEARCH_USE_STATEMENT, Report, ScanRecord

PROBABILITIES: Final = tuple(f"probability_{name}" for name in CLASSES)

COLUMNS: Final = (
    "scan_id",
    "outcome",
    "predicted",
    "confidence",
    *PROBABILITIES,
    "needs_review",
    "area_px",
    "area_mm2",
    "longest_diameter_mm",
    "reasons",
    "review_reasons",
    "export_id",
    "series_id",
    "study_id",
    "patient_id",
    "order",
    "rows",
    "columns",
    "received_at",
    "finished_at",
    "model_id",
    "finding",
    "review_state",
    "review_corrected",
    "reviewer",
    "reviewed_at",
    "reviews",
    "series_predicted",
    "series_confidence",
    "series_volume_mm3",
    "research_use",
)
"""What a row of CSV and Parquet holds; JSON holds everything, under the names of the domain."""

KINDS: Final[Mapping[str, type]] = {
    "confidence": float,
    **dict.fromkeys(PROBABILITIES, float),
    "needs_review": bool,
    "area_px": int,
    "area_mm2": float,
    "longest_diameter_mm": float,
    "order": int,
    "rows": int,
    "columns": int,
    "reviews": int,
    "series_confidence": float,
    "series_volume_mm3": float,
}
"""Columns that are not text."""

ROW_GROUP: Final = 10_000
"""Rows that Parquet holds in memory before it writes them."""


class Format(StrEnum):
    """How rows are written."""

    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


SUFFIXES: Final = {Format.JSON: ".jsonl", Format.CSV: ".csv", Format.PARQUET: ".parquet"}

Put = Callable[[Mapping[str, Any]], None]
"""Writes one row."""


def flat_row(record: ScanRecord, report: Report | None = None) -> dict[str, Any]:
    """A record as one row, with what the latest report of its series says; lists are joined by a semicolon."""
    fields = record.model_dump(mode="json", exclude_none=True)
    fields |= fields.pop("tumor", {}) | {"finding": record.finding, "review_state": record.review_state}
    fields |= {f"probability_{name}": value for name, value in fields.pop("probabilities", {}).items()}
    for unlisted in ("others", "readers_required"):
        fields.pop(unlisted, None)
    review = fields.pop("review", {})
    fields |= {"reviews": record.revision, "reviewer": review.get("reader"), "reviewed_at": review.get("reviewed_at")}
    fields |= {"review_corrected": review.get("corrected")}
    if report is not None:
        fields |= {"series_predicted": report.predicted, "series_confidence": report.confidence}
        fields["series_volume_mm3"] = sum(report.volumes_mm3.values()) if report.volumes_mm3 else None
    return {name: ";".join(map(str, value)) if isinstance(value, list) else value for name, value in fields.items()}


def json_line(fields: Mapping[str, Any]) -> str:
    """One compact line."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


@contextmanager
def row_writer(form: Format, out: Path | None, columns: Sequence[str] = COLUMNS) -> Iterator[Put]:
    """What writes rows to a file, or to the terminal; Parquet needs a file."""
    if form is Format.PARQUET:
        if out is None:
            raise ValueError("Parquet is written to a file")
        with _parquet(out, columns) as put:
            yield put
        return
    with out.open("w", encoding="utf-8", newline="") if out else nullcontext(sys.stdout) as stream:
        if form is Format.JSON:
            yield lambda row: print(json_line(row), file=stream)
            return
        rows = csv.DictWriter(stream, columns, extrasaction="ignore")
        rows.writeheader()
        yield rows.writerow


@contextmanager
def _parquet(out: Path, columns: Sequence[str]) -> Iterator[Put]:
    """One row group for so many rows, so that memory stays flat; the statement is in the file's metadata."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    kinds = {bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64(), str: pyarrow.string()}
    fields = [(name, kinds[KINDS.get(name, str)]) for name in columns]
    schema = pyarrow.schema(fields, metadata={"research_use": RESEARCH_USE_STATEMENT})
    waiting: list[dict[str, Any]] = []
    with ParquetWriter(out, schema) as writer:

        def put(row: Mapping[str, Any]) -> None:
            waiting.append({name: row.get(name) for name in columns})
            if len(waiting) == ROW_GROUP:
                flush()

        def flush() -> None:
            writer.write_table(pyarrow.Table.from_pylist(waiting, schema))
            waiting.clear()

        yield put
        flush()


def write_rows(rows: Iterable[Mapping[str, Any]], form: Format, out: Path | None) -> int:
    """Write rows as they come; how many there were."""
    count = 0
    with row_writer(form, out) as put:
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the answer
            put(row)
    return count
