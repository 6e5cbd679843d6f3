"""Readers sign in on the page at a real OpenID Connect provider, which is not where the page comes from."""

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.sync_api import Browser, Page, Request, expect

from brainscan.api import issuer as discovery
from brainscan.api.app import handle_request
from brainscan.settings import settings
from brainscan_local.stack import LocalStack
from brainscan_local.web import serving
from tests.browser.conftest import keeps_somebody_out

PROVIDER = Path(__file__).parent / "issuer"
LONG_S, SHORT_S = 600, 32
"""How long tokens hold; the page renews one 30 s before its end."""


@pytest.fixture
def page_at(stack: LocalStack, chromium: Browser, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Page]]:
    """A fresh browser on the page of a deployment whose tokens hold for so many seconds."""
    if not (PROVIDER / "node_modules").is_dir():
        pytest.skip("the provider is not installed: make browser installs it with npm")
    issuers: list[subprocess.Popen[str]] = []
    trusted: dict[str, Any] = {}

    def authorizer(headers: Mapping[str, str], method: str, path: str) -> dict[str, Any]:
        """As API Gateway does: the claims of a token that the issuer signed for this audience, else none."""
        bearer = headers.get("Authorization", "").removeprefix("Bearer ")
        if not bearer or not path.startswith("/v1/"):
            return {}
        claims: dict[str, Any] = jwt.decode(bearer, trusted["keys"]).claims
        assert (claims["iss"], claims["aud"]) == (trusted["issuer"], "brainscan")
        return claims

    with serving(handle_request, authorizer) as address:

        def opened(seconds: int) -> Page:
            command = [shutil.which("node") or "node", "issuer.js", f"{address}/", str(seconds)]
            started = subprocess.Popen(
                command, cwd=PROVIDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            issuers.append(started)
            assert started.stdout
            trusted["issuer"] = started.stdout.readline().strip()
            with urllib.request.urlopen(f"{trusted['issuer']}/jwks", timeout=10) as keys:  # noqa: S310 - our own
                trusted["keys"] = KeySet.import_key_set(json.load(keys))
            monkeypatch.setenv("BRAINSCAN_OIDC_ISSUER", trusted["issuer"])
            monkeypatch.setenv("BRAINSCAN_OIDC_CLIENT_ID", "page")
            settings.cache_clear()
            discovery.forget()
            page = chromium.new_context(base_url=address).new_page()
            page.goto("/")
            return page

        yield opened
    for each in issuers:
        each.kill()
        each.wait()
    for context in chromium.contexts:
        context.close()
    monkeypatch.undo()
    settings.cache_clear()
    discovery.forget()


def sign_in(page: Page) -> None:
    page.locator("input[name=login]").fill("dr.reader")
    page.locator("input[name=password]").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_reader_signs_in_and_sees_the_worklist_that_was_asked_for(page_at: Callable[[int], Page]) -> None:
    page = page_at(LONG_S)
    sign_in(page)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.goto("/?statistics")
    expect(page.get_by_role("heading", name="Statistics")).to_be_visible()
    assert "code=" not in page.url


def test_from_signing_in_to_a_decision_the_keyboard_is_enough(page_at: Callable[[int], Page]) -> None:
    page = page_at(LONG_S)
    page.locator("input[name=login]").wait_for()
    for name, text in (("login", "dr.reader"), ("password", "any")):
        tab_to(page, f"input[name={name}]")
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Continue").wait_for()
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    page.locator("table.studies tbody tr a.open").first.wait_for()
    page.keyboard.press("j")
    study = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("Enter")
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.keyboard.press("x")
    expect(page.locator("#undo")).to_contain_text("rejected")
    page.keyboard.press("z")
    expect(page).to_have_url(re.compile(re.escape(study)))
    expect(page.locator(".history")).to_contain_text("withdrawn by")


def tab_to(page: Page, selector: str) -> None:
    """Go on with the Tab key until it has the focus."""
    for _ in range(20):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {selector} by keyboard")


def test_a_token_that_ends_is_renewed_without_leaving_the_page(page_at: Callable[[int], Page]) -> None:
    page = page_at(SHORT_S)
    sign_in(page)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.wait_for_timeout(SHORT_S * 1000 - 30_000)
    page.get_by_role("link", name="Uploads").click()
    expect(page.get_by_role("heading", name="Uploads")).to_be_visible()
    renewed = [each for each in asked if "grant_type=refresh_token" in (each.post_data or "")]
    assert renewed
    assert not [each for each in asked if each.is_navigation_request()]


def test_a_refusal_is_told_once_and_not_asked_again(page_at: Callable[[int], Page]) -> None:
    page = page_at(LONG_S)
    asked: list[Request] = []
    page.locator("input[name=login]").wait_for()
    page.on("request", lambda request: asked.append(request))
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("alert").first).to_contain_text("access_denied")
    assert keeps_somebody_out(page) == []
    page.wait_for_timeout(3000)
    assert not [each for each in asked if "/auth?" in each.url]


def test_who_signs_out_has_to_sign_in_again(page_at: Callable[[int], Page]) -> None:
    page = page_at(LONG_S)
    sign_in(page)
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Yes, sign me out").click()
    expect(page.locator("input[name=login]")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('token')") is None
