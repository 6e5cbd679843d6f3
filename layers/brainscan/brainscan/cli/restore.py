"""`brainscan restore`: a table that was restored to a point in time, back into the table of its stack."""

from typing import Annotated

import boto3
import typer
from rich.console import Console

from brainscan.cli.progress import ProgressReporter
from brainscan.cli.table import Table, open_table
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.services import CLIENT
from brainscan.store.table.client import TableClient
from brainscan.store.table.restoring import restore_items


def restore(
    restored: Annotated[str, typer.Argument(help="The table that point-in-time recovery made.")],
    table: Table,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over items of the stack's table; without it, only missing ones.")
    ] = False,
) -> None:
    """Copy what a restored table has into the table of a stack. If it breaks off, run it again.

    Counts of exports, series and days follow within seconds; what was reported is not reported again.
    Example: `brainscan restore brainscan-monday --table brainscan-Scans`

    Exit codes: 0 copied; 2 wrong usage; 3 a table cannot be reached.
    """
    if restored == table:
        raise typer.BadParameter("it is the stack's own table; name the one that was restored")
    console = Console()
    with open_table(table):
        client = boto3.client("dynamodb", config=CLIENT)
        with ProgressReporter("restoring", None, console, unit="items") as progress:
            done = restore_items(
                TableClient(client, restored),
                TableClient(client, table),
                overwrite=overwrite,
                on_written=progress.advance,
            )
    console.print(f"{done.written} items written, {done.kept} were there and stay.")
    console.print("Patients who were erased since then are back: run `brainscan erase` for each receipt.")
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")
