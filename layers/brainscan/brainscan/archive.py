"""An uploaded ZIP -> its files, one at a time, under hard limits; nothing touches the disk."""

import io
import lzma
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.sniff import sniff
from brainscan.settings import MIB, Limits

RATIO_FLOOR_BYTES = MIB
"""Below this an entry is harmless at any ratio; blank slices compress a thousandfold."""

DIRECTORY_BYTES_PER_ENTRY = 1024
"""What a central directory may spend on one entry: 46 bytes, the path and extra fields."""

END_RECORD = struct.Struct("<4s4H2LH")
END64_LOCATOR = struct.Struct("<4sLQL")
END64_RECORD = struct.Struct("<4sQ2H2L4Q")
LONGEST_COMMENT = 0xFFFF

JUNK = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._)", re.IGNORECASE)
"""What operating systems leave in archives."""

IMAGE_SUFFIX = re.compile(r"\.(dcm|dicom|ima|png|jpe?g|tiff?|nii)$", re.IGNORECASE)
"""A name never decides what a file is; it does tell whether somebody believed it to be an image."""


@dataclass(frozen=True)
class File:
    """One file of an upload: its bytes, or the reason why it will not become a scan.

    `path` is what the sender named it: it may hold a patient's name, so it is hashed before it goes anywhere.
    """

    path: str
    index: int | None
    data: bytes = b""
    kind: Kind = Kind.OTHER
    problem: Reason | None = None
    skipped: bool = False


class Budget:
    """Counts down the bytes that one upload may expand to, over all its nested archives."""

    def __init__(self, limits: Limits) -> None:
        self._left = limits.expanded_bytes

    def spend(self, size: int) -> bool:
        """Take `size` bytes; False when that is more than is left, and then nothing is taken."""
        if size > self._left:
            return False
        self._left -= size
        return True


def files(archive: IO[bytes], limits: Limits) -> Iterator[File]:
    """Every file in a ZIP, with those in ZIPs inside it, in the order of their places.

    `index` numbers the files of the whole upload from 0. One file is in memory at a time.

    Raises:
        ScanError: the archive as a whole is refused; nothing has been read of its files.
    """
    numbered = enumerate(_files(archive, limits, Budget(limits), depth=0, prefix=""))
    return (File(f.path, index, f.data, f.kind, f.problem, f.skipped) for index, f in numbered)


def _files(archive: IO[bytes], limits: Limits, budget: Budget, depth: int, prefix: str) -> Iterator[File]:
    with _opened(archive, limits) as opened:
        for info in sorted(opened.infolist(), key=lambda info: info.header_offset):
            if info.is_dir():
                continue
            file = _read(opened, info, limits, budget, prefix)
            if file.problem is None and file.kind in {Kind.ZIP, Kind.TAR, Kind.GZIP}:
                yield from _nested(file, limits, budget, depth)
            else:
                yield file


def _nested(file: File, limits: Limits, budget: Budget, depth: int) -> Iterator[File]:
    if depth >= limits.nesting:
        yield File(file.path, None, problem=Reason.NESTED_TOO_DEEP)
    elif file.kind is not Kind.ZIP:
        yield File(file.path, None, problem=Reason.UNSUPPORTED_ENCODING)
    else:
        try:
            yield from _files(io.BytesIO(file.data), limits, budget, depth + 1, prefix=f"{file.path}!")
        except ScanError as refused:
            yield File(file.path, None, problem=refused.reason)


def _opened(archive: IO[bytes], limits: Limits) -> zipfile.ZipFile:
    _check_directory(archive, limits)
    try:
        opened = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError, struct.error):
        raise ScanError(Reason.CORRUPT_ARCHIVE, "the ZIP's directory cannot be read; export it again") from None
    if len(opened.infolist()) > limits.entries:
        raise _too_many(limits)
    return opened


