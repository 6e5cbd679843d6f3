"""Files to send -> archives of a good size on this disk, each whole and recorded before any of it leaves."""

import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from brainscan.settings import MIB
from brainscan.uploads.entries import Entry
from brainscan.uploads.ledger import Bundle, BundleState, Ledger

BUNDLE_FILES: Final = 1000
"""What one invocation of intake expands."""

BUNDLE_BYTES: Final = 256 * MIB
"""Few enough that results come while the rest is still on its way."""

ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""An entry must state some time; this is the earliest that the format knows."""


def packed(entries: Iterable[Entry], ledger: Ledger) -> Iterator[Bundle]:
    """Pack entries into bundles, each recorded as soon as it is whole; content that comes twice is packed once."""
    waiting: dict[str, Entry] = {}
    size = 0
    for entry in entries:
        if waiting and (len(waiting) >= BUNDLE_FILES or size + len(entry.data) > BUNDLE_BYTES):
            yield _pack(list(waiting.values()), ledger)
            waiting, size = {}, 0
        if entry.digest not in waiting:
            waiting[entry.digest] = entry
            size += len(entry.data)
    if waiting:
        yield _pack(list(waiting.values()), ledger)


def _pack(entries: list[Entry], ledger: Ledger) -> Bundle:
    """Write a bundle under another name first: a file of the right name is whole, whatever happens."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(hashlib.sha256(entry.data).digest())
    bundle_id = digest.hexdigest()[:32]
    path = ledger.spooled(Bundle(bundle_id, BundleState.PACKED, 0))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for entry in entries:
                archive.writestr(zipfile.ZipInfo(entry.name, ZIP_EPOCH), entry.data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    _sync_folder(path.parent)
    bundle = Bundle(bundle_id, BundleState.PACKED, path.stat().st_size)
    ledger.add_packed(bundle, [(entry.digest, entry.path) for entry in entries])
    return bundle


def _sync_folder(folder: Path) -> None:
    """A new name in a folder is on the disk once the folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
