"""Only tokens of the trusted issuer pass, each as far as its scopes reach: gateway and function together."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from brainscan.api.access import READ, REVIEW, caller
from brainscan.domain import Outcome, TumorClass
from brainscan.store import Table
from tests.making import a_record, analyzed
from tests.unit.api.conftest import Ask
from tests.unit.api.gateway import Gateway


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def scan_id(table: Table) -> Any:
    record = a_record()
    table.scans.register([record])
    table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED])
    return record.scan_id


@pytest.fixture
def through(gateway: Gateway, ask: Ask) -> Callable[..., Any]:
    """Ask through the gateway: (status, what the function answered, if it was reached)."""

    def asking(method: Any, path: str, token: Any = None, body: Any = None) -> Any:
        status, claims = gateway.admit(method, path, f"Bearer {token}" if token else None)
        if status != 200:
            return status, None
        answered = ask(method, path, body=body, claims=claims)
        return answered.status, answered

    return asking


def tampered(token: str) -> str:
    """The same token with a later end in it, under the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    claims["exp"] += 3600
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"{header}.{changed}.{signature}"


def test_a_readers_token_reads_and_reviews(through: Callable[..., Any], gateway: Gateway, scan_id: Any) -> None:
    status, answered = through("GET", f"/v1/scans/{scan_id}", gateway.token())
    assert (status, answered.json["finding"]) == (200, "glioma")
    body = {"verdict": "confirmed", "revision": 0}
    status, answered = through("POST", f"/v1/scans/{scan_id}/reviews", gateway.token(), body)
    assert (status, answered.json["review"]["reader"]) == (201, "Dr. Reader")


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda gateway: None, 401),
        (lambda gateway: "nonsense", 401),
        (lambda gateway: tampered(gateway.token()), 401),
        (lambda gateway: gateway.token(exp=int(time.time()) - 60), 401),
        (lambda gateway: gateway.token(exp=None), 401),
        (lambda gateway: gateway.token(iss="https://other.example"), 401),
        (lambda gateway: gateway.token(aud="another application"), 401),
        (lambda gateway: gateway.token(key=RSAKey.generate_key(2048, {"kid": "1"})), 401),
        (lambda gateway: gateway.token(scope="openid"), 403),
        (lambda gateway: gateway.token(scope=None), 403),
    ],
    ids=[
        "no token",
        "no JWT",
        "tampered",
        "expired",
        "never ends",
        "other issuer",
        "other audience",
        "other key",
        "wrong scope",
        "no scope",
    ],
)
def test_any_other_token_neither_reads_nor_reviews(
    through: Callable[..., Any], gateway: Gateway, scan_id: Any, make: Callable[..., Any], status: int
) -> None:
    body = {"verdict": "rejected", "revision": 0}
    assert through("GET", f"/v1/scans/{scan_id}", make(gateway))[0] == status
    assert through("POST", f"/v1/scans/{scan_id}/reviews", make(gateway), body)[0] == status


def test_the_scope_to_read_does_not_review_and_the_scope_to_review_does_not_read(
    through: Callable[..., Any], gateway: Gateway, scan_id: Any
) -> None:
    reader, reviewer = gateway.token(scope="brainscan/read"), gateway.token(scope="brainscan/review")
    body = {"verdict": "confirmed", "revision": 0}
    assert through("GET", f"/v1/scans/{scan_id}", reader)[0] == 200
    assert through("POST", f"/v1/scans/{scan_id}/reviews", reader, body)[0] == 403
    assert through("GET", f"/v1/scans/{scan_id}", reviewer)[0] == 403


@pytest.mark.parametrize("claim", ["scope", "scp", "permissions"])
def test_a_token_reads_wherever_its_issuer_puts_scopes(
    through: Callable[..., Any], gateway: Gateway, scan_id: Any, claim: str
) -> None:
    told: dict[str, Any] = {"scope": None, claim: ["brainscan/read"] if claim != "scope" else "brainscan/read"}
    assert through("GET", f"/v1/scans/{scan_id}", gateway.token(**told))[0] == 200
    body = {"verdict": "confirmed", "revision": 0}
    assert through("POST", f"/v1/scans/{scan_id}/reviews", gateway.token(**told), body)[0] == 403


def test_only_the_scope_to_upload_uploads(through: Callable[..., Any], gateway: Gateway) -> None:
    body = {"bytes": 10}
    assert through("POST", "/v1/uploads", gateway.token(), body)[0] == 201
    for scope in ("brainscan/read", "brainscan/review"):
        assert through("POST", "/v1/uploads", gateway.token(scope=scope), body)[0] == 403
        assert through("POST", f"/v1/uploads/{'0' * 32}/parts", gateway.token(scope=scope), body)[0] == 403


def test_nothing_else_is_routed(through: Callable[..., Any], gateway: Gateway) -> None:
    for method, path in (("DELETE", "/v1/scans"), ("PUT", "/v1/scans"), ("POST", "/v1/exports"), ("GET", "/v2/scans")):
        assert through(method, path, gateway.token()) == (404, None)


def test_the_page_itself_needs_no_token(through: Callable[..., Any]) -> None:
    assert through("GET", "/")[0] == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": "openid brainscan/read brainscan/review"},
        {"scope": "[openid brainscan/read brainscan/review]"},
        {"scp": ["brainscan/read", "brainscan/review"]},
        {"scope": "openid profile", "permissions": ["brainscan/read", "brainscan/review"]},
        {"scope": "brainscan/read", "scp": "brainscan/review"},
        {"permissions": "[brainscan/read, brainscan/review]"},
    ],
)
def test_scopes_are_found_where_issuers_put_them(claims: dict[str, Any]) -> None:
    assert {READ, REVIEW} <= caller({"name": "Dr. Reader", **claims}).scopes


def test_a_claim_that_holds_no_scope_gives_none() -> None:
    assert caller({"name": "Dr. Reader", "scope": "", "scp": None, "permissions": []}).scopes == frozenset()
