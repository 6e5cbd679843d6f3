"""`brainscan serve`: the worklist page of a deployed or local stack, with the caller's own AWS credentials."""

import os
import re
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser
from typing import Annotated

import boto3
import typer
from rich.console import Console

from brainscan.cli.table import Table, open_table
from brainscan.domain import RESEARCH_USE_STATEMENT

PORT_IN_USE = 4


def serve(
    table: Table,
    bucket: Annotated[str, typer.Option(envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket.")],
    uploads: Annotated[
        str, typer.Option(envvar="BRAINSCAN_UPLOADS_BUCKET", help="The uploads bucket, to drop files on the page.")
    ] = "",
    readers: Annotated[
        int, typer.Option(envvar="BRAINSCAN_READERS", min=1, max=2, help="How many read each case.")
    ] = 1,
    adjudicate: Annotated[bool, typer.Option("--adjudicate", help="Decide where two readers differ.")] = False,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes any free one.")] = 8765,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Serve the worklist page on this machine, until Ctrl-C.

    Whoever can reach this port reads and reviews with your AWS credentials and under your name; it is bound to
    127.0.0.1. Example: `brainscan serve --table brainscan-Scans --bucket brainscan-results --open`

    Exit codes: 2 wrong usage; 3 AWS cannot be reached; 4 the port is taken.
    """
    os.environ |= {"BRAINSCAN_TABLE_NAME": table, "BRAINSCAN_RESULTS_BUCKET": bucket}
    os.environ |= {"BRAINSCAN_UPLOADS_BUCKET": uploads, "BRAINSCAN_READERS": str(readers)}
    console = Console()
    with open_table(table):
        reader = caller_name()
    try:
        with page(reader, port, adjudicate) as address:
            print_address(address, open_page, console)
            wait_for_interrupt(console)
    except OSError:
        Console(stderr=True).print(f"[red]port {port} is taken[/red]: choose another with --port, or 0 for any")
        raise typer.Exit(PORT_IN_USE) from None


@contextmanager
def page(reader: str, port: int = 0, adjudicate: bool = False) -> Iterator[str]:
    """Serve the page and its API to this machine under a reader's name; yields the address.

    Raises:
        OSError: the port is taken.
    """
    from brainscan.api.access import ADJUDICATE, READ, REVIEW, UPLOAD
    from brainscan.api.app import handle_request
    from brainscan_local.web import serving

    claims = {"name": reader, "scope": f"{READ} {REVIEW} {UPLOAD}" + f" {ADJUDICATE}" * adjudicate}
    with serving(handle_request, lambda *_: claims, port) as address:
        yield address


def caller_name() -> str:
    """Who AWS says that the caller is: the user or the session of the role."""
    arn = boto3.client("sts").get_caller_identity()["Arn"]
    return re.split("[:/]", arn)[-1]


def local_name() -> str:
    """Who this machine says that the user is."""
    try:
        return getuser()
    except (KeyError, OSError):
        return "local reader"


def print_address(address: str, open_page: bool, console: Console) -> None:
    """Print the page's address, and open it if wanted."""
    console.print(f"The worklist is at [bold]{address}[/bold] until Ctrl-C. [dim]{RESEARCH_USE_STATEMENT}[/dim]")
    if open_page:
        webbrowser.open(address)


def wait_for_interrupt(console: Console) -> None:
    """Until Ctrl-C."""
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("stopped")
