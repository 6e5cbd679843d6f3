"""`brainscan upload`: files, folders, DICOMDIR and archives of this machine into the uploads bucket, until analyzed."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from brainscan.cli.plurals import counted
from brainscan.cli.progress import ProgressReporter
from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome
from brainscan.identity import Pseudonyms
from brainscan.library.local_files import files_below, is_readable
from brainscan.settings import limits
from brainscan.store import Results, Table
from brainscan.uploads.bundles import packed
from brainscan.uploads.entries import AlreadySent, Entry, SkippedFile, files_of, prepare
from brainscan.uploads.following import path_results, progress_of
from brainscan.uploads.ledger import BundleState, Ledger
from brainscan.uploads.sending import send

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

NOT_ALL: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 3
POLL_S: Final = 2.0

CONFIG: Final = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=10, read_timeout=60)


SiteName = Annotated[
    str | None,
    typer.Option("--site", envvar="BRAINSCAN_SITE", help="Where they come from: one of the stack's `Sites`."),
]


def state_folder() -> Path:
    """Where this machine remembers what it sent, unless told otherwise."""
    home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(home).expanduser() / "brainscan"


def s3_client() -> "S3Client":
    """What sends; a call that hangs is given up and made again."""
    return boto3.client("s3", config=CONFIG)


def upload(
    paths: Annotated[list[Path], typer.Argument(help="Images, folders, media with a DICOMDIR, or archives.")],
    to: Annotated[str, typer.Option(envvar="BRAINSCAN_UPLOADS_BUCKET", help="The uploads bucket.")],
    deidentify: Annotated[
        bool, typer.Option("--deidentify/--no-deidentify", help="Send copies without what identifies a patient.")
    ] = True,
    follow: Annotated[bool, typer.Option(help="Wait until every file has its outcome.")] = True,
    table: Annotated[
        str, typer.Option(envvar="BRAINSCAN_TABLE_NAME", help="The Scans table, to follow the results.")
    ] = "",
    results: Annotated[
        str, typer.Option("--results", envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket, to follow them.")
    ] = "",
    site: SiteName = None,
    state: Annotated[Path | None, typer.Option(help="Folder of the ledger and the key map; it stays here.")] = None,
) -> None:
    """Upload scans of this machine, and follow them until each has its outcome.

    DICOM images leave as copies without what identifies a patient; the key map stays on this machine. What was sent is
    remembered: a second call sends nothing twice, and goes on where a cut stopped the first.
    Example: `brainscan upload export/ --to brainscan-uploads`

    Exit codes: 0 every image was analyzed; 1 some files were not, each with its line; 2 wrong usage, or a path cannot
    be read: nothing is sent; 3 interrupted: run the same command again.
    """
    if follow and not (table and results):
        raise typer.BadParameter("following takes --table and --results; or say --no-follow", param_hint="--follow")
    console = Console(soft_wrap=True, highlight=False)
    unusable = [path for path in paths if not os.access(path, os.R_OK)]
    for path in unusable:
        console.print(f"cannot read {path}: check that it exists and that you may read it", markup=False)
    if unusable:
        raise typer.Exit(WRONG_USAGE)
    folder = state or state_folder()
    with Ledger(folder, to) as ledger:
        try:
            left = _send_all(paths, to, site, ledger, deidentify, console)
            bad = _follow(ledger, table, results, console) if follow else 0
        except (BotoCoreError, ClientError) as error:
            console.print(f"[red]interrupted[/red] ({_code(error)}): run the same command again, and it goes on")
            raise typer.Exit(INTERRUPTED) from None
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")
    if left or bad:
        raise typer.Exit(NOT_ALL)


def _send_all(
    paths: list[Path], bucket: str, site: str | None, ledger: Ledger, deidentify: bool, console: Console
) -> int:
    """Send what was packed and is not in the bucket yet, then what is new; how many files are left out."""
    s3 = s3_client()
    pseudonyms = Pseudonyms(ledger.secret) if deidentify else None
    counts = Counter[str]()
    left: list[SkippedFile] = []
    total = sum(path.stat().st_size for root in paths for path in files_below(root) if is_readable(path))
    with ProgressReporter("sending", total, console) as progress:

        def new() -> Iterator[Entry]:
            for file in files_of(paths, limits()):
                found = prepare(file, ledger, pseudonyms, limits())
                counts[type(found).__name__] += 1
                if isinstance(found, Entry):
                    yield found
                elif isinstance(found, SkippedFile):
                    left.append(found)
                else:
                    progress.shrink(len(file.data))

        for bundle in ledger.bundles(BundleState.PACKED):
            send(bundle, ledger, s3, bucket, site, progress.advance)
        for bundle in packed(new(), ledger):
            send(bundle, ledger, s3, bucket, site, progress.advance)
    for each in left:
        console.print(f"not sent: {each.path}: {str(each.reason).replace('_', ' ')}", markup=False)
    sent, known = counts[Entry.__name__], counts[AlreadySent.__name__]
    told = f"{counted(sent, 'file')} sent to {bucket}, {known} sent before, {len(left)} left out."
    console.print(told, markup=False)
    return len(left)


def _follow(ledger: Ledger, table_name: str, results_bucket: str, console: Console) -> int:
    """Wait until the files of every bundle have their outcome; how many were not analyzed."""
    if not ledger.bundles(BundleState.SENT):
        console.print("Nothing to follow: all that was sent was followed before.")
        return 0
    table = Table.over(boto3.client("dynamodb", config=CONFIG), table_name)
    results = Results(boto3.client("s3", config=CONFIG), results_bucket)
    bad, analyzed = 0, 0
    with ProgressReporter("analyzing", None, console, unit="scans") as progress:
        while bundles := ledger.bundles(BundleState.SENT):
            far = [progress_of(bundle, ledger, table) for bundle in bundles]
            progress.set(analyzed + sum(each.finished for each in far), analyzed + sum(each.scans for each in far))
            for each in far:
                if each.done:
                    for result in path_results(each.bundle, ledger, table, results):
                        if result.outcome is Outcome.ANALYZED:
                            analyzed += 1
                            continue
                        bad += 1
                        why = ", ".join(result.reasons).replace("_", " ")
                        console.print(f"{result.outcome}: {result.path}: {why}", markup=False)
                    ledger.set_done(each.bundle)
            if not any(each.done for each in far):
                time.sleep(POLL_S)
    console.print(f"{counted(analyzed, 'file')} analyzed, {bad} not.")
    return bad


def _code(error: BotoCoreError | ClientError) -> str:
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
