"""`brainscan studies` and `brainscan series`: what studies and series show, listed or one of them in full."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console

from brainscan import store
from brainscan.cli.documents import document_of
from brainscan.cli.ids import export_id_of, model_id_of, patient_id_of, series_id_of, study_id_of
from brainscan.cli.rows import json_line
from brainscan.cli.summaries import grid_of, history_grid, print_in_full
from brainscan.cli.table import NOTHING_FOUND, Table, not_found, open_table, parsed_day
from brainscan.domain import (
    RESEARCH_USE_STATEMENT,
    Delivery,
    ReviewState,
    SeriesSummary,
    StudySummary,
    TumorClass,
)
from brainscan.domain.follow_up import follow_ups
from brainscan.store.table.query import all_pages
from brainscan.store.table.worklist_filter import Sort, WorklistFilter


class SummaryFormat(StrEnum):
    """How studies and series are printed."""

    TABLE = "table"
    JSON = "json"


Day = Annotated[str | None, typer.Option(help="UTC day of arrival, YYYY-MM-DD; default today, with --export any.")]
First = Annotated[str | None, typer.Option("--from", help="First day of several, in any number.")]
Last = Annotated[str | None, typer.Option("--to", help="Last day of several; default today.")]
Finding = Annotated[TumorClass | None, typer.Option(help="Class that stands: a reader's, or the network's.")]
Review = Annotated[ReviewState | None, typer.Option(help="Where it stands with its readers.")]
ModelId = Annotated[str | None, typer.Option("--model", help="What one model answered, by its id.")]
ExportId = Annotated[str | None, typer.Option("--export", help="What scans of one export belong to, by its id.")]
PatientId = Annotated[
    str | None,
    typer.Option("--patient", help="A patient's studies by time, by the pseudonym: how volumes change."),
]
Reader = Annotated[str | None, typer.Option(help="Whose verdict is the latest.")]
Order = Annotated[Sort, typer.Option(help="What comes first: latest, likely tumors, large volumes, what needs review.")]
Limit = Annotated[int, typer.Option(min=0, help="Most to print; 0 prints all.")]
Form = Annotated[SummaryFormat, typer.Option("--format", help="A table, or a JSON document a line.")]


def studies(
    table: Table,
    study_id: Annotated[str | None, typer.Argument(help="One study in full, by its id.")] = None,
    finding: Finding = None,
    day: Day = None,
    first: First = None,
    last: Last = None,
    review: Review = None,
    model: ModelId = None,
    export: ExportId = None,
    reader: Reader = None,
    patient: PatientId = None,
    sort: Order = Sort.ARRIVAL,
    limit: Limit = 50,
    form: Form = SummaryFormat.TABLE,
) -> None:
    """List studies with their verdicts and volumes, or show one with its series and lesions, or a patient's history.

    Example: `brainscan studies --from 2026-01-01 --sort probability --review needed`

    Exit codes: 0 found; 1 nothing matches; 2 wrong usage; 3 the table cannot be reached.
    """
    with open_table(table) as scans_table:
        if study_id:
            study_id = study_id_of(study_id, parsed_day(day, "--day"), scans_table)
            study = scans_table.summaries.study(study_id)
            if study is None:
                raise not_found(f"study {study_id}")
            _show([study, *scans_table.summaries.series_of(study)], form)
            return
        if patient:
            if any((first, last, finding, review, model, export, reader)):
                raise typer.BadParameter("a patient's history is whole: nothing narrows it", param_hint="--patient")
            _print_history(patient_id_of(patient, parsed_day(day, "--day"), scans_table), form, scans_table)
            return
        wanted = _wanted(scans_table, day, first, last, finding, review, model, export, reader, sort)
        listed = all_pages(partial(scans_table.worklist.studies, wanted))
        _print_list(listed, limit, form, "study")


def series(
    table: Table,
    series_id: Annotated[str | None, typer.Argument(help="One series in full, by its id.")] = None,
    finding: Finding = None,
    day: Day = None,
    first: First = None,
    last: Last = None,
    review: Review = None,
    model: ModelId = None,
    export: ExportId = None,
    reader: Reader = None,
    sort: Order = Sort.ARRIVAL,
    limit: Limit = 50,
    form: Form = SummaryFormat.TABLE,
) -> None:
    """List series with their verdicts and volumes, or show one with its lesions and reports.

    Example: `brainscan series --day 2026-03-01 --sort volume --finding glioma`

    Exit codes: 0 found; 1 nothing matches; 2 wrong usage; 3 the table cannot be reached.
    """
    with open_table(table) as scans_table:
        if series_id:
            series_id = series_id_of(series_id, parsed_day(day, "--day"), scans_table)
            found = scans_table.summaries.series(series_id)
            if found is None:
                raise not_found(f"reported series {series_id}")
            report = scans_table.reports.latest(series_id)
            _show([found], form, report.delivery if report else None)
            return
        wanted = _wanted(scans_table, day, first, last, finding, review, model, export, reader, sort)
        listed = all_pages(partial(scans_table.worklist.series, wanted))
        _print_list(listed, limit, form, "series")


def _wanted(
    table: store.Table,
    day: str | None,
    first: str | None,
    last: str | None,
    finding: TumorClass | None,
    review: ReviewState | None,
    model: str | None,
    export: str | None,
    reader: str | None,
    sort: Sort,
) -> WorklistFilter:
    """What to list: of an export all that belongs to it, unless days are named; of nothing else, today's."""
    only = parsed_day(day, "--day")
    since, until = only or parsed_day(first, "--from"), only or parsed_day(last, "--to")
    if export and not (since or until):
        since, until = date.min, date.max
    until = until or datetime.now(UTC).date()
    since = since or until
    if since > until:
        raise typer.BadParameter("the first day comes before the last", param_hint="--from")
    return WorklistFilter(
        first=since.isoformat(),
        last=until.isoformat(),
        finding=finding,
        review=review,
        model_id=model and model_id_of(model, only, table),
        export_id=export and export_id_of(export, only, table),
        reader=reader,
        sort=sort,
    )


