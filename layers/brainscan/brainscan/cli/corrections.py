"""`brainscan export corrections`: what readers confirmed and corrected, as a set that training reads."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import boto3
import numpy as np
import typer
from PIL import Image
from rich.console import Console

from brainscan.cli.plurals import counted
from brainscan.cli.progress import ProgressReporter
from brainscan.cli.table import NOTHING_FOUND, Table, open_table, parsed_day
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.domain.agreement import Pair, agreement_of, drawn_pair, overlap_of, reader_pair
from brainscan.pipeline.corrections import Correction, corrections
from brainscan.pipeline.reader_masks import dice_of_pairs
from brainscan.store import ObjectGoneError, Results

COLUMNS: Final = ("path", "label", "mask", "box", "group", "sequence", "plane", "part", "detail")
"""Of index.csv, as training/datasets/indexed.py reads it."""

REVIEW_COLUMNS: Final = (
    *("scan_id", "verdict", "class", "reader", "revision", "predicted", "confidence", "model_id"),
    *("drawn", "dice"),
)


def export_corrections(
    table: Table,
    bucket: Annotated[str, typer.Option(envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket.")],
    out: Annotated[Path, typer.Option(help="Folder to write to; it must not exist, or be empty.")],
    first: Annotated[str, typer.Option("--from", help="First UTC day of arrival, YYYY-MM-DD.")] = "2020-01-01",
    last: Annotated[str | None, typer.Option("--to", help="Last day; default today.")] = None,
) -> None:
    """Write the slices that readers judged, with labels and masks, as a set for `python -m training.train --data`.

    Images are pixels without headers, under pseudonyms; those whose pixels may name a patient have none and are left
    out. Readers are numbered. Example: `brainscan export corrections --out corrections`

    Exit codes: 0 written; 1 nobody has judged anything; 2 wrong usage; 3 the table cannot be reached.
    """
    if out.exists() and any(out.iterdir()):
        raise typer.BadParameter("the folder is not empty", param_hint="--out")
    since = parsed_day(first, "--from")
    until = parsed_day(last, "--to") or datetime.now(UTC).date()
    if since is None or since > until:
        raise typer.BadParameter("the first day comes before the last", param_hint="--from")
    console = Console()
    with open_table(table) as scans_table:
        found = list(corrections(scans_table, since.isoformat(), until.isoformat()))
        if not found:
            raise typer.Exit(NOTHING_FOUND)
        results = Results(boto3.client("s3"), bucket)
        written = _write_all(found, results, out, console)
    _write_tables(written, results, out)
    gone = len(found) - len(written)
    console.print(f"{counted(len(written), 'slice')} in {out}, {gone} whose image is gone left out.")
    console.print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


def _write_all(found: Sequence[Correction], results: Results, out: Path, console: Console) -> list[Correction]:
    """Write slices; those whose image was there."""
    written = []
    with ProgressReporter("writing", len(found), console, unit="slices") as progress:
        for each in found:
            if _write(each, results, out):
                written.append(each)
            progress.advance(1)
    return written


def _write(each: Correction, results: Results, out: Path) -> bool:
    """Write a slice's image, and its mask if one is known; False if an image of it is gone."""
    scan_id = each.record.scan_id
    try:
        image = results.get(each.record.image_key or "")
        mask = results.get(each.mask_key) if each.mask_key else None
    except ObjectGoneError:
        return False
    _put(out / "images" / f"{scan_id}.png", _pixels(image))
    if mask is not None:
        _put(out / "masks" / f"{scan_id}.png", _pixels(mask))
    return True


def _pixels(png: bytes) -> bytes:
    """A PNG of the pixels alone: no text chunk, profile or time of the source is kept."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        Image.fromarray(np.asarray(image.convert("L"))).save(out, "PNG")
    return out.getvalue()


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _write_tables(written: Sequence[Correction], results: Results, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    readers: dict[str, int] = {}
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for each in written:
            name = f"{each.record.scan_id}.png"
            mask = f"masks/{name}" if each.mask_key else ""
            drawn = ", who drew the mask" if each.review.drawn_key else ""
            detail = f"{each.review.verdict} by a reader{drawn}"
            rows.writerow([f"images/{name}", each.label, mask, "", each.group, "", each.plane, "train", detail])
    with (out / "reviews.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(REVIEW_COLUMNS)
        for each in written:
            record = each.record
            for review in each.history:
                reader = readers.setdefault(review.reader, len(readers) + 1)
                cells = [record.scan_id, review.verdict, review.corrected or "", reader, review.revision]
                drawn_by = ["yes" if review.drawn_key else "", review.dice]
                rows.writerow([*cells, record.predicted or "", record.confidence, record.model_id, *drawn_by])
    (out / "agreement.json").write_text(json.dumps(_agreement(written, results), indent=2) + "\n", encoding="utf-8")


def _agreement(written: Sequence[Correction], results: Results) -> dict[str, object]:
    with_network: list[Pair] = [(each.record.predicted, each.label) for each in written if each.record.predicted]
    pairs = [reader_pair(each.history, each.record.predicted) for each in written]
    drawn = [pair for each in written if (pair := drawn_pair(each.history))]
    return {
        "network_and_readers": agreement_of(with_network).model_dump(),
        "readers": agreement_of([pair for pair in pairs if pair]).model_dump(),
        "masks_of_network_and_readers": overlap_of(
            [each.review.dice for each in written if each.review.dice is not None]
        ).model_dump(),
        "masks_of_readers": overlap_of(dice_of_pairs(drawn, results)).model_dump(),
        "research_use": RESEARCH_USE_STATEMENT,
    }
