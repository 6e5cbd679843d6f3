"""`brainscan demo`: the whole system on this machine, from an upload to findings that can be queried."""

import logging
import os
import shlex
import sys
import time
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from brainscan.cli.documents import document_of
from brainscan.cli.plurals import counted
from brainscan.cli.render import summary_of, table_of
from brainscan.cli.rows import json_line
from brainscan.cli.serve import local_name, page, print_address, wait_for_interrupt
from brainscan.cli.summaries import grid_of
from brainscan.cli.unanalyzed import Line, entry_paths, file_outcomes, unanalyzed_table, write_listing
from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome, ScanRecord, StudySummary, TumorClass
from brainscan.library.local_files import files_below, is_readable, printable
from brainscan.pipeline.overlays import overlay_png
from brainscan.store.file_results import listing_of
from brainscan.store.table.worklist_filter import Sort, WorklistFilter

if TYPE_CHECKING:
    from brainscan.services import Services
    from brainscan_local.stack import LocalStack

SHOWN = 20
"""Rows of the table of findings; `results.jsonl` has all."""

POLL_S = 0.2

LINE_S = 10
"""Seconds between the lines that stand for the progress bar where the output is no terminal."""

REPORTS_S = 600
"""How long the reports of series may take after the last scan."""


def demo(
    path: Annotated[Path | None, typer.Argument(help="A file, folder or ZIP; default: a synthetic export.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for what was found.")] = Path("out/demo"),
    keep: Annotated[
        bool | None,
        typer.Option("--keep/--no-keep", help="Keep the stack until Ctrl-C; default: if this is a terminal."),
    ] = None,
    open_page: Annotated[bool, typer.Option("--open", help="Keep the stack, and open the worklist page.")] = False,
) -> None:
    """Start the laptop stack, upload PATH, and show what became of every scan.

    Nothing leaves this machine. While the stack is kept, the worklist page is served.
    Example: `brainscan demo export.zip --open`

    Exit codes: 0 every scan has its outcome; 1 some have none, or failed; 2 PATH cannot be read.
    """
    from brainscan_local.stack import LocalStack

    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    if path and not os.access(path, os.R_OK):
        console.print(f"[red]cannot read {path}[/red]: name a file, a folder or a ZIP")
        raise typer.Exit(2)
    upload = _packed(path, out, console) if path and path.is_dir() else path or _synthetic(out)
    _print_progress("starting the laptop stack", console)
    with LocalStack() as stack, _functions_log(out / "functions.log"):
        from brainscan.services import services

        begin = time.perf_counter()
        export_id = _upload(upload, stack, services())
        _wait(export_id, stack, services(), console)
        seconds = time.perf_counter() - begin
        names = _names(upload, services())
        records = _records(export_id, services(), names)
        _save(records, out, services())
        listing = listing_of(export_id, services().table, services().results)
        files = file_outcomes(listing, names, upload.name, [record for _, record in records])
        write_listing(files, out / "files.jsonl")
        _print_progress(f"all {len(records)} scans have their outcome; reporting series", console)
        stack.drain(timeout_s=REPORTS_S)
        _save_reports(stack, out)
        if studies := _studies(export_id, services()):
            console.print(grid_of(studies, "study"))
        _print_summary(records, files, seconds, out, console)
        _write_environment(out / "env.sh", stack)
        if open_page or (sys.stdout.isatty() if keep is None else keep):
            _serve_until_interrupted(export_id, out, open_page, console)
    if any(record.outcome in {Outcome.QUEUED, Outcome.FAILED} for _, record in records):
        raise typer.Exit(1)


@contextmanager
def _functions_log(path: Path) -> Iterator[None]:
    """What the functions log, and would write to CloudWatch, goes to a file: the terminal is for findings."""
    from aws_lambda_powertools.warnings import PowertoolsUserWarning

    from brainscan.observability import logger

    handler = cast(logging.StreamHandler[TextIO], logger.registered_handler)
    with path.open("w", encoding="utf-8") as log:
        terminal = handler.setStream(log)
        # Functions that share a process share their metrics' dimensions, which Powertools takes for a mistake.
        warnings.filterwarnings("ignore", category=PowertoolsUserWarning)
        try:
            yield
        finally:
            handler.setStream(terminal or sys.stdout)