def _print_list(found: Iterator[SeriesSummary | StudySummary], limit: int, form: SummaryFormat, heading: str) -> None:
    chosen = islice(found, limit or None)
    if form is SummaryFormat.JSON:
        count = sum(1 for _ in map(_print_json, chosen))
    else:
        listed = list(chosen)
        count = len(listed)
        console = Console()
        console.print(grid_of(listed, heading))
        console.print(f"[dim]{count} listed. {RESEARCH_USE_STATEMENT}[/dim]")
    if not count:
        raise typer.Exit(NOTHING_FOUND)


def _print_history(patient_id: str, form: SummaryFormat, table: store.Table) -> None:
    """A patient's studies by time of arrival, each with the change of volume since the one before."""
    found = table.worklist.studies_of_patient(patient_id)
    if not found:
        raise not_found(f"study of patient {patient_id}")
    series = {each.series_id: each for study in found for each in table.summaries.series_of(study)}
    history = list(zip(found, follow_ups(found, series), strict=True))
    if form is SummaryFormat.JSON:
        for study, follow_up in history:
            change = follow_up.model_dump(mode="json", exclude_none=True)
            typer.echo(json_line(document_of(study) | {"follow_up": change}))
        return
    console = Console()
    console.print(history_grid(history))
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


def _print_json(summary: SeriesSummary | StudySummary) -> None:
    typer.echo(json_line(document_of(summary)))


def _show(
    summaries: Sequence[SeriesSummary | StudySummary], form: SummaryFormat, delivery: Delivery | None = None
) -> None:
    """A study and its series, or a series."""
    if form is SummaryFormat.JSON:
        for each in summaries:
            _print_json(each)
        return
    console = Console()
    print_in_full(summaries, delivery, console)
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")
