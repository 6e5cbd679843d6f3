"""Images on the gateway's disk, by study: an image that was acknowledged is there until a bundle on the disk has it."""

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIX: Final = ".dcm"


@dataclass(frozen=True)
class SpooledStudy:
    """Images of one study, by the files that they are in."""

    folder: Path
    files: tuple[Path, ...]


class Spool:
    """A folder for images on their way. Names in it are digests: of studies, and of what they hold."""

    def __init__(self, folder: Path) -> None:
        self._incoming, self._studies, self._left_out = (folder / name for name in ("incoming", "studies", "left-out"))
        for each in (self._incoming, self._studies, self._left_out):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)
        for half in self._incoming.iterdir():
            half.unlink()  # of a process that died: its sender was told nothing, and sends it again

    def add(self, data: bytes, study_uid: str) -> None:
        """Put an image on the disk; when this returns, a power cut does not take it away. A repeat changes nothing.

        Raises:
            OSError: the disk does not take it.
        """
        half = self._incoming / uuid.uuid4().hex
        try:
            with half.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            half.unlink(missing_ok=True)  # the disk has no room to spare
            raise
        folder = self._studies / hashlib.sha256(study_uid.encode()).hexdigest()[:32]
        while True:
            folder.mkdir(exist_ok=True, mode=0o700)
            try:
                half.rename(folder / f"{hashlib.sha256(data).hexdigest()}{SUFFIX}")
                break
            except FileNotFoundError:
                continue  # the study was emptied and removed in between
        _sync(folder)
        _sync(self._studies)

    def quiet_studies(self, seconds: float) -> Iterator[SpooledStudy]:
        """Studies of which nothing has arrived for so long."""
        for folder in sorted(self._studies.iterdir()):
            files = tuple(sorted(folder.glob(f"*{SUFFIX}")))
            newest = max((path.stat().st_mtime for path in files), default=folder.stat().st_mtime)
            if time.time() - newest >= seconds:
                yield SpooledStudy(folder, files)

    def waiting(self) -> int:
        """How many images are on the disk and in no bundle yet."""
        return sum(1 for _ in self._studies.glob(f"*/*{SUFFIX}"))

    def remove(self, path: Path) -> None:
        """Forget an image that a bundle has."""
        path.unlink(missing_ok=True)

    def leave_out(self, path: Path) -> None:
        """Put an image aside that is not sent; it stays on the disk."""
        path.replace(self._left_out / path.name)

    def remove_study(self, study: SpooledStudy) -> None:
        """Forget a study of which no image is left."""
        try:
            study.folder.rmdir()
        except OSError:
            return  # another image of it has arrived


def _sync(folder: Path) -> None:
    """A new name in a folder is on the disk once the folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
