"""What was sent from this machine, in a local SQLite file: it outlives the process, and never leaves the machine.

It also holds the key map of de-identification: which pseudonym stands for whom.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

SECRET_BYTES: Final = 32

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS bundles (
  bundle_id TEXT, bucket TEXT, state TEXT, size INTEGER, upload_id TEXT, export_id TEXT, sent_at TEXT,
  PRIMARY KEY (bundle_id, bucket));
CREATE TABLE IF NOT EXISTS files (
  digest TEXT, bucket TEXT, bundle_id TEXT, place INTEGER, path TEXT, PRIMARY KEY (digest, bucket));
CREATE INDEX IF NOT EXISTS files_of_bundle ON files (bundle_id, bucket, place);
CREATE TABLE IF NOT EXISTS identities (pseudonym TEXT PRIMARY KEY, original TEXT);
CREATE TABLE IF NOT EXISTS delivered (series_id TEXT, revision INTEGER, PRIMARY KEY (series_id, revision));
"""


class BundleState(StrEnum):
    """How far a bundle is: on this disk, in the bucket, or with an outcome for each of its files."""

    PACKED = "packed"
    SENT = "sent"
    DONE = "done"


@dataclass(frozen=True)
class Bundle:
    """An archive of files that are sent together; `bundle_id` follows from their contents."""

    bundle_id: str
    state: BundleState
    size: int
    upload_id: str | None = None
    export_id: str | None = None
    sent_at: str | None = None

    @property
    def key(self) -> str:
        """Where it lies in the bucket: a name that says nothing."""
        return f"bundles/{self.bundle_id}.zip"


class Ledger:
    """What is known of bundles and files for one bucket, in a folder that others cannot read.

    Every change is one transaction, on the disk when the call returns.
    """

    def __init__(self, folder: Path, bucket: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self._bucket = bucket
        path = folder / "ledger.sqlite"
        path.touch(mode=0o600)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=60)
        self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + _SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @property
    def secret(self) -> bytes:
        """What pseudonyms follow from: made once, so that a patient of today is the one of last year."""
        path = self.folder / "secret"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes()
        with os.fdopen(handle, "wb") as file:
            file.write(made := secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        return made

    def spooled(self, bundle: Bundle) -> Path:
        """Where a bundle waits on this disk until it is sent."""
        return self.folder / "bundles" / f"{bundle.bundle_id}.zip"

    def knows(self, digest: str) -> bool:
        """Whether a file of this content is in a bundle."""
        statement = "SELECT 1 FROM files WHERE digest = ? AND bucket = ?"
        return self._database.execute(statement, (digest, self._bucket)).fetchone() is not None

    def add_packed(self, bundle: Bundle, files: Sequence[tuple[str, str]]) -> None:
        """Record a bundle that lies on this disk, with the digests and paths of its files in order."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.execute(
                "INSERT OR IGNORE INTO bundles VALUES (?, ?, ?, ?, NULL, NULL, NULL)",
                (bundle.bundle_id, self._bucket, bundle.state, bundle.size),
            )
            self._database.executemany(
                "INSERT OR IGNORE INTO files VALUES (?, ?, ?, ?, ?)",
                [(digest, self._bucket, bundle.bundle_id, place, path) for place, (digest, path) in enumerate(files)],
            )
            self._database.execute("COMMIT")
        except BaseException:
            self._database.execute("ROLLBACK")
            raise

    def bundles(self, state: BundleState) -> list[Bundle]:
        """Bundles that are so far, in the order of their making."""
        statement = (
            "SELECT bundle_id, state, size, upload_id, export_id, sent_at FROM bundles WHERE bucket = ? AND state = ?"
        )
        rows = self._database.execute(f"{statement} ORDER BY rowid", (self._bucket, state))
        return [Bundle(row[0], BundleState(row[1]), *row[2:]) for row in rows]

    def paths(self, bundle_id: str) -> dict[int, str]:
        """What the files of a bundle are called here, by their places in it."""
        statement = "SELECT place, path FROM files WHERE bundle_id = ? AND bucket = ? ORDER BY place"
        return dict(self._database.execute(statement, (bundle_id, self._bucket)))

    def set_upload(self, bundle: Bundle, upload_id: str | None) -> None:
        """Remember the multipart upload that a bundle goes by."""
        self._set(bundle, "upload_id", upload_id)

    def set_export(self, bundle: Bundle, export_id: str) -> None:
        """Remember what the stack calls a bundle."""
        self._set(bundle, "export_id", export_id)

    def set_sent(self, bundle: Bundle, sent_at: str) -> None:
        """The bundle is in the bucket; its copy here is needed no more."""
        self._set(bundle, "sent_at", sent_at)
        self._set(bundle, "state", BundleState.SENT)
        self.spooled(bundle).unlink(missing_ok=True)

    def set_done(self, bundle: Bundle) -> None:
        """Every file of the bundle has its outcome."""
        self._set(bundle, "state", BundleState.DONE)

    def _set(self, bundle: Bundle, column: str, value: str | None) -> None:
        changed = f"UPDATE bundles SET {column} = ? WHERE bundle_id = ? AND bucket = ?"  # noqa: S608 - columns are ours
        self._database.execute(changed, (value, bundle.bundle_id, self._bucket))

    def add_identities(self, identities: Mapping[str, str]) -> None:
        """Remember whom and what pseudonyms stand for."""
        self._database.executemany("INSERT OR IGNORE INTO identities VALUES (?, ?)", identities.items())

    def identities(self) -> Iterator[tuple[str, str]]:
        """Every pseudonym with what it stands for."""
        yield from self._database.execute("SELECT pseudonym, original FROM identities ORDER BY rowid")

    def add_delivered(self, series_id: str, revision: int) -> None:
        """Remember that the report of a series was given back."""
        self._database.execute("INSERT OR IGNORE INTO delivered VALUES (?, ?)", (series_id, revision))

    def was_delivered(self, series_id: str, revision: int) -> bool:
        """Whether this revision of a series' report was given back."""
        statement = "SELECT 1 FROM delivered WHERE series_id = ? AND revision = ?"
        return self._database.execute(statement, (series_id, revision)).fetchone() is not None
