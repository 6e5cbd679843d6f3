"""`brainscan show`, `brainscan export list` and `status`: one scan, exports."""

import io
import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Annotated

import boto3
import typer
from PIL import Image
from rich.console import Console
from rich.style import Style
from rich.text import Text

from brainscan import store
from brainscan.cli.corrections import export_corrections
from brainscan.cli.documents import document_of, export_document
from brainscan.cli.ids import Day, export_id_of, scan_id_of
from brainscan.cli.plurals import counted
from brainscan.cli.progress import ProgressReporter
from brainscan.cli.render import export_table_of, id_lines_of
from brainscan.cli.rows import json_line
from brainscan.cli.table import NOTHING_FOUND, Table, not_found, open_table, parsed_day
from brainscan.domain import RESEARCH_USE_STATEMENT, Export, Outcome, ScanRecord
from brainscan.pipeline.overlays import overlay_png
from brainscan.store import ObjectGoneError, Results
from brainscan.store.table.query import all_pages

PICTURE_COLUMNS = 48
POLL_S = 1.0

export_app = typer.Typer(help="Uploaded objects.", no_args_is_help=True)
export_app.command("corrections")(export_corrections)


def show(
    scan_id: Annotated[str, typer.Argument(help="A scan's id, as `brainscan results` prints it, or how it begins.")],
    table: Table,
    day: Day = None,
    bucket: Annotated[
        str, typer.Option(envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket, to show the image from.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show all that is known of one scan, with its image where the terminal has colours.

    Example: `brainscan show 0f3c9e6f0a5b4d0e8c7f1a2b3c4d5e6f`

    Exit codes: 0 found; 1 no such scan; 2 wrong usage; 3 the table cannot be reached.
    """
    console = Console()
    with open_table(table) as scans_table:
        record = scans_table.scans.get(scan_id_of(scan_id, parsed_day(day, "--day"), scans_table))
        if record is None:
            raise not_found(f"scan {scan_id}")
        if as_json:
            typer.echo(json.dumps(document_of(record), ensure_ascii=False, indent=2))
            return
        if bucket and console.is_terminal and console.color_system in {"256", "truecolor"}:
            _print_picture(record, bucket, console)
    for line in id_lines_of([record], console.width, styled=console.is_terminal and not console.no_color):
        typer.echo(line)
    console.print_json(data=document_of(record))
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


@export_app.command("list")
def export_list(
    table: Table,
    first: Annotated[str | None, typer.Option("--from", help="First UTC day of upload; default today.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last UTC day; default today.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most exports to list.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each.")] = False,
) -> None:
    """List uploads, the latest first, with what became of their files.

    Example: `brainscan export list --from 2026-11-01`

    Exit codes: 0 found; 1 none in these days; 2 wrong usage; 3 the table cannot be reached.
    """
    until = parsed_day(last, "--to") or datetime.now(UTC).date()
    since = parsed_day(first, "--from") or until
    if since > until:
        raise typer.BadParameter("the first day is after the last", param_hint="--from")
    with open_table(table) as scans_table:
        days = scans_table.statistics.arrival_days(since.isoformat(), until.isoformat())
        found = list(islice(_exports_of(sorted(days, reverse=True), scans_table), limit))
    if not found:
        raise typer.Exit(NOTHING_FOUND)
    if as_json:
        for export in found:
            typer.echo(json_line(export_document(export)))
        return
    Console().print(export_table_of(found))


def _exports_of(days: Iterable[str], table: store.Table) -> Iterator[Export]:
    """Exports with their live counts, day by day."""
    for day in days:
        for export in all_pages(partial(table.exports.of_day, day)):
            yield table.exports.get(export.export_id) or export


@export_app.command("status")
def export_status(
    export_id: Annotated[str, typer.Argument(help="An export's id, or how it begins.")],
    table: Table,
    day: Day = None,
    watch: Annotated[bool, typer.Option(help="Wait until every scan has its outcome.")] = True,
) -> None:
    """Show how far an upload is, until it is done.

    Example: `brainscan export status 2751fe8342081c067fd765e9c2aa01d4`

    Exit codes: 0 shown; 1 no such export; 2 wrong usage; 3 the table cannot be reached.
    """
    console = Console()
    with open_table(table) as scans_table:
        export = _followed(scans_table, export_id_of(export_id, parsed_day(day, "--day"), scans_table), watch, console)
    if export is None:
        raise not_found(f"export {export_id}")
    counts = ", ".join(f"{count} {outcome}" for outcome, count in export.counts.items() if count) or "no scans"
    console.print(f"{export.state}: {export.files} files, {export.skipped} skipped; {counts}")
    review = counted(export.needs_review, "scan needs", "scans need")
    console.print(f"{review} review. [dim]{RESEARCH_USE_STATEMENT}[/dim]")


def picture_of(png: bytes, columns: int = PICTURE_COLUMNS) -> Text:
    """An image in a terminal: two pixels a character, the upper one its foreground, the lower one its background."""
    with Image.open(io.BytesIO(png)) as image:
        rows = max(2, round(columns * image.height / image.width) // 2 * 2)
        pixels = image.convert("RGB").resize((columns, rows), Image.Resampling.LANCZOS).load()
    text = Text()
    if pixels is None:
        return text
    for row in range(0, rows, 2):
        for column in range(columns):
            upper, lower = (f"rgb{pixels[column, row + below]}".replace(" ", "") for below in (0, 1))
            text.append("▀", Style.parse(f"{upper} on {lower}"))
        text.append("\n")
    return text


def _print_picture(record: ScanRecord, bucket: str, console: Console) -> None:
    try:
        image = overlay_png(record, Results(boto3.client("s3"), bucket))
        if image:
            console.print(picture_of(image))
    except ObjectGoneError:
        console.print("[dim]its image is no longer kept[/dim]")


def _followed(table: store.Table, export_id: str, watch: bool, console: Console) -> Export | None:
    with ProgressReporter("analyzing", None, console, unit="scans") as progress:
        while True:
            export = table.exports.get(export_id)
            if export is None:
                return None
            finished = export.scans - export.counts.get(Outcome.QUEUED, 0)
            progress.set(finished, export.scans)
            if export.done or not watch:
                return export
            time.sleep(POLL_S)
