"""A tar or tar.gz -> its files, in one pass forward, under hard limits; reading can go on where it stopped."""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Final

from brainscan.archive.contents import RATIO_FLOOR_BYTES, Budget, File, declared_problem, recognize_file
from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.sniff import HEAD_BYTES, sniff
from brainscan.settings import MIB, Limits

HEADER_BYTES: Final = MIB
"""The longest header that is read: one of 512 bytes, with a long name or extended attributes before it."""

DAMAGE: Final = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, OverflowError)


def is_gzipped_tar(content: IO[bytes]) -> bool:
    """Whether a gzipped stream holds a tar; the stream is left at its beginning."""
    try:
        head = gzip.GzipFile(fileobj=content).read(HEAD_BYTES)
    except DAMAGE:
        head = b""
    content.seek(0)
    return sniff(head) is Kind.TAR


def files(
    archive: IO[bytes], limits: Limits, budget: Budget, index: int = 0, offset: int = 0, *, gzipped: bool = False
) -> Iterator[File]:
    """The files of a tar from some place on, one in memory at a time.

    Args:
        archive: The stream, at its beginning.
        index: Number of the first file that is wanted, and
        offset: where its header begins, in bytes of the tar: the `after` of the file before it. A gzipped tar is
            inflated again up to there.
        gzipped: Whether the stream is a tar.gz.

    Raises:
        ScanError: the archive as a whole is refused. Damage further on is one more file, `CORRUPT_ARCHIVE`.
    """
    stream = _Forward(archive, limits.ratio if gzipped else None)
    first = index
    try:
        stream.seek(offset)
        if not budget.spend(offset):
            raise ScanError(Reason.EXPANDED_TOO_LARGE, "the tar is larger than an upload may expand to")
        with tarfile.open(fileobj=stream, mode="r:") as opened:  # type: ignore[call-overload]
            while (member := opened.next()) is not None:
                opened.members = []  # or it would remember every file
                if not member.isdir():
                    file = _read(stream, member, limits, budget)
                    yield replace(file, index=index, after=opened.offset)
                    index += 1
                if index - first > limits.entries:
                    raise ScanError(Reason.TOO_MANY_ENTRIES, "the tar holds too many files; split the export")
        if stream.last.strip(b"\0"):
            raise tarfile.ReadError("what follows is no header")
    except ScanError as refused:
        if index == first:
            raise
        yield File("", index, problem=refused.reason)
    except DAMAGE:
        if index == first:
            raise ScanError(Reason.CORRUPT_ARCHIVE, "the tar cannot be read; export it again") from None
        yield File("", index, problem=Reason.CORRUPT_ARCHIVE)


def _read(stream: "_Forward", member: tarfile.TarInfo, limits: Limits, budget: Budget) -> File:
    if not member.isreg():
        return File(member.name, problem=Reason.NOT_AN_IMAGE, skipped=True)
    if member.issparse():
        return File(member.name, problem=Reason.UNSUPPORTED_ENCODING)
    if refused := declared_problem(member.name, member.size, limits, budget):
        return refused
    stream.seek(member.offset_data)
    data = stream.read_fully(member.size)
    if len(data) < member.size:
        return File(member.name, problem=Reason.UNREADABLE)
    return recognize_file(member.name, data, limits, budget, loose=False)


class _Forward:
    """What `tarfile` reads from: it goes forward only, and bounds what a hostile header can ask for.

    `ratio` is how many times its compressed size a gzipped stream may inflate to; None for one that is not gzipped.
    """

    def __init__(self, content: IO[bytes], ratio: int | None) -> None:
        self._content = content
        self._ratio = ratio
        self._source: IO[bytes] = content if ratio is None else gzip.GzipFile(fileobj=content)  # type: ignore[assignment]
        self._position = 0
        self._again = b""
        self.last = b""

    def read(self, size: int) -> bytes:
        """What `tarfile` itself asks for: headers."""
        if not 0 <= size <= HEADER_BYTES:
            raise tarfile.ReadError("a header longer than any honest one")
        again, self._again = self._again, b""
        self.last = again + self.read_fully(size - len(again))
        return self.last

    def read_fully(self, size: int) -> bytes:
        """Up to `size` bytes; less only at the end."""
        data = self._source.read(size)
        self._position += len(data)
        far = self._ratio is not None and self._position > RATIO_FLOOR_BYTES
        if far and self._ratio and self._position > self._ratio * self._content.tell():
            raise ScanError(Reason.COMPRESSION_RATIO_TOO_HIGH, "the tar inflates suspiciously far")
        return data

    def tell(self) -> int:
        return self._position - len(self._again)

    def seek(self, position: int) -> int:
        """Go forward; or back by the one byte that `tarfile` reads again to see whether the data before is whole."""
        if position == self._position - 1 and self.last:
            self._again = self.last[-1:]
        elif position < self._position:
            raise tarfile.ReadError("a header that points backwards")
        elif self._ratio is None:
            self._position = self._content.seek(position)
        else:
            while self._position < position and self.read_fully(min(MIB, position - self._position)):
                pass
        return self.tell()
