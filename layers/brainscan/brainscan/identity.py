"""Deterministic, pseudonymous identity: the same bytes at the same place are always the same scan."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

DIGEST_CHARACTERS = 32
"""128 bits: collisions are out of reach for any number of scans, and keys stay short."""


@dataclass(frozen=True, repr=False)
class Pseudonyms:
    """Keys names and identifiers by HMAC-SHA256 with the deployment secret, so that nobody can guess them back."""

    secret: bytes

    def digest(self, domain: str, *parts: str | int | None) -> str:
        """Key `parts` within `domain`; equal parts of different domains give unrelated digests.

        Each part is prefixed with its length, so that ("ab", "c") and ("a", "bc") differ.
        """
        text = "".join(f"{len(str(part))}:{part}" for part in (domain, *parts))
        return hmac.new(self.secret, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[
            :DIGEST_CHARACTERS
        ]

    def object_id(self, bucket: str, key: str) -> str:
        """An uploaded object over all its versions."""
        return self.digest("object", bucket, key)

    def export_id(self, bucket: str, key: str, version_id: str) -> str:
        """One version of an uploaded object."""
        return self.digest("export", bucket, key, version_id)

    def file_id(self, export_id: str, entry: str | None) -> str:
        """One file of an export: the object itself, or the entry at a path (and position) in its archive."""
        return self.digest("file", export_id, entry)

    def scan_id(self, file_id: str, frame: int | None) -> str:
        """One two-dimensional image of a file."""
        return self.digest("scan", file_id, frame)

    def uid(self, *parts: str | int | None) -> str:
        """A DICOM UID that is the same for the same parts (PS3.5 B.2: "2.25." and a 128-bit number)."""
        return f"2.25.{int(self.digest('uid', *parts), 16)}"


@dataclass(frozen=True, repr=False)
class KeyVersion:
    """A version of the deployment secret: names what is first seen at `since` or later; the oldest has no such time."""

    pseudonyms: Pseudonyms
    since: datetime | None = None


@dataclass(frozen=True, repr=False)
class Keyring:
    """All versions of the deployment secret, oldest first. None is ever taken out: what it named is still there."""

    versions: tuple[KeyVersion, ...]

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read the secret's value: JSON as `rotated` writes it, or any other text, which is the only key.

        Raises:
            ValueError: the value is such JSON and has no key, or their times do not rise.
        """
        if not text.startswith("{"):
            return cls((KeyVersion(Pseudonyms(text.encode())),))
        entries = json.loads(text)["versions"]
        times = [datetime.fromisoformat(each["since"]) for each in entries[1:]]
        if not entries or any(later <= earlier for earlier, later in itertools.pairwise(times)):
            raise ValueError("versions of the pseudonym secret are not in the order of their times")
        keys = [Pseudonyms(each["key"].encode()) for each in entries]
        return cls(tuple(map(KeyVersion, keys, [None, *times])))

    @property
    def oldest(self) -> Pseudonyms:
        """Names what is made of ids that are pseudonyms already, such as UIDs of reports: it never changes."""
        return self.versions[0].pseudonyms

    @property
    def all(self) -> Sequence[Pseudonyms]:
        """By which something may have been named that was seen before, oldest first."""
        return [each.pseudonyms for each in self.versions]

    def at(self, time: datetime) -> Pseudonyms:
        """By which is named what is first seen at a time."""
        begun = [each for each in self.versions if each.since is None or each.since <= time]
        return begun[-1].pseudonyms

    def rotated(self, key: str, since: datetime) -> str:
        """The secret's value with another version: all of these, and a key that names from then on.

        Raises:
            ValueError: the last version begins later.
        """
        versions = [*self.versions, KeyVersion(Pseudonyms(key.encode()), since)]
        entries = [{"key": e.pseudonyms.secret.decode(), "since": e.since and e.since.isoformat()} for e in versions]
        text = json.dumps({"versions": entries})
        Keyring.parse(text)
        return text
