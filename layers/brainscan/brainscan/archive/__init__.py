"""An upload -> its files, one at a time: from ZIP, tar and tar.gz, one archive inside another, or by itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from brainscan.archive import tars, zips
from brainscan.archive.contents import Budget, File, Opener, recognize_file, unpack_file
from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.sniff import HEAD_BYTES, sniff
from brainscan.settings import Limits

__all__ = ["File", "PartRange", "is_archive", "part_ranges", "upload_files", "upload_kind"]

_OPENERS: dict[Kind, Opener] = {Kind.ZIP: zips.files, Kind.TAR: tars.files}


@dataclass(frozen=True)
class PartRange:
    """Some of an archive's files: from place `first` up to `stop`, or as far as it goes.

    In a tar, `offset` is where the header of the first one begins.
    """

    first: int = 0
    stop: int | None = None
    offset: int = 0


def upload_kind(content: IO[bytes]) -> Kind:
    """What an uploaded object is, by its first bytes; the content is left at its beginning."""
    kind = sniff(content.read(HEAD_BYTES))
    content.seek(0)
    return kind


def is_archive(content: IO[bytes], kind: Kind) -> bool:
    """Whether an upload holds files rather than being one; the content is left at its beginning."""
    return kind in _OPENERS or (kind is Kind.GZIP and tars.is_gzipped_tar(content))


def part_ranges(content: IO[bytes], kind: Kind, limits: Limits) -> list[PartRange]:
    """How to split an archive for several readers at a time; a stream that can only be read forward is not split."""
    if kind is not Kind.ZIP:
        return [PartRange()]
    try:
        return [PartRange(places.start, places.stop) for places in zips.part_ranges(content, limits)]
    except ScanError:
        return [PartRange()]  # whoever reads it will be refused, too


def upload_files(
    content: IO[bytes], kind: Kind, path: str, size: int, limits: Limits, part_range: PartRange | None = None
) -> Iterator[File]:
    """Every file of an upload, or of a part range of it: the object itself, or the entries of an archive.

    Args:
        content: The object, seekable and at its beginning.
        kind: What `sniff` said of it.
        path: Its name, which goes no further than into digests.
        size: Its size in bytes.
        part_range: What of it is wanted; default: all.
    """
    budget = Budget(limits.expanded_bytes)
    archived = is_archive(content, kind)
    if size > (limits.archive_bytes if archived else limits.scan_bytes):
        yield File(path, kind=kind, problem=Reason.OBJECT_TOO_LARGE)
    elif not archived:
        yield recognize_file(path, content.read(), limits, budget, loose=True)
    else:
        try:
            for file in _entries(content, kind, limits, budget, part_range or PartRange()):
                yield from unpack_file(file, 0, limits, budget, _OPENERS)
        except ScanError as refused:
            yield File(path, kind=kind, problem=refused.reason)


def _entries(content: IO[bytes], kind: Kind, limits: Limits, budget: Budget, part_range: PartRange) -> Iterator[File]:
    if kind is Kind.ZIP:
        places = None if part_range.stop is None else range(part_range.first, part_range.stop)
        return zips.files(content, limits, budget, places)
    return tars.files(content, limits, budget, part_range.first, part_range.offset, gzipped=kind is Kind.GZIP)
