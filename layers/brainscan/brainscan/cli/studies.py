"""`brainscan studies` and `brainscan series`: what studies and series show, listed or one of them in full."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table as Grid

from brainscan.cli.documents import document_of
from brainscan.cli.ids import SHOWN, series_id_of, study_id_of
from brainscan.cli.rows import json_line
from brainscan.cli.table import NOTHING_FOUND, Table, not_found, open_table, parsed_day
from brainscan.domain import (
    RESEARCH_USE_STATEMENT,
    Delivery,
    DeliveryState,
    LesionSummary,
    ReviewState,
    SeriesSummary,
    StudySummary,
    Summary,
    TumorClass,
)
from brainscan.store.table.query import all_pages
from brainscan.store.table.summary_queries import Sort, SummaryFilter


class SummaryFormat(StrEnum):
    """How studies and series are printed."""

    TABLE = "table"
    JSON = "json"


Day = Annotated[str | None, typer.Option(help="UTC day of arrival, YYYY-MM-DD; default today.")]
First = Annotated[str | None, typer.Option("--from", help="First day of several, in any number.")]
Last = Annotated[str | None, typer.Option("--to", help="Last day of several; default today.")]
Finding = Annotated[TumorClass | None, typer.Option(help="Class that stands: a reader's, or the network's.")]
Review = Annotated[ReviewState | None, typer.Option(help="Where it stands with its readers.")]
ModelId = Annotated[str | None, typer.Option("--model", help="What one model answered, by its id.")]
ExportId = Annotated[str | None, typer.Option("--export", help="What scans of one export belong to, by its id.")]
Reader = Annotated[str | None, typer.Option(help="Whose verdict is the latest.")]
Order = Annotated[Sort, typer.Option(help="What comes first: latest, likely tumors, large volumes, what needs review.")]
Limit = Annotated[int, typer.Option(help="Most to print; 0 prints all.")]
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
    sort: Order = Sort.ARRIVAL,
    limit: Limit = 50,
    form: Form = SummaryFormat.TABLE,
) -> None:
    """List studies with their verdicts and volumes, or show one with its series and lesions.

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
        wanted = _wanted(day, first, last, finding, review, model, export, reader, sort)
        listed = all_pages(partial(scans_table.summary_queries.studies, wanted))
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
        wanted = _wanted(day, first, last, finding, review, model, export, reader, sort)
        listed = all_pages(partial(scans_table.summary_queries.series, wanted))
        _print_list(listed, limit, form, "series")


