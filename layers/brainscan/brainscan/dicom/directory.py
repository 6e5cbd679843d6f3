"""DICOMDIR: which files a medium claims to hold (PS3.10 8, PS3.3 F)."""

import io
import posixpath
from dataclasses import dataclass

from pydicom import Dataset, dcmread
from pydicom.uid import MediaStorageDirectoryStorage

from brainscan.domain import Reason, ScanError

TAGS = ("DirectoryRecordSequence", "MediaStorageSOPClassUID")


@dataclass(frozen=True, repr=False)
class Directory:
    """`references` are paths from the DICOMDIR's own folder; they may hold names."""

    references: tuple[str, ...]
    private_records: int


def read_directory(data: bytes) -> Directory | None:
    """The claims of a DICOMDIR; None for any other DICOM object.

    Records that are in use or not, of any type, are taken alike: what they reference was meant to be there.

    Raises:
        ScanError: `UNREADABLE`, a damaged DICOMDIR.
    """
    try:
        dataset = dcmread(io.BytesIO(data), force=True, specific_tags=list(TAGS))
        if dataset.file_meta.get("MediaStorageSOPClassUID") != MediaStorageDirectoryStorage:
            return None
        records = dataset.get("DirectoryRecordSequence") or []
        references = [path for record in records if (path := _path(record))]
        private = sum(record.get("DirectoryRecordType") == "PRIVATE" for record in records)
    except Exception:  # pydicom raises nearly anything on damage, and its text may quote the header
        raise ScanError(Reason.UNREADABLE, "the DICOMDIR is damaged; its files are read without it") from None
    return Directory(tuple(references), private)


def media_path(path: str) -> str:
    """A path as media compare it: capitals, forward slashes, no version and no empty suffix (ISO 9660 7.5)."""
    return posixpath.normpath(path.replace("\\", "/")).upper().partition(";")[0].rstrip(".")


def _path(record: Dataset) -> str:
    """ReferencedFileID is one component of the path a value."""
    value = record.get("ReferencedFileID") or []
    return posixpath.join(*([value] if isinstance(value, str) else map(str, value))) if value else ""
