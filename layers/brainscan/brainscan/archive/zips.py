"""A ZIP -> its files, one at a time, under hard limits; nothing touches the disk."""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import IO, Final

from brainscan.archive.contents import RATIO_FLOOR_BYTES, Budget, File, declared_problem, recognize_file
from brainscan.domain import Reason, ScanError
from brainscan.settings import Limits

DIRECTORY_BYTES_PER_ENTRY: Final = 1024
"""What a central directory may spend on one entry: 46 bytes, the path and extra fields."""

END_RECORD: Final = struct.Struct("<4s4H2LH")
END64_LOCATOR: Final = struct.Struct("<4sLQL")
END64_RECORD: Final = struct.Struct("<4sQ2H2L4Q")
LONGEST_COMMENT: Final = 0xFFFF


def part_ranges(archive: IO[bytes], limits: Limits) -> list[range]:
    """Split the places of a ZIP's files into ranges of `limits.part_files` and, compressed, `limits.part_bytes`.

    Every reader of the same ZIP finds the same ranges; there is at least one.

    Raises:
        ScanError: the archive as a whole is refused.
    """
    with _opened(archive, limits) as opened:
        sizes = [info.compress_size for info in _entries(opened)]
    starts, files, size = [0], 0, 0
    for place, more in enumerate(sizes):
        if files and (files >= limits.part_files or size + more > limits.part_bytes):
            starts.append(place)
            files, size = 0, 0
        files, size = files + 1, size + more
    return [range(start, stop) for start, stop in zip(starts, [*starts[1:], len(sizes)], strict=True)]


def files(archive: IO[bytes], limits: Limits, budget: Budget, places: range | None = None) -> Iterator[File]:
    """The files of a ZIP at some places (default: all), in the order in which they lie; one is in memory at a time.

    What the entries before these places declare comes off the budget unread: all ranges together stay within it.

    Raises:
        ScanError: the archive as a whole is refused; nothing has been read of its files.
    """
    with _opened(archive, limits) as opened:
        entries = _entries(opened)
        within = range(len(entries)) if places is None else places
        spent = accumulate((info.file_size for info in entries), initial=0)
        before = next((total for place, total in enumerate(spent) if place == within.start), 0)
        if not budget.spend(before):
            budget = Budget(0)
        for place in within:
            if place < len(entries):
                yield replace(_read(opened, entries[place], limits, budget), index=place)


def _entries(opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    found = [info for info in opened.infolist() if not info.filename.endswith("/")]  # `is_dir` fails on no name
    return sorted(found, key=lambda info: info.header_offset)


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


def _read(opened: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits, budget: Budget) -> File:
    path = info.filename
    if info.flag_bits & 0x1:
        return File(path, problem=Reason.ENCRYPTED)
    if info.file_size > RATIO_FLOOR_BYTES and info.file_size > limits.ratio * max(1, info.compress_size):
        return File(path, problem=Reason.COMPRESSION_RATIO_TOO_HIGH)
    if refused := declared_problem(path, info.file_size, limits, budget):
        return refused
    try:
        # `zipfile` never expands an entry beyond the size that the directory declares.
        data = opened.read(info)
    except NotImplementedError:
        return File(path, problem=Reason.UNSUPPORTED_ENCODING)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, struct.error):
        return File(path, problem=Reason.UNREADABLE)
    except OSError as error:
        # bz2 complains of its data by a bare OSError; one with a number is of the disk, and rises.
        if error.errno is not None:
            raise
        return File(path, problem=Reason.UNREADABLE)
    return recognize_file(path, data, limits, budget, loose=False)