def _check_directory(archive: IO[bytes], limits: Limits) -> None:
    """Refuse a directory that would fill memory before `zipfile` reads it whole (APPNOTE.TXT 4.3.14 to 4.3.16)."""
    size = archive.seek(0, io.SEEK_END)
    start = max(0, size - END_RECORD.size - LONGEST_COMMENT - END64_LOCATOR.size)
    archive.seek(start)
    tail = archive.read(size - start)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < END_RECORD.size:
        raise ScanError(Reason.CORRUPT_ARCHIVE, "the ZIP has no end record; the upload may be cut short")
    _, _, _, _, entries, directory_bytes, _, _ = END_RECORD.unpack_from(tail, place)
    locator = place - END64_LOCATOR.size
    if locator >= 0 and tail.startswith(b"PK\x06\x07", locator):
        archive.seek(END64_LOCATOR.unpack_from(tail, locator)[2])
        record = archive.read(END64_RECORD.size)
        if len(record) == END64_RECORD.size:
            _, _, _, _, _, _, _, entries, directory_bytes, _ = END64_RECORD.unpack(record)
    if entries > limits.entries or directory_bytes > limits.entries * DIRECTORY_BYTES_PER_ENTRY:
        raise _too_many(limits)
    archive.seek(0)


def _too_many(limits: Limits) -> ScanError:
    return ScanError(Reason.TOO_MANY_ENTRIES, f"an archive may hold {limits.entries} files; split the export")


def _read(opened: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits, budget: Budget, prefix: str) -> File:
    path = prefix + info.filename
    if JUNK.search(info.filename):
        return File(path, None, problem=Reason.NOT_AN_IMAGE, skipped=True)
    if problem := _declared_problem(info, limits, budget):
        return File(path, None, problem=problem)
    try:
        data = opened.read(info)
    except NotImplementedError:
        return File(path, None, problem=Reason.UNSUPPORTED_ENCODING)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, struct.error):
        return File(path, None, problem=Reason.UNREADABLE)
    except OSError as error:
        # bz2 complains of its data by a bare OSError; one with a number or a backend is the store's, and is retried.
        if error.errno is not None or hasattr(error, "backend_error"):
            raise
        return File(path, None, problem=Reason.UNREADABLE)
    return recognized(path, data, loose=False)


def _declared_problem(info: zipfile.ZipInfo, limits: Limits, budget: Budget) -> Reason | None:
    """What the directory gives away. `zipfile` never expands an entry beyond the size declared there."""
    if _escapes(info.filename):
        return Reason.PATH_TRAVERSAL
    if info.flag_bits & 0x1:
        return Reason.ENCRYPTED
    if info.file_size > RATIO_FLOOR_BYTES and info.file_size > limits.ratio * max(1, info.compress_size):
        return Reason.COMPRESSION_RATIO_TOO_HIGH
    if info.file_size > limits.scan_bytes:
        return Reason.OBJECT_TOO_LARGE
    if not budget.spend(info.file_size):
        return Reason.EXPANDED_TOO_LARGE
    return None


def _escapes(path: str) -> bool:
    normal = posixpath.normpath(path.replace("\\", "/"))
    return normal.startswith(("/", "../")) or normal == ".." or bool(re.match(r"[A-Za-z]:", normal))


def recognized(path: str, data: bytes, *, loose: bool, index: int | None = None) -> File:
    """Name a file by its content, and say what becomes of content that is no image.

    Inside an archive a file that nobody called an image is skipped; on its own, somebody meant it to be analyzed.
    """
    kind = sniff(data[:4096])
    if kind is Kind.EMPTY:
        return File(path, index, problem=Reason.EMPTY_FILE)
    if kind is not Kind.OTHER:
        return File(path, index, data, kind)
    if loose or IMAGE_SUFFIX.search(path):
        return File(path, index, problem=Reason.UNRECOGNIZED_CONTENT)
    return File(path, index, problem=Reason.NOT_AN_IMAGE, skipped=True)