def _wanted(
    day: str | None,
    first: str | None,
    last: str | None,
    finding: TumorClass | None,
    review: ReviewState | None,
    model: str | None,
    export: str | None,
    reader: str | None,
    sort: Sort,
) -> SummaryFilter:
    only = parsed_day(day, "--day")
    until = only or parsed_day(last, "--to") or datetime.now(UTC).date()
    since = only or parsed_day(first, "--from") or until
    if since > until:
        raise typer.BadParameter("the first day comes before the last", param_hint="--from")
    return SummaryFilter(
        first=since.isoformat(),
        last=until.isoformat(),
        finding=finding,
        review=review,
        model_id=model,
        export_id=export,
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


def _print_json(summary: SeriesSummary | StudySummary) -> None:
    typer.echo(json_line(document_of(summary)))


def grid_of(summaries: Iterable[Summary], heading: str) -> Grid:
    """A table of studies or of series under the first digits of their ids."""
    grid = Grid(box=None, header_style="bold", padding=(0, 1, 0, 0))
    grid.add_column(heading, no_wrap=True, min_width=SHOWN)
    for name, width in (("class", 10), ("sure", 4), ("volume", 9), ("review", 9)):
        grid.add_column(name, no_wrap=True, min_width=width, justify="right" if name in {"sure", "volume"} else "left")
    grid.add_column("note")  # the one that gives way in a narrow terminal: over several lines
    for each in summaries:
        called, sure, volume, _, _, review, why = _row(each)
        grid.add_row(_id_of(each)[:SHOWN], called, sure, volume, review, why)
    return grid


def _row(each: Summary) -> tuple[str, ...]:
    review = each.review_state.value if each.review_state else ""
    sure = "" if each.confidence is None else f"{each.confidence:.2f}"
    slices = f"{each.slices_analyzed}/{each.slices_abstained}/{each.slices_rejected}"
    why = ", ".join(each.review_reasons).replace("_", " ")
    return each.finding or each.outcome.value, sure, volume_of(each), str(each.lesion_count), slices, review, why


def volume_of(summary: Summary) -> str:
    """Cubic centimetres, or why there are none."""
    if summary.volume_mm3 is not None:
        return f"{summary.volume_mm3 / 1000:.1f} cm³"
    return (summary.volume_withheld or "").replace("_", " ")


def _show(
    summaries: Sequence[SeriesSummary | StudySummary], form: SummaryFormat, delivery: Delivery | None = None
) -> None:
    """A study and its series, or a series: one line each, then the lesions of the first, and its way to the PACS."""
    if form is SummaryFormat.JSON:
        for each in summaries:
            _print_json(each)
        return
    console = Console()
    for each in summaries:
        rests = " (the verdict rests on it)" if _rests_on(summaries[0], each) else ""
        console.print(f"[bold]{_kind(each)} {_id_of(each)}[/bold]{rests}")
        console.print(f"  {_paragraph(each)}")
    for lesion in summaries[0].lesions:
        console.print(f"  {_lesion_line(lesion)}", soft_wrap=True)
    if isinstance(summaries[0], SeriesSummary):
        for name, key in summaries[0].files.items():
            console.print(f"  {name}: {key}", soft_wrap=True)
    if delivery:
        console.print(f"  {_told_of_delivery(delivery)}", soft_wrap=True)
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


def _paragraph(each: Summary) -> str:
    called, sure, volume, lesions, slices, review, why = _row(each)
    parts = (
        f"{called} {sure}".strip(),
        f"{_counted(lesions, 'lesion')}, {volume}" if lesions != "0" else "no lesion",
        f"slices analyzed/abstained/without answer {slices}",
        f"review {review}" if review else "",
        why,
    )
    return "; ".join(filter(None, parts))


def _lesion_line(lesion: LesionSummary) -> str:
    volume = f"{lesion.volume_mm3:.0f} mm³" if lesion.volume_mm3 is not None else lesion.volume_withheld or ""
    longest = _length(lesion.longest_diameter_mm, lesion.longest_diameter_px)
    across = _length(lesion.perpendicular_diameter_mm, lesion.perpendicular_diameter_px)
    return (
        f"lesion {lesion.number}: {lesion.tumor_class} {lesion.probability:.2f}; {volume}; {longest} × {across}; "
        f"{_counted(str(lesion.slices), 'slice')}, the largest {lesion.key_slice}"
    )


def _told_of_delivery(delivery: Delivery) -> str:
    if delivery.state is DeliveryState.DELIVERED:
        return f"in the PACS: {_counted(str(delivery.objects), 'object')}, {delivery.at:%F %T} UTC"
    why = (delivery.reason or "").replace("_", " ")
    again = "`brainscan dlq redrive --queue deliveries` tries again"
    return f"not in the PACS: {why}, {delivery.at:%F %T} UTC; {again}"


def _counted(count: str, what: str) -> str:
    return f"{count} {what}" if count == "1" else f"{count} {what}s"


def _length(mm: float | None, px: float) -> str:
    return f"{px:.0f} px" if mm is None else f"{mm:.1f} mm"


def _rests_on(first: Summary, each: Summary) -> bool:
    return isinstance(first, StudySummary) and isinstance(each, SeriesSummary) and first.rests_on == each.series_id


def _kind(summary: Summary) -> str:
    return "series" if isinstance(summary, SeriesSummary) else "study"


def _id_of(summary: Summary) -> str:
    if isinstance(summary, SeriesSummary):
        return summary.series_id
    return summary.study_id or ""
