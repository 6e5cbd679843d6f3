"""Files on this machine: found in folders, named so that any file system and listing takes the name."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

LONGEST_NAME = 200
"""Bytes of a name to which a suffix is still to be appended; file systems allow 255."""


def files_below(root: Path, but: Path | None = None) -> Iterator[Path]:
    """Every file in a folder and below, in a stable order, those that cannot be read too; or the file itself.

    Nothing of the folder `but`, where it lies below.
    A folder that cannot be listed is named itself, and so is a link to a folder: none is followed, for it may lead in a
    circle.
    """
    if not root.is_dir():
        yield root
        return
    closed: list[Path] = []
    found: list[Path] = []
    for folder, inner, names in os.walk(root, onerror=lambda error: closed.append(Path(error.filename))):
        inner[:] = [name for name in inner if but is None or Path(folder, name).absolute() != but.absolute()]
        found += [Path(folder, name) for name in names]
        found += [link for name in inner if (link := Path(folder, name)).is_symlink()]
    yield from sorted(found + closed)


def is_readable(path: Path) -> bool:
    """Whether it is a file with bytes that one may read: no broken link, no device, no file of somebody else."""
    try:
        return path.is_file() and os.access(path, os.R_OK)
    except OSError:
        return False


def printable(path: str) -> str:
    """A path in Unicode: bytes that are no UTF-8 are read as Latin-1, which has a character for each."""
    raw = os.fsencode(path)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def shortened(name: str) -> str:
    """A name that leaves room for a suffix; what tells long names apart is kept as a digest."""
    raw = name.encode(errors="surrogateescape")
    if len(raw) <= LONGEST_NAME:
        return name
    return raw[: LONGEST_NAME - 17].decode(errors="ignore") + "~" + sha256(raw).hexdigest()[:16]