def _synthetic(out: Path) -> Path:
    from brainscan_local.phantom import write_export

    return write_export(out / "synthetic-export.zip")


def _packed(folder: Path, out: Path, console: Console) -> Path:
    """A folder as one export, as a PACS would send it; files that cannot be read are named and left out.

    A folder that holds one archive alone is that export: packed once more, what lies in it would lie a level deeper.
    """
    files = list(files_below(folder))
    if len(files) == 1 and is_readable(files[0]) and zipfile.is_zipfile(files[0]):
        return files[0]
    packed = out / f"{folder.name or 'export'}.zip"
    # A ZIP knows no date before 1980: such a file gets that year.
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for file in files:
            name = printable(str(file.relative_to(folder)))
            if is_readable(file):
                archive.write(file, name)
            else:
                console.print(f"[yellow]left out[/yellow], cannot be read: {name}")
    return packed


def _upload(file: Path, stack: "LocalStack", services: "Services") -> str:
    """Upload as a hospital would; the id of the export that it becomes."""
    bucket = stack.uploads_bucket
    with file.open("rb") as body:
        version_id = stack.client("s3").put_object(Bucket=bucket, Key=file.name, Body=body)["VersionId"]
    return services.pseudonyms.export_id(bucket, file.name, version_id)


def _wait(export_id: str, stack: "LocalStack", services: "Services", console: Console) -> None:
    """Show progress until every scan has its outcome."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("scans", total=None)
        printed_at = time.monotonic()
        while True:
            stack.check()
            export = services.table.exports.get(export_id)
            if export:
                waiting = export.counts.get(Outcome.QUEUED, 0)
                progress.update(bar, completed=export.scans - waiting, total=export.scans)
                if export.done:
                    return
                if time.monotonic() - printed_at >= LINE_S:
                    _print_progress(f"{export.scans - waiting} of {export.scans} scans have their outcome", console)
                    printed_at = time.monotonic()
            time.sleep(POLL_S)


def _print_progress(text: str, console: Console) -> None:
    """A line for a file or a pipe; a terminal has the progress bar."""
    if not console.is_terminal:
        console.print(text)


def _names(upload: Path, services: "Services") -> dict[str, str]:
    """The files of an archive as their sender named them; brainscan itself keeps only digests."""
    if not zipfile.is_zipfile(upload):
        return {}
    return {services.pseudonyms.digest("entry", path): path for path in entry_paths(upload)}


def _records(export_id: str, services: "Services", names: Mapping[str, str]) -> list[tuple[str, ScanRecord]]:
    """Every scan of the export, under the name of its file."""
    records: list[tuple[str, ScanRecord]] = []
    cursor: str | None = None
    while True:
        page = services.table.queries.of_export(export_id, limit=500, cursor=cursor)
        records += [(_name(record, names), record) for record in page.items]
        if (cursor := page.cursor) is None:
            return records


def _name(record: ScanRecord, names: Mapping[str, str]) -> str:
    name = names.get(record.source.entry_digest or "", f"file {record.source.entry_index or 0}")
    return name if record.source.frame is None else f"{name} frame {record.source.frame}"


def _save(records: Iterable[tuple[str, ScanRecord]], out: Path, services: "Services") -> None:
    """Bring the answers out of the stack, which ends with this process."""
    with (out / "results.jsonl").open("w", encoding="utf-8") as listing:
        for name, record in records:
            folder = out / "results" / record.scan_id
            folder.mkdir(parents=True, exist_ok=True)
            mask = services.results.get(record.mask_key) if record.mask_key else None
            for kind, png in (("mask", mask), ("overlay", overlay_png(record, services.results))):
                if png:
                    (folder / f"{kind}.png").write_bytes(png)
            fields = record.model_dump(mode="json", exclude_none=True)
            (folder / "result.json").write_text(json_line(fields) + "\n", encoding="utf-8")
            listing.write(json_line({"path": name} | document_of(record)) + "\n")


def _save_reports(stack: "LocalStack", out: Path) -> None:
    """Series summaries and the DICOM objects that a PACS would file."""
    s3 = stack.client("s3")
    listings = s3.get_paginator("list_objects_v2").paginate(Bucket=stack.results_bucket, Prefix="reports/")
    for key in (found["Key"] for listing in listings for found in listing.get("Contents", [])):
        path = out / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=stack.results_bucket, Key=key)["Body"].read())


def _studies(export_id: str, services: "Services") -> list[StudySummary]:
    """Studies of the export, the likeliest tumors first; loose images are in none."""
    day = datetime.now(UTC).date()
    days = {"first": (day - timedelta(days=1)).isoformat(), "last": day.isoformat()}  # a demo may begin before midnight
    wanted = WorklistFilter(export_id=export_id, sort=Sort.PROBABILITY, **days)
    return list(services.table.worklist.studies(wanted, SHOWN).items)


def _print_summary(
    records: Sequence[tuple[str, ScanRecord]],
    files: Sequence[Line],
    seconds: float,
    out: Path,
    console: Console,
) -> None:
    shown = sorted(records, key=_interest)[:SHOWN]
    if records:
        console.print(table_of(shown, "Findings, the most certain tumors first"))
    if len(records) > SHOWN:
        console.print(f"[dim]... and {len(records) - SHOWN} more in {out / 'results.jsonl'}[/dim]")
    if records:
        console.print(summary_of([(record.outcome, record.predicted) for _, record in records], "Together"))
    if left_out := unanalyzed_table(files):
        console.print(left_out)
    review = sum(record.needs_review for _, record in records)
    skipped = sum(line["outcome"] == Outcome.SKIPPED for line in files)
    taken = f"{counted(len(files), 'file')}: {counted(len(records), 'scan')}"
    console.print(f"{taken}, {counted(skipped, 'file')} skipped.")
    waiting = counted(review, "scan needs", "scans need")
    console.print(f"{waiting} review. {seconds:.1f} s, {len(records) / seconds:.1f} scans a second.")
    console.print(f"In {out}: results.jsonl, a line a scan; files.jsonl, a line a file; results/, masks and overlays;")
    console.print("reports/, a series' summary, DICOM SEG, SR and capture; functions.log")
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


def _interest(named: tuple[str, ScanRecord]) -> tuple[bool, bool, float]:
    """Tumors before the rest, calls before abstentions, the certain before the uncertain."""
    _, record = named
    tumor = record.predicted not in {None, TumorClass.NO_TUMOR}
    return not tumor, record.outcome is not Outcome.ANALYZED, -(record.confidence or 0)


def _write_environment(path: Path, stack: "LocalStack") -> None:
    """What another shell needs to look into the running stack with `brainscan results` or the AWS CLI."""
    variables = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    values = {name: os.environ[name] for name in variables} | {
        "BRAINSCAN_UPLOADS_BUCKET": stack.uploads_bucket,
        "BRAINSCAN_TABLE_NAME": stack.table_name,
        "BRAINSCAN_RESULTS_BUCKET": stack.results_bucket,
        "BRAINSCAN_PSEUDONYM_SECRET_ARN": stack.secret_arn("PseudonymSecret"),
    }
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in values.items()]
    path.write_text("".join(lines), encoding="utf-8")


def _serve_until_interrupted(export_id: str, out: Path, open_page: bool, console: Console) -> None:
    console.print(
        f"The stack is up until Ctrl-C. In another shell: [bold]. {out / 'env.sh'}[/bold], then "
        f"[bold]brainscan results --finding glioma[/bold], [bold]brainscan results --export {export_id}[/bold] "
        "or [bold]aws s3 ls[/bold]",
        soft_wrap=True,
    )
    with page(local_name()) as address:
        print_address(address, open_page, console)
        wait_for_interrupt(console)
