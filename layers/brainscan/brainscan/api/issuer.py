"""The OpenID Connect issuer that readers sign in at, as it describes itself.

https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderMetadata
"""

import json
import time
import urllib.request
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, Field

Address = Annotated[str, Field(pattern=r"^(https://|http://127\.0\.0\.1[:/])")]

PATIENCE_S: Final = 3
RETRY_S: Final = 60
"""How long an issuer that did not answer is left alone: no request of a reader should wait for each of its failures."""


class Issuer(BaseModel):
    """Where the page sends a reader to sign in, gets tokens, and sends a reader to sign out."""

    issuer: Address
    authorization_endpoint: Address
    token_endpoint: Address
    end_session_endpoint: Address | None = None

    @property
    def token_origin(self) -> str:
        """Scheme and host that the page asks for tokens; with Cognito, Okta and others not the issuer's."""
        address = urlsplit(self.token_endpoint)
        return f"{address.scheme}://{address.netloc}"


_discovered: dict[str, Issuer] = {}
_failed_at: dict[str, float] = {}


def discover(issuer: str) -> Issuer | None:
    """What an issuer says of itself; None while it cannot be reached, or says what it should not. Asked once."""
    if issuer not in _discovered and time.monotonic() - _failed_at.get(issuer, -RETRY_S) >= RETRY_S:
        try:
            _discovered[issuer] = _fetch_metadata(issuer)
        except (OSError, ValueError):
            _failed_at[issuer] = time.monotonic()
    return _discovered.get(issuer)


def forget() -> None:
    """Ask anew, as a new process would."""
    _discovered.clear()
    _failed_at.clear()


def _fetch_metadata(issuer: str) -> Issuer:
    """Raises OSError where nobody answers, ValueError where the answer is another issuer's or incomplete."""
    address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    if not address.startswith(("https://", "http://127.0.0.1")):
        raise ValueError("an issuer is reached over TLS")
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:  # noqa: S310 - the scheme was looked at
        found = Issuer.model_validate(json.load(answer))
    if found.issuer.rstrip("/") != issuer.rstrip("/"):
        raise ValueError("the document is of another issuer")
    return found
