"""Files, folders, DICOMDIR and archives -> what is to be sent of them, without what identifies a patient."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brainscan.archive import File, upload_files, upload_kind
from brainscan.dicom.deidentify import deidentified, encoded
from brainscan.dicom.pixels import read_object
from brainscan.domain import Kind, Reason, ScanError
from brainscan.identity import Pseudonyms
from brainscan.imaging.burned_in import shows_text
from brainscan.library.local_files import files_below, is_readable, printable
from brainscan.settings import Limits
from brainscan.uploads.ledger import Ledger

IDENTIFYING: Final = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
"""What a pseudonym stands for in the key map."""


@dataclass(frozen=True, repr=False)
class Entry:
    """A file to send: its path here, the digest of its content here, and what leaves this machine."""

    path: str
    digest: str
    data: bytes
    source_bytes: int

    @property
    def name(self) -> str:
        """What it is called in the bundle: nothing that a sender chose."""
        return self.digest[:32]


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not sent, and why."""

    path: str
    reason: Reason


@dataclass(frozen=True)
class AlreadySent:
    """A file whose content was sent before."""

    path: str


PreparedFile = Entry | SkippedFile | AlreadySent


def files_of(paths: Iterable[Path], limits: Limits) -> Iterator[File]:
    """Every file in files, folders and archives, under a path that can be printed."""
    for root in paths:
        for path in files_below(root):
            shown = printable(str(path))
            if not is_readable(path):
                yield File(shown, problem=Reason.UNREADABLE)
                continue
            with path.open("rb") as content:
                for file in upload_files(content, upload_kind(content), str(path), path.stat().st_size, limits):
                    inside = f"{shown}!{printable(file.path)}" if file.index is not None else shown
                    yield File(inside, data=file.data, kind=file.kind, problem=file.problem)


def prepare(file: File, ledger: Ledger, pseudonyms: Pseudonyms | None, limits: Limits) -> PreparedFile:
    """What becomes of one file.

    Args:
        pseudonyms: By which it is de-identified; None sends files as they are.

    With `pseudonyms` only DICOM images are sent: of no other file is it known what in it identifies a patient.
    """
    if file.problem or not file.data:
        return SkippedFile(file.path, file.problem or Reason.EMPTY_FILE)
    digest = hashlib.sha256(file.data).hexdigest()
    if ledger.knows(digest):
        return AlreadySent(file.path)
    if pseudonyms is None:
        return Entry(file.path, digest, file.data, len(file.data))
    if file.kind is not Kind.DICOM:
        return SkippedFile(file.path, Reason.NOT_DICOM)
    try:
        return Entry(file.path, digest, _without_identity(file.data, ledger, pseudonyms, limits), len(file.data))
    except ScanError as refused:
        return SkippedFile(file.path, refused.reason)


def _without_identity(data: bytes, ledger: Ledger, pseudonyms: Pseudonyms, limits: Limits) -> bytes:
    """The image de-identified; whom its pseudonyms stand for is kept in the ledger before it is given on."""
    copy = deidentified(data, pseudonyms, limits, shows_text)
    original = read_object(data, limits.scan_bytes)
    stated = {str(copy.get(keyword, "")): str(original.get(keyword, "")) for keyword in IDENTIFYING}
    ledger.add_identities({new: old for new, old in stated.items() if new})
    return encoded(copy)
