"""`brainscan analyze`: files, folders and archives on this machine, without AWS."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from brainscan.archive import File, upload_files, upload_kind
from brainscan.cli.local_files import files_below, is_readable, printable, shortened
from brainscan.cli.render import json_line, summary_of
from brainscan.domain import RESEARCH_USE_STATEMENT, Finding, Outcome, Reason, ScanRecord
from brainscan.identity import Pseudonyms
from brainscan.inference.runtime import Network
from brainscan.pipeline.files import Origin, file_outcome
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.settings import Limits, limits
from brainscan_local.paths import model_dir

BATCH = 8

PSEUDONYMS = Pseudonyms(b"files on this machine")
"""Nothing leaves the machine, so nothing needs a secret; the same file keeps the same scan id."""


@dataclass(frozen=True)
class Found:
    """One scan, or one file that holds none: its path as the user knows it, and a name for its answers."""

    path: str
    name: str
    file: File
    record: ScanRecord | None
    skipped: Reason | None = None


def analyze(
    paths: Annotated[list[Path], typer.Argument(help="Images, folders, or archives.")],
    out: Annotated[Path, typer.Option(help="Folder for masks, overlays and results.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each scan.")] = False,
) -> None:
    """Classify and segment scans on this machine.

    For each scan, OUT gets NAME.result.json, NAME.mask.png and NAME.overlay.png; OUT/results.jsonl gets a line for
    every input. Example: `brainscan analyze scan.png study/ export.zip --out answers`

    Exit codes: 0 every input has its outcome; 2 a path cannot be read.
    """
    console = Console(stderr=as_json)
    unusable = [path for path in paths if not os.access(path, os.R_OK)]
    usable = [path for path in paths if path not in unusable]
    out.mkdir(parents=True, exist_ok=True)
    network = Network.load(model_dir())
    counted: list[tuple[Outcome, str | None]] = []
    with (out / "results.jsonl").open("w", encoding="utf-8") as listing, _progress(console) as progress:
        bar = progress.add_task("scans", total=None)
        for batch in _batches(_found(usable, limits())):
            for line in _answer(batch, out, network):
                _print(line, listing, as_json)
                counted.append((Outcome(line["outcome"]), line.get("predicted")))
            progress.update(bar, completed=len(counted))
        progress.update(bar, total=len(counted))
    console.print(summary_of(counted, f"{len(counted)} inputs"))
    console.print(f"[dim]Answers are in {out}. {RESEARCH_USE_STATEMENT}[/dim]")
    for path in unusable:
        console.print(f"[red]cannot read {path}[/red]: check that it exists and that you may read it")
    if unusable:
        raise typer.Exit(2)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def _print(line: dict[str, Any], listing: TextIO, as_json: bool) -> None:
    listing.write(json_line(line) + "\n")
    if as_json:
        typer.echo(json_line(line))


def _found(paths: Sequence[Path], limits: Limits) -> Iterator[Found]:
    """Every scan in files, folders and archives, in a stable order."""
    names = _Names()
    for root in paths:
        for path in files_below(root):
            stem = Path(printable(str(path.relative_to(root) if root.is_dir() else path.name)))
            if not is_readable(path):
                yield from _scans(File(str(path), problem=Reason.UNREADABLE), path, stem, names, limits)
                continue
            with path.open("rb") as content:
                kind = upload_kind(content)
                for file in upload_files(content, kind, str(path), path.stat().st_size, limits):
                    yield from _scans(file, path, stem, names, limits)


def _scans(file: File, path: Path, stem: Path, names: "_Names", limits: Limits) -> Iterator[Found]:
    inside = file.index is not None
    shown = printable(f"{path}!{file.path}" if inside else str(path))
    name = names.unique(stem.with_suffix("") / _harmless(file.path) if inside else stem)
    origin = Origin("local", "local", PSEUDONYMS.digest("key", str(path)), "null", datetime.now(UTC))
    outcome = file_outcome(file, origin, PSEUDONYMS, limits)
    if not outcome.records:
        yield Found(shown, name, file, None, outcome.skipped)
    for record in outcome.records:
        frame = record.source.frame
        suffix = "" if frame is None else f".frame{frame:04d}"
        yield Found(shown, name + suffix, file, record)


def _harmless(path: str) -> Path:
    """A path in an archive as one below a folder of ours, whatever it says."""
    parts = (re.sub(r"[^\w.() -]", "_", part) for part in PurePosixPath(path.replace("\\", "/")).parts)
    return Path(*[part for part in parts if part.strip("._ ")] or ["_"])


class _Names:
    """Names for answers: the file's without its suffix, or with it where that is taken."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, path: Path) -> str:
        path = Path(*map(shortened, path.parts))
        wanted = [str(path.with_suffix("")), str(path), *(f"{path}.{number}" for number in range(2, 10))]
        name = next((name for name in wanted if name not in self._taken), f"{path}.{len(self._taken)}")
        self._taken.add(name)
        return name


def _batches(found: Iterator[Found]) -> Iterator[list[Found]]:
    while batch := list(islice(found, BATCH)):
        yield batch


def _answer(batch: Sequence[Found], out: Path, network: Network) -> Iterator[dict[str, Any]]:
    """Examine a batch together and write each answer; a line for each input, in order."""
    waiting = [(found, found.record) for found in batch if found.record and found.record.outcome is Outcome.QUEUED]
    tasks = [ScanBytes.of(found.file.data, record) for found, record in waiting]
    predicted = dict(zip((id(found) for found, _ in waiting), predict(tasks, network, limits()), strict=True))
    for found in batch:
        if found.record is None:
            yield {"path": found.path, "outcome": Outcome.SKIPPED, "reasons": [found.skipped]}
        else:
            yield _write(found, found.record, predicted.get(id(found)), out, network)


def _write(
    found: Found, waiting: ScanRecord, predicted: ScanPrediction | None, out: Path, network: Network
) -> dict[str, Any]:
    """Write one scan's answers; its line of the listing, with paths as they are below the working folder."""
    record = waiting if predicted is None else _record(waiting, predicted, network)
    base = out / found.name
    base.parent.mkdir(parents=True, exist_ok=True)
    written: dict[str, str] = {}
    for kind, png in (("mask", predicted and predicted.mask_png), ("overlay", predicted and predicted.overlay_png)):
        if png:
            path = base.with_name(f"{base.name}.{kind}.png")
            path.write_bytes(png)
            written[kind] = str(path)
    fields = record.model_dump(mode="json", exclude_none=True, exclude={"staged_key"}) | {"path": found.path} | written
    base.with_name(f"{base.name}.result.json").write_text(json_line(fields) + "\n", encoding="utf-8")
    shown = ("path", "outcome", "predicted", "probabilities", "confidence", "needs_review", "mask", "overlay")
    line = {name: fields[name] for name in shown if name in fields}
    return line | {"reasons": fields["reasons"], "review_reasons": fields["review_reasons"]}


def _record(waiting: ScanRecord, predicted: ScanPrediction, network: Network) -> ScanRecord:
    """A surprise in one scan is that scan's failure; nothing here would retry it."""
    failed = Finding(outcome=Outcome.FAILED, reasons=(Reason.INTERNAL_ERROR,))
    return ScanRecord.of(
        waiting,
        (predicted.finding or failed).flagged(waiting.flags),
        model_id=network.manifest.model_id,
        rows=predicted.rows,
        columns=predicted.columns,
        spacing_mm=predicted.spacing_mm,
        timings_ms=predicted.timings_ms,
        finished_at=datetime.now(UTC),
    )
