"""Positions in the answers of a question, as opaque cursors."""

import base64
import json
import zlib
from typing import Any, Final

from brainscan.domain import BrainscanError

FOREIGN: Final = "the cursor does not belong to this query; ask for the first page again"

_MOST_BYTES: Final = 65_536
"""What a cursor may unpack to: far more than 128 positions take."""


class CursorError(BrainscanError):
    """A cursor that this query did not hand out."""


def packed(position: list[Any]) -> str:
    """A position as an opaque cursor."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(position).encode())).decode().rstrip("=")


def unpacked(cursor: str) -> list[Any]:
    """Inverse of `packed`.

    Raises:
        CursorError: nothing that was packed here.
    """
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        position = json.loads(zlib.decompressobj().decompress(data, _MOST_BYTES))
    except (ValueError, zlib.error, RecursionError):
        raise CursorError(FOREIGN) from None
    if not isinstance(position, list):
        raise CursorError(FOREIGN)
    return position
