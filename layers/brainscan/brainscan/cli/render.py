"""Records as tables of a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from textwrap import wrap

from rich.box import SIMPLE_HEAD
from rich.style import Style
from rich.table import Table

from brainscan.domain import Export, ExportState, Outcome, Reason, ScanRecord

STYLES = {
    Outcome.ANALYZED: "green",
    Outcome.ABSTAINED: "yellow",
    Outcome.REJECTED: "red",
    Outcome.FAILED: "bold red",
    Outcome.SKIPPED: "dim",
    Outcome.QUEUED: "cyan",
}


NAME_WIDTH = 16
"""Characters of a file's name that leave the note its longest word in a terminal of 80; its end tells more than its
beginning."""


def table_of(named: Sequence[tuple[str, ScanRecord]], title: str) -> Table:
    """A table of records, each under the name of its file."""
    table = plain_table(title)
    table.add_column("file", no_wrap=True, min_width=NAME_WIDTH)
    for heading, width in (("outcome", 9), ("class", 10)):
        table.add_column(heading, no_wrap=True, min_width=width)
    for heading, width in (("sure", 4), ("area", 8), ("length", 6)):
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    table.add_column("note", overflow="fold")  # the one that gives way in a narrow terminal: over several lines
    for label, record in named:
        short = label if len(label) <= NAME_WIDTH else f"…{label[1 - NAME_WIDTH :]}"
        outcome, tumor_class, sure = _call(record)
        coloured = f"[{STYLES[record.outcome]}]{outcome}[/]"
        table.add_row(short, coloured, tumor_class, sure, _area(record), _diameter(record), _note(record))
    return table


ID_COLUMNS = (("scan", 32), ("outcome", 9), ("class", 10), ("sure", 4))
"""Headings and least widths of a list of scans; the note that follows gives way in a narrow terminal."""


def id_lines_of(records: Iterable[ScanRecord], width: int, *, styled: bool) -> Iterator[str]:
    """Lines of a list of records under their ids, which `brainscan show` takes, as the records come.

    Args:
        width: Of the terminal, characters; a longer note goes over several lines. Ids are never cut.
        styled: Whether the terminal shows colours.
    """
    heads = [f"{name:<{least}}" for name, least in ID_COLUMNS]
    yield "  ".join([*heads, "note"]).rstrip()
    yield "─" * min(width, 80)
    begin = sum(least + 2 for _, least in ID_COLUMNS)
    for record in records:
        outcome, tumor_class, sure = _call(record)
        cells = [record.scan_id, f"{outcome:<9}", f"{tumor_class:<10}", f"{sure:>4}"]
        if styled:
            cells[1] = Style.parse(STYLES[record.outcome]).render(cells[1])
        first, *more = wrap(_note(record), max(12, width - begin)) or [""]
        yield "  ".join([*cells, first]).rstrip()
        yield from (" " * begin + line for line in more)


def export_table_of(exports: Iterable[Export]) -> Table:
    """A table of exports under their ids, which `brainscan export status` takes."""
    table = plain_table(None)
    table.add_column("export", no_wrap=True, min_width=32)
    table.add_column("received (UTC)", no_wrap=True, min_width=16)
    for heading in ("files", "scans"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("became")  # the one that gives way in a narrow terminal
    for export in exports:
        counts = ", ".join(f"{count} {outcome}" for outcome, count in export.counts.items() if count)
        final = export.done and export.state is not ExportState.FAILED
        became = counts if final else f"{export.state}; {counts}" if counts else str(export.state)
        received = f"{export.received_at.astimezone(UTC):%Y-%m-%d %H:%M}"
        table.add_row(export.export_id, received, str(export.files), str(export.scans), became)
    return table


def summary_of(records: Iterable[tuple[Outcome, str | None]], title: str) -> Table:
    """Counts by outcome and class."""
    table = plain_table(title)
    table.add_column("outcome")
    table.add_column("class")
    table.add_column("scans", justify="right")
    for (outcome, predicted), count in sorted(Counter(records).items(), key=str):
        table.add_row(f"[{STYLES[outcome]}]{outcome}[/{STYLES[outcome]}]", predicted or "", str(count))
    return table


def plain_table(title: str | None) -> Table:
    """A table with a rule under its head and nothing else drawn."""
    return Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _call(record: ScanRecord) -> tuple[str, str, str]:
    """Outcome, class and confidence."""
    sure = f"{record.confidence:.2f}" if record.confidence is not None else ""
    return record.outcome, record.predicted or "", sure


def _note(record: ScanRecord) -> str:
    """Why, and what a reader should look at."""
    replaced = [Reason.SUPERSEDED] if record.superseded else []
    return ", ".join(dict.fromkeys([*replaced, *record.reasons, *record.review_reasons])).replace("_", " ")


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
