"""`brainscan results` and `brainscan show`: ask the table, through the repository that the functions use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from brainscan.cli.render import Format, id_table_of, write
from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome, ReviewState, ScanRecord, TumorClass
from brainscan.store import Page, Scans

PAGE = 100
FINAL = tuple(outcome for outcome in Outcome if outcome is not Outcome.QUEUED)

NOTHING_FOUND = 1
NOT_REACHED = 3

Table = Annotated[str, typer.Option(envvar="BRAINSCAN_TABLE_NAME", help="The Scans table.")]
Ask = Callable[[str | None], Page[ScanRecord]]


def results(
    table: Table,
    finding: Annotated[TumorClass | None, typer.Option(help="Class that was found.")] = None,
    day: Annotated[str | None, typer.Option(help="UTC day of upload, YYYY-MM-DD; default today.")] = None,
    export: Annotated[str | None, typer.Option(help="Scans of one export, by its id.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="What became of the scan.")] = None,
    needs_review: Annotated[bool, typer.Option("--needs-review", help="Only scans that a reader should see.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.TABLE,
    limit: Annotated[int, typer.Option(help="Most scans to print; 0 prints all.")] = 0,
) -> None:
    """Find scans by finding, day, export, outcome or need of review.

    Example: `brainscan results --finding glioma --day 2026-11-23 --format csv`

    Exit codes: 0 found; 1 nothing matches; 2 wrong usage; 3 the table cannot be reached.
    """
    today = datetime.now(UTC).date().isoformat()
    with reaching(table) as scans:
        found = _asked(scans, finding, _day(day) or today, export, outcome, needs_review)
        wanted = (record for record in found if _matches(record, finding, day, outcome, needs_review))
        count = write(islice(wanted, limit or None), form, Console())
    if not count:
        raise typer.Exit(NOTHING_FOUND)


def show(
    scan_id: Annotated[str, typer.Argument(help="A scan's id, as `brainscan results` prints it in JSON or CSV.")],
    table: Table,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show all that is known of one scan.

    Example: `brainscan show 0f3c9e6f0a5b4d0e8c7f1a2b3c4d5e6f`

    Exit codes: 0 found; 1 no such scan; 2 wrong usage; 3 the table cannot be reached.
    """
    with reaching(table) as scans:
        record = scans.get(scan_id)
    if record is None:
        Console(stderr=True).print(f"[red]no scan {scan_id}[/red]: list ids with `brainscan results --format json`")
        raise typer.Exit(NOTHING_FOUND)
    if as_json:
        typer.echo(record.model_dump_json(exclude_none=True, indent=2))
        return
    console = Console()
    console.print(id_table_of([record]))
    console.print_json(record.model_dump_json(exclude_none=True))
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


@contextmanager
def reaching(table: str) -> Iterator[Scans]:
    """The repository; trouble on the way to it is told in a line, with its remedy."""
    try:
        yield Scans(boto3.client("dynamodb"), table)
    except (BotoCoreError, ClientError) as error:
        Console(stderr=True).print(
            f"[red]cannot reach table {table}[/red] ({type(error).__name__}): check the AWS credentials and region, "
            "AWS_ENDPOINT_URL for a laptop stack, and BRAINSCAN_TABLE_NAME"
        )
        raise typer.Exit(NOT_REACHED) from None


def _day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat()
    except ValueError:
        raise typer.BadParameter("a day is written YYYY-MM-DD", param_hint="--day") from None


def _asked(
    scans: Scans,
    finding: TumorClass | None,
    day: str,
    export: str | None,
    outcome: Outcome | None,
    needs_review: bool,
) -> Iterator[ScanRecord]:
    """Answer from the narrowest index that fits."""
    if export is not None:
        yield from _pages(lambda cursor: scans.of_export(export, PAGE, cursor))
    elif needs_review:
        yield from _pages(lambda cursor: scans.by_review(ReviewState.NEEDED, day, PAGE, cursor))
    elif finding is not None and outcome in {None, Outcome.ANALYZED}:
        yield from _pages(lambda cursor: scans.by_finding(finding, day, limit=PAGE, cursor=cursor))
    else:
        for each in FINAL if outcome is None else (outcome,):
            yield from _pages(lambda cursor, each=each: scans.by_outcome(each, day, PAGE, cursor))  # type: ignore[misc]


def _pages(ask: Ask) -> Iterator[ScanRecord]:
    cursor: str | None = None
    while True:
        page = ask(cursor)
        yield from page.items
        if (cursor := page.cursor) is None:
            return


def _matches(
    record: ScanRecord, finding: TumorClass | None, day: str | None, outcome: Outcome | None, needs_review: bool
) -> bool:
    return (
        (finding is None or record.predicted == finding)
        and (day is None or record.day == day)
        and (outcome is None or record.outcome == outcome)
        and (record.needs_review or not needs_review)
    )
