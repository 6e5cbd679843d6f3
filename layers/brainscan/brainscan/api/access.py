"""Who asks, and what they may: read from the claims that API Gateway's JWT authorizer has verified."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from brainscan.api.problems import ProblemError

READ: Final = "brainscan/read"
REVIEW: Final = "brainscan/review"
UPLOAD: Final = "brainscan/upload"
ADJUDICATE: Final = "brainscan/adjudicate"
"""Scopes of a token; those of a Cognito resource server named `brainscan`."""

UPLOADS: Final = "/v1/uploads"
"""What is written below this path are files on their way in."""

NAMES: Final = ("name", "preferred_username", "username", "cognito:username", "email", "sub")
"""Claims that may name a reader, the most readable first."""

SCOPES: Final = ("scope", "scp", "permissions")
"""Claims that may hold scopes: RFC 8693's, that of Entra and Okta, and Auth0's."""

ROLES: Final = (*SCOPES, "roles", "groups", "cognito:groups")
"""Claims that may hold `ADJUDICATE`: a scope, or a role or group of that name, which no client has to ask for."""

MOST_CHARACTERS: Final = 128


@dataclass(frozen=True)
class Caller:
    """The person or program behind a token."""

    name: str
    scopes: frozenset[str]
    adjudicator: bool = False


def caller(claims: Mapping[str, Any]) -> Caller:
    """Read verified claims.

    Raises:
        ProblemError: 401, there are none, or none that names the caller.
    """
    name = next((str(claims[claim]) for claim in NAMES if claims.get(claim)), "")
    if not name:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "send a bearer token of the issuer that this deployment trusts")
    return Caller(
        name[:MOST_CHARACTERS],
        frozenset(word for claim in SCOPES for word in _words(claims.get(claim))),
        any(ADJUDICATE in _words(claims.get(claim)) for claim in ROLES),
    )


def _words(scopes: Any) -> list[str]:
    """A claim's scopes: a list, or a text as issuers write one, or as API Gateway writes a list."""
    if isinstance(scopes, str):
        return scopes.strip("[]").replace(",", " ").split()
    return list(map(str, scopes or ()))


def authorize(claims: Mapping[str, Any], method: str, path: str) -> Caller:
    """Let a caller read with `READ`, upload with `UPLOAD`, and write all else with `REVIEW`.

    Raises:
        ProblemError: 401 without a caller, 403 without the scope.
    """
    who = caller(claims)
    scope = scope_of(method, path)
    if scope not in who.scopes:
        raise ProblemError(HTTPStatus.FORBIDDEN, f"the token lacks the scope {scope}")
    return who


def scope_of(method: str, path: str) -> str:
    """The scope that a request needs."""
    if method in {"GET", "HEAD"}:
        return READ
    return UPLOAD if path == UPLOADS or path.startswith(f"{UPLOADS}/") else REVIEW


_current_caller: ContextVar[Caller] = ContextVar("caller")


@contextmanager
def as_caller(who: Caller) -> Iterator[None]:
    """Let everything inside know who asks."""
    token = _current_caller.set(who)
    try:
        yield
    finally:
        _current_caller.reset(token)


def current_caller() -> Caller:
    """Who asks; within `as_caller` alone."""
    return _current_caller.get()
