"""`brainscan results`: ask the table, through the repository that the functions use."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console

from brainscan import store
from brainscan.cli.documents import document_of
from brainscan.cli.ids import export_id_of, model_id_of, patient_id_of, series_id_of, study_id_of
from brainscan.cli.plurals import counted
from brainscan.cli.render import id_lines_of
from brainscan.cli.rows import Format, flat_row, write_rows
from brainscan.cli.table import NOTHING_FOUND, Table, open_table, parsed_day
from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome, Report, ReviewState, ScanRecord, TumorClass
from brainscan.library.query import query
from brainscan.store.table.worklist_filter import ScanSort

REPORTS_AT_ONCE: Final = 500
"""Scans whose series' reports are read together."""

FIRST_REPORTS: Final = 50
"""Those of the first rows, which somebody waits for."""

Days = Annotated[str | None, typer.Option(help="UTC day of upload, YYYY-MM-DD; default today.")]


class Printed(StrEnum):
    """How scans are printed: for a person, or as one of the formats."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def results(
    table: Table,
    finding: Annotated[TumorClass | None, typer.Option(help="Class that stands: a reader's, or the network's.")] = None,
    day: Days = None,
    first: Annotated[str | None, typer.Option("--from", help="First day of several, in any number.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day of several; default today.")] = None,
    export: Annotated[str | None, typer.Option(help="Scans of one export, by its id.")] = None,
    series: Annotated[str | None, typer.Option(help="Scans of one series, by its id.")] = None,
    study: Annotated[str | None, typer.Option(help="Scans of one study, by its id.")] = None,
    patient: Annotated[str | None, typer.Option(help="Scans of one patient, by the pseudonym.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="What became of the scan.")] = None,
    review: Annotated[ReviewState | None, typer.Option(help="Where the scan stands with its readers.")] = None,
    needs_review: Annotated[bool, typer.Option("--needs-review", help="The same as --review needed.")] = False,
    model: Annotated[str | None, typer.Option(help="Scans that one model answered, by its id.")] = None,
    reader: Annotated[str | None, typer.Option(help="Whose verdict is the latest.")] = None,
    min_confidence: Annotated[float, typer.Option(min=0, max=1, help="Confidence in the class that stands.")] = 0.0,
    sort: Annotated[
        ScanSort | None,
        typer.Option(
            help="What comes first: latest, likely tumors, what needs review; default latest, or a group's own."
        ),
    ] = None,
    form: Annotated[Printed, typer.Option("--format", help="How to print.")] = Printed.TABLE,
    out: Annotated[Path | None, typer.Option(help="File to write to; parquet needs one.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Most scans to print; 0 prints all.")] = 0,
) -> None:
    """Find scans by finding, day, outcome, review, reader, model, export, series, study or patient.

    Scans are printed as they are found, however many there are.
    Example: `brainscan results --finding meningioma --from 2026-11-01 --min-confidence 0.9 --format csv`

    Exit codes: 0 found; 1 nothing matches; 2 wrong usage; 3 the table cannot be reached.
    """
    if form is Printed.PARQUET and out is None:
        raise typer.BadParameter("parquet is written to a file; name it with --out", param_hint="--format")
    only = parsed_day(day, "--day")
    until = only or parsed_day(last, "--to")
    since = only or parsed_day(first, "--from")
    with open_table(table) as scans_table:
        export = export and export_id_of(export, only, scans_table)
        series = series and series_id_of(series, only, scans_table)
        study = study and study_id_of(study, only, scans_table)
        patient = patient and patient_id_of(patient, only, scans_table)
        model = model and model_id_of(model, only, scans_table)
        try:
            found = query(
                scans_table,
                finding=finding,
                first=since,
                last=until or (datetime.now(UTC).date() if since else None),
                export=export,
                series=series,
                study=study,
                patient=patient,
                outcome=outcome,
                review=ReviewState.NEEDED if needs_review else review,
                model=model,
                reader=reader,
                min_confidence=min_confidence,
                sort=sort,
                limit=limit,
            )
        except (ValueError, ValidationError) as wrong:
            named = "--sort" if sort and (series or study or patient) else "--from"
            raise typer.BadParameter(str(wrong), param_hint=named) from None
        count = _print(found, form, out, scans_table)
    if not count:
        raise typer.Exit(NOTHING_FOUND)


def _print(records: Iterator[ScanRecord], form: Printed, out: Path | None, table: store.Table) -> int:
    """Print records, or write them to `out`; as they come. Returns how many there were."""
    if form is Printed.TABLE:
        return print_list(records)
    reported = with_reports(records, table)
    if form is Printed.JSON:
        return write_rows((_full_document(record, report) for record, report in reported), Format.JSON, out)
    return write_rows((flat_row(record, report) for record, report in reported), Format(form.value), out)


def print_list(records: Iterable[ScanRecord]) -> int:
    """Print records under their ids as they come; how many there were."""
    console, count = Console(), 0

    def passing() -> Iterator[ScanRecord]:
        nonlocal count
        for record in records:
            count += 1
            yield record

    for line in id_lines_of(passing(), console.width, styled=console.is_terminal and not console.no_color):
        typer.echo(line)
    console.print(f"[dim]{counted(count, 'scan')}. {RESEARCH_USE_STATEMENT}[/dim]")
    return count


def with_reports(records: Iterable[ScanRecord], table: store.Table) -> Iterator[tuple[ScanRecord, Report | None]]:
    """Each record with the latest report of its series, if there is one; reports are read some hundreds at a time."""
    rest = iter(records)
    known: dict[str, Report | None] = {}
    size = FIRST_REPORTS
    while some := list(islice(rest, size)):
        size = REPORTS_AT_ONCE
        unknown = {record.series_id for record in some if record.series_id and record.series_id not in known}
        known |= dict.fromkeys(unknown) | table.reports.latest_of(sorted(unknown))
        yield from ((record, known.get(record.series_id or "")) for record in some)


def _full_document(record: ScanRecord, report: Report | None) -> dict[str, Any]:
    fields = document_of(record)
    if report is not None:
        included = {"revision", "predicted", "confidence", "needs_review", "volumes_mm3"}
        fields["series_report"] = report.model_dump(mode="json", exclude_none=True, include=included)
    return fields
