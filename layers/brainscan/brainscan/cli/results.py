"""`brainscan results`: ask the table, through the repository that the functions use."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from brainscan import store
from brainscan.cli.render import Format, write
from brainscan.cli.table import NOTHING_FOUND, Table, parsed_day, reaching
from brainscan.domain import Outcome, ReviewState, ScanRecord, TumorClass
from brainscan.store import Page
from brainscan.store.table.query import all_pages
from brainscan.store.table.worklist import Wanted, days_between, worklist

Group = Callable[[str, int, str | None], Page[ScanRecord]]
"""Asks for a page of scans that belong together, by what they belong to."""

Days = Annotated[str | None, typer.Option(help="UTC day of upload, YYYY-MM-DD; default today.")]


def results(
    table: Table,
    finding: Annotated[TumorClass | None, typer.Option(help="Class that stands: a reader's, or the network's.")] = None,
    day: Days = None,
    first: Annotated[
        str | None, typer.Option("--from", help="First day of several; up to 31 are one question.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day of several; default today.")] = None,
    export: Annotated[str | None, typer.Option(help="Scans of one export, by its id.")] = None,
    series: Annotated[str | None, typer.Option(help="Scans of one series, by its id.")] = None,
    study: Annotated[str | None, typer.Option(help="Scans of one study, by its id.")] = None,
    patient: Annotated[str | None, typer.Option(help="Scans of one patient, by the pseudonym.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="What became of the scan.")] = None,
    review: Annotated[ReviewState | None, typer.Option(help="Where the scan stands with its readers.")] = None,
    needs_review: Annotated[bool, typer.Option("--needs-review", help="The same as --review needed.")] = False,
    model: Annotated[str | None, typer.Option(help="Scans that one model answered, by its id.")] = None,
    min_confidence: Annotated[float, typer.Option(min=0, max=1, help="Certainty in the class that stands.")] = 0.0,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    out: Annotated[Path | None, typer.Option(help="File to write to; parquet needs one.")] = None,
    limit: Annotated[int, typer.Option(help="Most scans to print; 0 prints all.")] = 0,
) -> None:
    """Find scans by finding, day, outcome, review, model, export, series, study or patient.

    Scans are printed as they are found, however many there are.
    Example: `brainscan results --finding meningioma --from 2026-11-01 --min-confidence 0.9 --format csv`

    Exit codes: 0 found; 1 nothing matches; 2 wrong usage; 3 the table cannot be reached.
    """
    if form is Format.PARQUET and out is None:
        raise typer.BadParameter("parquet is written to a file; name it with --out", param_hint="--format")
    groups: tuple[tuple[str | None, Callable[[store.Table], Group]], ...] = (
        (export, lambda table: table.queries.of_export),
        (series, lambda table: table.series.scans),
        (study, lambda table: table.queries.of_study),
        (patient, lambda table: table.queries.of_patient),
    )
    group = next(((ask, value) for value, ask in groups if value), None)
    try:
        wanted = Wanted(
            days=_days(day, first, last),
            finding=finding,
            outcome=outcome,
            review=ReviewState.NEEDED if needs_review else review,
            model_id=model,
            min_confidence=min_confidence,
        )
    except (ValueError, ValidationError) as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--from") from None
    dated = any((day, first, last))
    with reaching(table) as asked:
        found = (
            _of_group(group[0](asked), group[1], wanted, dated) if group else all_pages(partial(_page, asked, wanted))
        )
        count = write(islice(found, limit or None), form, Console(), out)
    if not count:
        raise typer.Exit(NOTHING_FOUND)


def _days(day: str | None, first: str | None, last: str | None) -> tuple[str, ...]:
    today = datetime.now(UTC).date()
    only = parsed_day(day, "--day")
    until = only or parsed_day(last, "--to") or today
    return days_between(only or parsed_day(first, "--from") or until, until)


def _page(table: store.Table, wanted: Wanted, size: int, cursor: str | None) -> Page[ScanRecord]:
    return worklist(table, wanted, size, cursor)


def _of_group(ask: Group, group_id: str, wanted: Wanted, dated: bool) -> Iterator[ScanRecord]:
    """Scans that belong together, on any day unless days were asked for."""
    for record in all_pages(partial(ask, group_id)):
        on_days = wanted if dated else wanted.model_copy(update={"days": (record.day,)})
        if on_days.holds_for(record):
            yield record
