"""Deterministic, pseudonymous identity: the same bytes at the same place are always the same scan."""

import hashlib
import hmac
from dataclasses import dataclass

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
