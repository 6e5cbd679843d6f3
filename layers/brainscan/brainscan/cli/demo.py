"""`brainscan demo`: the whole system on this machine, from an upload to findings that can be queried."""

import os
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from brainscan.cli.render import json_line, summary_of, table_of
from brainscan.domain import RESEARCH_USE_STATEMENT, Export, Outcome, ScanRecord

if TYPE_CHECKING:
    from brainscan.local.stack import LocalStack
    from brainscan.services import Services

SHOWN = 20
"""Rows of the table of findings; `results.jsonl` has all."""

POLL_S = 0.2


@dataclass(frozen=True)
class Uploaded:
    """One file that was uploaded, and the export that it became."""

    path: Path
    export_id: str


def demo(
    path: Annotated[Path | None, typer.Argument(help="A file, folder or ZIP; default: a synthetic export.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for what was found.")] = Path("out/demo"),
    keep: Annotated[
        bool | None,
        typer.Option("--keep/--no-keep", help="Keep the stack until Ctrl-C; default: if this is a terminal."),
    ] = None,
) -> None:
    """Start the laptop stack, upload PATH, and show what became of every scan.

    Nothing leaves this machine. Example: `brainscan demo export.zip`

    Exit codes: 0 every scan has its outcome; 1 some have none, or failed; 2 PATH cannot be read.
    """
    from brainscan.local.stack import LocalStack

    console = Console()
    out.mkdir(parents=True, exist_ok=True)
    files = _files(path or _synthetic(out), console)
    with LocalStack() as stack:
        from brainscan.services import services

        begin = time.perf_counter()
        uploaded = [_upload(file, key, stack, services()) for file, key in files]
        exports = _wait(uploaded, services(), console)
        seconds = time.perf_counter() - begin
        records = _records(uploaded, services())
        _save(records, out, services())
        _tell(records, exports, seconds, out, console)
        _write_environment(out / "env.sh", stack)
        if sys.stdout.isatty() if keep is None else keep:
            _keep(out, console)
    if any(record.outcome in {Outcome.QUEUED, Outcome.FAILED} for _, record in records):
        raise typer.Exit(1)


def _synthetic(out: Path) -> Path:
    from brainscan.local.phantom import write_export

    return write_export(out / "synthetic-export.zip")


def _files(path: Path, console: Console) -> list[tuple[Path, str]]:
    """Files to upload, and the keys they get."""
    if path.is_dir():
        found = [(each, str(each.relative_to(path))) for each in sorted(path.rglob("*")) if each.is_file()]
    else:
        found = [(path, path.name)]
    if not found or not all(os.access(file, os.R_OK) for file, _ in found):
        console.print(f"[red]cannot read {path}[/red]: name a file or a folder with files in it")
        raise typer.Exit(2)
    return found


def _upload(file: Path, key: str, stack: "LocalStack", services: "Services") -> Uploaded:
    bucket = stack.uploads_bucket
    with file.open("rb") as body:
        version_id = stack.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
    return Uploaded(file, services.pseudonyms.export_id(bucket, key, version_id))


def _wait(uploaded: Sequence[Uploaded], services: "Services", console: Console) -> list[Export]:
    """Show progress until every export is done."""
    done: dict[str, Export] = {}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("scans", total=None)
        while len(done) < len(uploaded):
            waiting = next(each.export_id for each in uploaded if each.export_id not in done)
            export = services.scans.export(waiting)
            if export and export.done:
                done[waiting] = export
            else:
                time.sleep(POLL_S)
            finished = sum(_finished(each) for each in done.values())
            live = export if export and not export.done else None
            expected = finished + (live.scans if live else 0) + len(uploaded) - len(done) - bool(live)
            progress.update(bar, completed=finished + (_finished(live) if live else 0), total=expected)
    return list(done.values())


def _finished(export: Export) -> int:
    return export.scans - export.counts.get(Outcome.QUEUED, 0)


def _records(uploaded: Iterable[Uploaded], services: "Services") -> list[tuple[str, ScanRecord]]:
    """Every scan, under the name of its file (and its place in an archive)."""
    records: list[tuple[str, ScanRecord]] = []
    for each in uploaded:
        cursor: str | None = None
        while True:
            page = services.scans.of_export(each.export_id, limit=200, cursor=cursor)
            records += [(_name(each.path, record), record) for record in page.items]
            if (cursor := page.cursor) is None:
                break
    return records


def _name(path: Path, record: ScanRecord) -> str:
    entry = "" if record.source.entry_index is None else f" #{record.source.entry_index}"
    frame = "" if record.source.frame is None else f" frame {record.source.frame}"
    return f"{path}{entry}{frame}"


def _save(records: Iterable[tuple[str, ScanRecord]], out: Path, services: "Services") -> None:
    """Bring the answers out of the stack, which ends with this process."""
    with (out / "results.jsonl").open("w", encoding="utf-8") as listing:
        for name, record in records:
            folder = out / "results" / record.scan_id
            folder.mkdir(parents=True, exist_ok=True)
            for key in filter(None, (record.mask_key, record.overlay_key)):
                (folder / Path(key).name).write_bytes(services.results.get(key))
            fields = record.model_dump(mode="json", exclude_none=True)
            (folder / "result.json").write_text(json_line(fields) + "\n", encoding="utf-8")
            listing.write(json_line({"path": name} | fields) + "\n")


def _tell(
    records: Sequence[tuple[str, ScanRecord]],
    exports: Sequence[Export],
    seconds: float,
    out: Path,
    console: Console,
) -> None:
    console.print(table_of([(Path(name).name, record) for name, record in records[:SHOWN]], "Findings", name="file"))
    if len(records) > SHOWN:
        console.print(f"[dim]... and {len(records) - SHOWN} more in {out / 'results.jsonl'}[/dim]")
    console.print(summary_of([(record.outcome, record.predicted) for _, record in records], "Together"))
    files, skipped = sum(export.files for export in exports), sum(export.skipped for export in exports)
    review = sum(record.needs_review for _, record in records)
    console.print(
        f"{files} files: {len(records)} scans, {skipped} files skipped; {review} scans need review. "
        f"{seconds:.1f} s, {len(records) / seconds:.1f} scans a second."
    )
    console.print(f"Masks, overlays and results: {out / 'results'}; one line a scan: {out / 'results.jsonl'}")
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


def _write_environment(path: Path, stack: "LocalStack") -> None:
    """What another shell needs to look into the running stack with `brainscan results` or the AWS CLI."""
    told = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    values = {name: os.environ[name] for name in told} | {"BRAINSCAN_TABLE_NAME": stack.table_name}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in values.items()]
    path.write_text("".join(lines), encoding="utf-8")


def _keep(out: Path, console: Console) -> None:
    console.print(
        f"The stack is up until Ctrl-C. In another shell: [bold]. {out / 'env.sh'}[/bold], then "
        "[bold]brainscan results --finding glioma[/bold] or [bold]aws dynamodb list-tables[/bold]"
    )
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("stopped")
