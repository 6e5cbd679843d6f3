"""What every command that asks a table shares: its option, reaching it, days, and exit codes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Final

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from brainscan import store

NOTHING_FOUND: Final = 1
NOT_REACHED: Final = 3

Table = Annotated[str, typer.Option(envvar="BRAINSCAN_TABLE_NAME", help="The Scans table.")]


@contextmanager
def open_table(table: str) -> Iterator[store.Table]:
    """The repository; trouble on the way to it is told in a line, with its remedy."""
    try:
        yield store.Table.over(boto3.client("dynamodb"), table)
    except (BotoCoreError, ClientError) as error:
        Console(stderr=True).print(
            f"[red]cannot reach table {table}[/red] ({type(error).__name__}): check the AWS credentials and region, "
            "AWS_ENDPOINT_URL for a laptop stack, and BRAINSCAN_TABLE_NAME"
        )
        raise typer.Exit(NOT_REACHED) from None


def parsed_day(text: str | None, option: str) -> date | None:
    """A day as the user wrote it.

    Raises:
        typer.BadParameter: it is none.
    """
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise typer.BadParameter("a day is written YYYY-MM-DD", param_hint=option) from None


def not_found(what: str) -> typer.Exit:
    """Say that there is no such thing; raise the answer."""
    Console(stderr=True).print(f"[red]no {what}[/red]: list ids with `brainscan results --format json`")
    return typer.Exit(NOTHING_FOUND)
