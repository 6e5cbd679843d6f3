"""`brainscan analyze`: files, folders and archives on this machine, without AWS."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from brainscan.cli.progress import ProgressReporter
from brainscan.cli.render import summary_of
from brainscan.cli.rows import COLUMNS, SUFFIXES, Format, flat_row, json_line, row_writer
from brainscan.cli.unanalyzed import unanalyzed_table
from brainscan.cli.words import scan_in_words, series_in_words, superseded_in_words
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.inference.manifest import ModelError
from brainscan.inference.runtime import Model
from brainscan.library.analysis import open_model
from brainscan.library.inputs import find_scans
from brainscan.library.scans import AnalyzedScan, analyze_scans
from brainscan.library.series import group_series, mark_superseded
from brainscan.library.writing import fields_of, remove_images, write_scan, write_series
from brainscan.settings import limits

NO_MODEL = 3

SHOWN = (
    "path",
    "outcome",
    "superseded_by",
    "predicted",
    "probabilities",
    "confidence",
    "needs_review",
    "mask",
    "overlay",
)
"""What a JSON line of the listing holds, where known; reasons and review reasons come last."""

NOT_LOCAL = frozenset(
    {"export_id", "received_at", "finding", "review_corrected", "reviewer", "reviewed_at", "reviews"}
    | {"series_predicted", "series_confidence", "series_volume_mm3"}
)
"""Columns that a table alone fills; series are in files of their own."""

LISTED = ("path", *(name for name in COLUMNS if name not in NOT_LOCAL), "mask", "overlay")

MOST_PRINTED = 20
"""Series, and superseded files, that are told in words; all are in files."""


def analyze(
    paths: Annotated[list[Path], typer.Argument(help="Images, folders, or archives.")],
    out: Annotated[Path, typer.Option(help="Folder for masks, overlays and results.")],
    form: Annotated[Format, typer.Option("--format", help="How OUT/results lists the inputs.")] = Format.JSON,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON line for each scan.")] = False,
) -> None:
    """Classify and segment scans on this machine.

    For each scan, OUT gets NAME.result.json, NAME.mask.png and NAME.overlay.png; for a NIfTI volume, NAME.mask.nii.gz
    in its own space and NAME.series.json with lesions and volumes; for a DICOM series, OUT/reports/SERIES with its
    summary, SEG, SR, secondary capture and FHIR bundle. OUT/results.jsonl (.csv, .parquet) has a line for every input.
    Of files that hold one image, by its identifiers and place, the last counts; the others are superseded.
    Example: `brainscan analyze scan.png study/ export.zip --out answers`

    Exit codes: 0 every input has its outcome; 2 a path cannot be read; 3 there is no model, or the disk is full; 130
    interrupted.
    """
    console = Console(stderr=as_json)
    unusable = [path for path in paths if not os.access(path, os.R_OK)]
    usable = [path for path in paths if path not in unusable]
    out.mkdir(parents=True, exist_ok=True)
    if usable:
        scans = _write_scans(usable, out, form, _model(console), as_json, console)
        _print_summary(_correct_superseded(scans, out, form, as_json), out, console)
    for path in unusable:
        console.print(f"[red]cannot read {path}[/red]: check that it exists and that you may read it")
    if unusable:
        raise typer.Exit(2)


def _model(console: Console) -> Model:
    try:
        return open_model()
    except ModelError as missing:
        console.print(f"[red]no model[/red]: {missing}")
        raise typer.Exit(NO_MODEL) from None


def _write_scans(
    paths: list[Path], out: Path, form: Format, model: Model, as_json: bool, console: Console
) -> list[AnalyzedScan]:
    """Write each scan's answers and its line of the listing, as it is analyzed."""
    done: list[AnalyzedScan] = []
    listing = out / f"results{SUFFIXES[form]}"
    progress = ProgressReporter("analyzing", None, console, unit="scans")
    with row_writer(form, listing, LISTED) as put, progress:
        for scan in analyze_scans(find_scans(paths, limits(), out), model, limits()):
            done.append(write_scan(scan, out))
            put(_entry(done[-1], out, form))
            if as_json:
                typer.echo(json_line(_line(fields_of(done[-1], out))))
            progress.advance(1)
    return done


def _correct_superseded(scans: list[AnalyzedScan], out: Path, form: Format, as_json: bool) -> list[AnalyzedScan]:
    """Take back the answers of images that were found again later: which they are is known at the end alone."""
    settled = mark_superseded(scans)
    replaced = [scan for scan in settled if scan.superseded_by]
    if not replaced:
        return scans
    for scan in replaced:
        remove_images(scan, out)
        write_scan(scan, out)
        if as_json:
            typer.echo(json_line(_line(fields_of(scan, out))))
    with row_writer(form, out / f"results{SUFFIXES[form]}", LISTED) as put:
        for scan in settled:
            put(_entry(scan, out, form))
    return settled


def _entry(scan: AnalyzedScan, out: Path, form: Format) -> dict[str, Any]:
    """A scan's line of the listing."""
    return _line(fields_of(scan, out)) if form is Format.JSON else _row(scan, out)


def _line(fields: dict[str, Any]) -> dict[str, Any]:
    line = {name: fields[name] for name in SHOWN if name in fields}
    return line | {name: fields[name] for name in ("reasons", "review_reasons") if name in fields}


def _row(scan: AnalyzedScan, out: Path) -> dict[str, Any]:
    if scan.record is None:
        return {"path": scan.path, "outcome": str(scan.outcome), "reasons": ";".join(scan.reasons)}
    fields = fields_of(scan, out)
    return flat_row(scan.record) | {name: fields.get(name) for name in ("path", "mask", "overlay")}


def _print_summary(scans: list[AnalyzedScan], out: Path, console: Console) -> None:
    """Write the reports of series; one image, and each series, in words, more in a table."""
    reports = list(_written_series(scans, out))
    if len(scans) == 1:
        console.print(scan_in_words(scans[0]), soft_wrap=True, highlight=False)
    elif not scans:
        console.print("There is no file in what was named.")
    else:
        counted = [(scan.outcome, scan.record.predicted if scan.record else None) for scan in scans]
        console.print(summary_of(counted, f"{len(scans)} inputs"))
        listing = [{"path": each.path, "outcome": each.outcome, "reasons": each.reasons} for each in scans]
        if left_out := unanalyzed_table(listing):
            console.print(left_out)
    replaced = [superseded_in_words(scan.path, scan.superseded_by) for scan in scans if scan.superseded_by]
    for sort, lines in (("superseded files", replaced), ("series", reports)):
        for words in lines[:MOST_PRINTED]:
            console.print(words, soft_wrap=True, highlight=False)
        if len(lines) > MOST_PRINTED:
            console.print(f"[dim]... and {len(lines) - MOST_PRINTED} {sort} more[/dim]")
    console.print(f"[dim]Answers are in {out}. {RESEARCH_USE_STATEMENT}[/dim]", soft_wrap=True)


def _written_series(scans: list[AnalyzedScan], out: Path) -> Iterator[str]:
    for series in group_series(scans):
        written = write_series(series, out, limits())
        yield series_in_words(series.result, series.name, written)
