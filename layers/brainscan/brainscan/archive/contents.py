"""Files as they come out of an upload: recognized by their content, with archives inside archives taken apart."""

import gzip
import io
import posixpath
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import IO, Final

from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.sniff import HEAD_BYTES, sniff
from brainscan.settings import MIB, Limits

RATIO_FLOOR_BYTES: Final = MIB
"""Below this a file is harmless at any ratio; blank slices compress a thousandfold."""

JUNK: Final = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._)", re.IGNORECASE)
"""What operating systems leave in archives."""

IMAGE_SUFFIX: Final = re.compile(r"\.(dcm|dicom|ima|png|jpe?g|tiff?|nii(\.gz)?)$", re.IGNORECASE)
"""A name never decides what a file is; it does tell whether somebody believed it to be an image."""

ARCHIVES: Final = frozenset({Kind.ZIP, Kind.TAR})


@dataclass(frozen=True)
class File:
    """One file of an upload: its bytes, or the reason why it will not become a scan.

    `path` is what the sender named it: it may hold a patient's name, so it is hashed before it goes anywhere.
    `index` is its place in the upload, None where it is the upload; `inner`, its place in an archive at that place.
    `after` is where a tar goes on behind it, in bytes of the tar.
    """

    path: str
    index: int | None = None
    data: bytes = b""
    kind: Kind = Kind.OTHER
    problem: Reason | None = None
    skipped: bool = False
    inner: int | None = None
    after: int | None = None


Opener = Callable[[IO[bytes], Limits, "Budget"], Iterator[File]]


class Budget:
    """Counts down the bytes that one upload may expand to, over all its nested archives."""

    def __init__(self, size: int) -> None:
        self._left = size

    def spend(self, size: int) -> bool:
        """Take `size` bytes; False when that is more than is left, and then nothing is taken."""
        if size > self._left:
            return False
        self._left -= size
        return True


def declared_problem(path: str, size: int, limits: Limits, budget: Budget) -> File | None:
    """What a file's name and declared size give away, before any of it is read."""
    if JUNK.search(path):
        return File(path, problem=Reason.NOT_AN_IMAGE, skipped=True)
    if _escapes(path):
        return File(path, problem=Reason.PATH_TRAVERSAL)
    if size > limits.scan_bytes:
        return File(path, problem=Reason.OBJECT_TOO_LARGE)
    return None if budget.spend(size) else File(path, problem=Reason.EXPANDED_TOO_LARGE)


def recognize_file(path: str, data: bytes, limits: Limits, budget: Budget, *, loose: bool) -> File:
    """Name a file by its content, and say what becomes of content that is no image.

    A gzipped file is what is inside it. In an archive a file that nobody called an image is skipped; on its own,
    somebody meant it to be analyzed.
    """
    kind = sniff(data[:HEAD_BYTES])
    if kind is Kind.GZIP:
        try:
            data = _inflated(data, limits, budget)
        except ScanError as refused:
            return File(path, kind=kind, problem=refused.reason)
        kind = sniff(data[:HEAD_BYTES])
    if kind is Kind.EMPTY:
        return File(path, problem=Reason.EMPTY_FILE)
    if kind is Kind.GZIP:
        return File(path, kind=kind, problem=Reason.NESTED_TOO_DEEP)
    if kind is not Kind.OTHER:
        return File(path, data=data, kind=kind)
    if loose or IMAGE_SUFFIX.search(path):
        return File(path, problem=Reason.UNRECOGNIZED_CONTENT)
    return File(path, problem=Reason.NOT_AN_IMAGE, skipped=True)


def unpack_file(file: File, depth: int, limits: Limits, budget: Budget, openers: dict[Kind, Opener]) -> Iterator[File]:
    """The file itself, or the files of the archive that it is; they share its place."""
    if file.problem or file.kind not in ARCHIVES:
        yield file
    elif depth >= limits.nesting:
        yield replace(file, data=b"", problem=Reason.NESTED_TOO_DEEP)
    else:
        try:
            for found in openers[file.kind](io.BytesIO(file.data), limits, budget):
                path = f"{file.path}!{found.path}"
                inner = replace(found, path=path, index=file.index, inner=found.index, after=file.after)
                yield from unpack_file(inner, depth + 1, limits, budget, openers)
        except ScanError as refused:
            yield replace(file, data=b"", problem=refused.reason)


def _inflated(data: bytes, limits: Limits, budget: Budget) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            inflated = packed.read(limits.scan_bytes + 1)
    except (OSError, EOFError, zlib.error):
        raise ScanError(Reason.UNREADABLE, "the gzip file is damaged or cut off; upload it again") from None
    if len(inflated) > limits.scan_bytes:
        raise ScanError(Reason.OBJECT_TOO_LARGE, "the file inflates beyond the limit of one file")
    if len(inflated) > RATIO_FLOOR_BYTES and len(inflated) > limits.ratio * len(data):
        raise ScanError(Reason.COMPRESSION_RATIO_TOO_HIGH, "the file inflates suspiciously far")
    if not budget.spend(len(inflated)):
        raise ScanError(Reason.EXPANDED_TOO_LARGE, "the upload expands beyond the limit")
    return inflated


def _escapes(path: str) -> bool:
    normal = posixpath.normpath(path.replace("\\", "/"))
    return normal.startswith(("/", "../")) or normal == ".." or bool(re.match(r"[A-Za-z]:", normal))
