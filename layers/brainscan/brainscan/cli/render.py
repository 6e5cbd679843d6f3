"""Records as tables, JSON lines, CSV and Parquet."""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome, ScanRecord

COLUMNS = (
    "scan_id",
    "outcome",
    "predicted",
    "confidence",
    "needs_review",
    "area_px",
    "area_mm2",
    "longest_diameter_mm",
    "reasons",
    "export_id",
    "series_id",
    "received_at",
    "model_id",
    "called",
    "review_state",
    "research_use",
)
"""What a row of CSV and Parquet holds; JSON holds everything."""

PARQUET_KINDS: dict[str, type] = {
    "confidence": float,
    "needs_review": bool,
    "area_px": int,
    "area_mm2": float,
    "longest_diameter_mm": float,
}
"""Columns that are not text."""

ROW_GROUP = 10_000

STYLES = {
    Outcome.ANALYZED: "green",
    Outcome.ABSTAINED: "yellow",
    Outcome.REJECTED: "red",
    Outcome.FAILED: "bold red",
    Outcome.SKIPPED: "dim",
    Outcome.QUEUED: "cyan",
}


NAME_WIDTH = 18
"""Characters of a file's name that fit beside the rest in a terminal of 80; its end tells more than its beginning."""


class Format(StrEnum):
    """How answers are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def write(records: Iterable[ScanRecord], form: Format, console: Console, out: Path | None = None) -> int:
    """Print records, or write them to `out`; all but the table as they come. Returns how many there were."""
    if form is Format.TABLE:
        known = list(records)
        console.print(id_table_of(known))
        console.print(f"[dim]{len(known)} scans. {RESEARCH_USE_STATEMENT}[/dim]")
        return len(known)
    if form is Format.PARQUET and out is not None:
        return _write_parquet(records, out)
    with out.open("w", encoding="utf-8", newline="") if out else nullcontext(sys.stdout) as stream:
        return _write_lines(records, form, stream)


def _write_lines(records: Iterable[ScanRecord], form: Format, stream: TextIO) -> int:
    count = 0
    rows = csv.DictWriter(stream, COLUMNS, extrasaction="ignore")
    if form is Format.CSV:
        rows.writeheader()
    for count, record in enumerate(records, start=1):  # noqa: B007 - the last number is the answer
        if form is Format.CSV:
            rows.writerow(flat(record))
        else:
            stream.write(record.model_dump_json(exclude_none=True) + "\n")
    return count


def _write_parquet(records: Iterable[ScanRecord], out: Path) -> int:
    """One row group for so many scans, so that memory stays flat; the statement is in the file's metadata."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    kinds = {bool: pyarrow.bool_(), int: pyarrow.int64(), float: pyarrow.float64(), str: pyarrow.string()}
    fields = [(name, kinds[PARQUET_KINDS.get(name, str)]) for name in COLUMNS]
    schema = pyarrow.schema(fields, metadata={"research_use": RESEARCH_USE_STATEMENT})
    count, rest = 0, iter(records)
    with ParquetWriter(out, schema) as writer:
        while rows := [flat(record) for record in islice(rest, ROW_GROUP)]:
            chosen = [{name: row.get(name) for name in COLUMNS} for row in rows]
            writer.write_table(pyarrow.Table.from_pylist(chosen, schema))
            count += len(rows)
    return count


def table_of(named: Sequence[tuple[str, ScanRecord]], title: str) -> Table:
    """A table of records, each under the name of its file."""
    table = _table(title)
    table.add_column("file", no_wrap=True, min_width=NAME_WIDTH)
    for heading, width in (("outcome", 9), ("class", 10)):
        table.add_column(heading, no_wrap=True, min_width=width)
    for heading, width in (("sure", 4), ("area", 8), ("length", 6)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    table.add_column("note")  # the one that gives way in a narrow terminal: over several lines
    for label, record in named:
        short = label if len(label) <= NAME_WIDTH else f"…{label[1 - NAME_WIDTH :]}"
        table.add_row(short, *_call(record), _area(record), _diameter(record), _note(record))
    return table


def id_table_of(records: Iterable[ScanRecord]) -> Table:
    """A table of records under their ids, which `brainscan show` takes; ids are never cut."""
    table = _table(None)
    table.add_column("scan", no_wrap=True, min_width=32)
    for heading, width in (("outcome", 9), ("class", 10), ("sure", 4)):
        table.add_column(heading, no_wrap=True, min_width=width)
    table.add_column("note")  # the one that gives way in a narrow terminal: over several lines
    for record in records:
        table.add_row(record.scan_id, *_call(record), _note(record))
    return table


def summary_of(records: Iterable[tuple[Outcome, str | None]], title: str) -> Table:
    """Counts by outcome and class."""
    table = _table(title)
    table.add_column("outcome")
    table.add_column("class")
    table.add_column("scans", justify="right")
    for (outcome, predicted), count in sorted(Counter(records).items(), key=str):
        table.add_row(f"[{STYLES[outcome]}]{outcome}[/{STYLES[outcome]}]", predicted or "", str(count))
    return table


def flat(record: ScanRecord) -> dict[str, Any]:
    """A record as one row: measurements beside the rest, lists joined by a semicolon."""
    fields = record.model_dump(mode="json", exclude_none=True)
    fields |= fields.pop("tumor", {}) | {"called": record.called, "review_state": record.review_state}
    return {name: ";".join(map(str, value)) if isinstance(value, list) else value for name, value in fields.items()}


def json_line(fields: dict[str, Any]) -> str:
    """One compact line."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _table(title: str | None) -> Table:
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _call(record: ScanRecord) -> tuple[str, str, str]:
    """Outcome, class and certainty."""
    sure = f"{record.confidence:.2f}" if record.confidence is not None else ""
    return f"[{STYLES[record.outcome]}]{record.outcome}[/]", record.predicted or "", sure


def _note(record: ScanRecord) -> str:
    """Why, and what a reader should look at."""
    return ", ".join([*record.reasons, *record.review_reasons]).replace("_", " ")


def _area(record: ScanRecord) -> str:
    if record.tumor is None:
        return ""
    if record.tumor.area_mm2 is not None:
        return f"{record.tumor.area_mm2:.0f} mm²"
    return f"{record.tumor.area_px} px"


def _diameter(record: ScanRecord) -> str:
    if record.tumor is None:
        return ""
    if record.tumor.longest_diameter_mm is not None:
        return f"{record.tumor.longest_diameter_mm:.0f} mm"
    return f"{record.tumor.longest_diameter_px:.0f} px"
