"""`brainscan gateway`: a DICOM node beside the PACS that sends on what it receives, and brings answers back."""

import os
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from brainscan.cli.plurals import counted
from brainscan.cli.upload import CONFIG, SiteName, s3_client, state_folder
from brainscan.domain import RESEARCH_USE_STATEMENT, BrainscanError
from brainscan.identity import Pseudonyms
from brainscan.settings import limits
from brainscan.store import Results, Table
from brainscan.uploads.ledger import BundleState, Ledger

PORT_IN_USE: Final = 4
NO_EXTRA: Final = 5
ROUND_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0


def gateway(
    to: Annotated[str, typer.Option(envvar="BRAINSCAN_UPLOADS_BUCKET", help="The uploads bucket.")],
    port: Annotated[int, typer.Option(help="Port for DICOM; 0 takes any free one.")] = 11112,
    host: Annotated[
        str, typer.Option(help="Address to listen on: this machine's, as the PACS reaches it.")
    ] = "127.0.0.1",
    title: Annotated[str, typer.Option(help="Application entity title by which senders call.")] = "BRAINSCAN",
    caller: Annotated[
        list[str] | None, typer.Option(help="Title that may send; several times for several. Default: any.")
    ] = None,
    quiet: Annotated[float, typer.Option(help="Seconds without an image after which a study is sent.")] = 30.0,
    site: SiteName = None,
    spool: Annotated[Path | None, typer.Option(help="Folder for images, ledger and key map.")] = None,
    deidentify: Annotated[
        bool, typer.Option("--deidentify/--no-deidentify", help="Send copies without what identifies a patient.")
    ] = True,
    pacs: Annotated[
        str | None, typer.Option("--return", help="TITLE@HOST:PORT of the PACS that gets SEG, SR and capture.")
    ] = None,
    table: Annotated[str, typer.Option(envvar="BRAINSCAN_TABLE_NAME", help="The Scans table, for --return.")] = "",
    results: Annotated[
        str, typer.Option("--results", envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket, for --return.")
    ] = "",
) -> None:
    """Receive MR images by C-STORE, send them to the uploads bucket, and return reports to the PACS, until Ctrl-C.

    An image is acknowledged once it is on this disk. A restart, or a network that is away, loses nothing and doubles
    nothing. Example: `brainscan gateway --to brainscan-uploads --host 10.0.0.5 --caller PACS`

    Exit codes: 0 ended by Ctrl-C or SIGTERM; 2 wrong usage; 4 the port is taken, or the address is none of this
    machine's; 5 the extra `gateway` is not installed.
    """
    if pacs and deidentify:
        raise typer.BadParameter("a PACS cannot file reports of copies; say --no-deidentify", param_hint="--return")
    if pacs and not (table and results):
        raise typer.BadParameter("it takes --table and --results", param_hint="--return")
    _require_extra()
    from brainscan.gateway.node import serving
    from brainscan.gateway.spool import Spool
    from brainscan.gateway.study_sender import StudySender

    folder = spool or state_folder() / "gateway"
    with Ledger(folder, to) as ledger:
        images = Spool(folder)
        pseudonyms = Pseudonyms(ledger.secret) if deidentify else None
        sender = StudySender(images, ledger, s3_client(), to, pseudonyms, quiet, limits(), site)
        give_back = _returns(pacs, title, table, results, ledger) if pacs else None
        with ExitStack() as listening:
            try:
                bound = listening.enter_context(serving(images, host, port, title, caller or []))
            except OSError:
                typer.echo(f"port {port} of {host} is taken, or no address of this machine: choose another", err=True)
                raise typer.Exit(PORT_IN_USE) from None
            waiting = counted(images.waiting(), "image waits", "images wait")
            typer.echo(f"{title} listens on {host}:{bound}; {waiting}. {RESEARCH_USE_STATEMENT}")
            _run(_rounds(sender.send_ready, give_back, ledger))
    typer.echo("stopped; what waits is sent after the next start")


def _require_extra() -> None:
    try:
        import pynetdicom  # noqa: F401 - whether it is there
    except ModuleNotFoundError:
        typer.echo("pynetdicom is not installed: pip install 'brainscan[gateway]'", err=True)
        raise typer.Exit(NO_EXTRA) from None


def _returns(pacs: str, title: str, table: str, results: str, ledger: Ledger) -> Callable[[], int]:
    """What gives reports back to the PACS."""
    from brainscan.gateway.report_return import PacsNode, ReportReturn

    try:
        node = PacsNode.parse(pacs, title)
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--return") from None
    scans_table = Table.over(boto3.client("dynamodb", config=CONFIG), table)
    return ReportReturn(ledger, scans_table, Results(boto3.client("s3", config=CONFIG), results), node).return_ready


def _rounds(
    send: Callable[[], tuple[int, int]], give_back: Callable[[], int] | None, ledger: Ledger
) -> Callable[[], None]:
    """One round of sending and giving back."""

    def go() -> None:
        sent, left_out = send()
        if sent:
            typer.echo(f"{counted(sent, 'bundle')} sent")
        if left_out:
            typer.echo(f"{counted(left_out, 'image')} kept in left-out/: a name may show, or they are damaged")
        if give_back is None:
            for bundle in ledger.bundles(BundleState.SENT):
                ledger.set_done(bundle)  # nobody here waits for its results
        elif returned := give_back():
            typer.echo(f"reports of {returned} series returned")

    return go


def _run(go: Callable[[], None]) -> None:
    """Rounds until a signal; after one that failed, the next waits longer, a minute at most."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    pause = ROUND_S
    while not stop.wait(pause):
        try:
            go()
            pause = ROUND_S
        except (BotoCoreError, ClientError, BrainscanError) as error:
            pause = min(2 * pause, LONGEST_PAUSE_S)
            typer.echo(f"not reached ({type(error).__name__}): nothing is lost; again in {pause:.0f} s", err=True)
        except (OSError, sqlite3.Error) as error:
            pause = min(2 * pause, LONGEST_PAUSE_S)
            typer.echo(f"this disk refuses ({_told(error)}): nothing is lost; again in {pause:.0f} s", err=True)


def _told(error: OSError | sqlite3.Error) -> str:
    """What went wrong, without the name of a file: it may be a patient's."""
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else type(error).__name__
