"""The page: its files, the sign-in that it offers, and the hosts that it may reach."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from brainscan.api import page
from brainscan.api.issuer import forget
from brainscan.settings import settings
from tests.unit.api.conftest import Ask


class TestPage:
    @pytest.mark.parametrize(
        "path",
        sorted(f"/static/{each}" for each in (*page.GENERATED, *(path.name for path in page.STATIC.glob("*.*")))),
    )
    def test_every_file_is_served_as_what_it_is(self, ask: Ask, path: Any) -> None:
        answered = ask("GET", path, claims={})
        assert answered.status == 200
        kinds = {"js": "text/javascript", "css": "text/css", "html": "text/html", "svg": "image/svg+xml"}
        assert answered.headers["Content-Type"] == kinds[path.rpartition(".")[2]]

    def test_a_sign_in_is_offered_where_the_deployment_has_a_client_for_it(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert ask("GET", "/page.json", claims={}).json["client_id"] == ""
        with describing({"token_endpoint": "https://tokens.example/oauth2/token"}) as issuer:
            monkeypatch.setenv("BRAINSCAN_OIDC_ISSUER", issuer)
            monkeypatch.setenv("BRAINSCAN_OIDC_CLIENT_ID", "page")
            settings.cache_clear()
            answered = ask("GET", "/page.json", claims={})
        assert answered.json["scopes"] == ["brainscan/read", "brainscan/review", "brainscan/upload"]
        assert answered.json["authorization_endpoint"] == f"{issuer}/authorize"
        assert answered.json["token_endpoint"] == "https://tokens.example/oauth2/token"

    def test_the_page_may_reach_the_host_that_gives_tokens_and_no_path_is_named(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with describing({"token_endpoint": "https://tokens.example/oauth2/token"}, "/realms/hospital") as issuer:
            monkeypatch.setenv("BRAINSCAN_OIDC_ISSUER", issuer)
            monkeypatch.setenv("BRAINSCAN_OIDC_CLIENT_ID", "page")
            settings.cache_clear()
            policy = ask("GET", "/", claims={}).headers["Content-Security-Policy"]
        [connect] = [each.split()[1:] for each in policy.split("; ") if each.startswith("connect-src")]
        assert "https://tokens.example" in connect
        assert not [source for source in connect if "/" in source.partition("://")[2]]

    @pytest.mark.parametrize(
        "said",
        [{"issuer": "https://another.example"}, {"token_endpoint": "http://tokens.example"}, {"token_endpoint": None}],
    )
    def test_an_issuer_that_is_not_what_it_should_be_is_left_alone_and_the_page_stands(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]
    ) -> None:
        with describing(said) as issuer:
            monkeypatch.setenv("BRAINSCAN_OIDC_ISSUER", issuer)
            monkeypatch.setenv("BRAINSCAN_OIDC_CLIENT_ID", "page")
            settings.cache_clear()
            told = ask("GET", "/page.json", claims={}).json
        assert (told["client_id"], told["authorization_endpoint"], told["token_endpoint"]) == ("page", "", "")
        assert ask("GET", "/", claims={}).status == 200


@contextmanager
def describing(said: dict[str, object], path: str = "") -> Iterator[str]:
    """An issuer on this machine that describes itself, but for what it says otherwise; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = {"issuer": issuer, "authorization_endpoint": f"{issuer}/authorize"} | said
            known = self.path == f"{path}/.well-known/openid-configuration"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    forget()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = f"http://127.0.0.1:{server.server_port}{path}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield issuer
        server.shutdown()
