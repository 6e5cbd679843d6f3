"""`brainscan deidentify`: copies of DICOM images without what identifies a patient."""

import secrets
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from brainscan.archive import File, upload_files, upload_kind
from brainscan.domain import RESEARCH_USE_STATEMENT, Kind, Reason, ScanError
from brainscan.identity import Pseudonyms
from brainscan.library.local_files import files_below, is_readable
from brainscan.settings import Limits, limits


def deidentify(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files, folders, or archives.", exists=True, readable=True)],
    out: Annotated[Path, typer.Option(help="Folder for the copies.")],
    secret_file: Annotated[
        Path | None,
        typer.Option(help="Keeps new UIDs the same over several runs; default: a new secret, forgotten afterwards."),
    ] = None,
) -> None:
    """Copy DICOM images without what identifies a patient.

    It follows the Basic Application Level Confidentiality Profile (PS3.15 Annex E).

    Copies are OUT/SERIES/INSTANCE.dcm, named by their new UIDs. Pixels are copied as they are: pictures that may show a
    name are left out, and a head can be recognized by its face. Example: `brainscan deidentify export.zip --out copies`

    Exit codes: 0 every DICOM image has its copy; 1 some were left out, by the reasons shown.
    """
    from brainscan.dicom.deidentify import deidentified, encoded
    from brainscan.imaging.burned_in import shows_text

    console = Console()
    pseudonyms = Pseudonyms(secret_file.read_bytes() if secret_file else secrets.token_bytes(32))
    copied, left = 0, Counter[Reason]()
    for file in _files(paths, limits()):
        try:
            if file.problem or file.kind is not Kind.DICOM:
                raise ScanError(file.problem or Reason.NOT_AN_IMAGE, "only DICOM images are copied")
            dataset = deidentified(file.data, pseudonyms, limits(), shows_text)
        except ScanError as refused:
            left[refused.reason] += 1
            continue
        path = out / str(dataset.SeriesInstanceUID) / f"{dataset.SOPInstanceUID}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(dataset))
        copied += 1
    console.print(f"{copied} copies are in {out}. {RESEARCH_USE_STATEMENT}")
    for reason, count in sorted(left.items()):
        console.print(f"[yellow]{count} left out[/yellow]: {reason}")
    if set(left) - {Reason.NOT_AN_IMAGE}:
        raise typer.Exit(1)


def _files(paths: list[Path], limits: Limits) -> Iterator[File]:
    """Every file in files, folders and archives."""
    for root in paths:
        for path in files_below(root):
            if not is_readable(path):
                yield File(str(path), problem=Reason.UNREADABLE)
                continue
            with path.open("rb") as content:
                yield from upload_files(content, upload_kind(content), str(path), path.stat().st_size, limits)
