"""The API and the page on 127.0.0.1: HTTP in, API Gateway's events to the application, its answers out."""

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

HOST: Final = "127.0.0.1"
MOST_BODY_BYTES: Final = 1024**2

Application = Callable[[dict[str, Any], Any], dict[str, Any]]
Authorizer = Callable[[Mapping[str, str], str, str], dict[str, Any]]
"""(headers, method, path) -> the claims of whoever asks; what API Gateway's authorizer does in a deployment."""


@contextmanager
def serving(application: Application, authorizer: Authorizer, port: int = 0) -> Iterator[str]:
    """Serve an application until the block ends; yields the address.

    Raises:
        OSError: the port is taken.
    """
    lock = threading.Lock()  # a Lambda environment answers one request at a time, and the application counts on it

    def apply(event: dict[str, Any]) -> dict[str, Any]:
        with lock:
            return application(event, None)

    handler = type("Handler", (_Handler,), {"apply": staticmethod(apply), "authorizer": staticmethod(authorizer)})
    with listening(handler, port) as address:
        yield address


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], port: int = 0) -> Iterator[str]:
    """Answer HTTP on 127.0.0.1 until the block ends, each request in a thread of its own; yields the address.

    Raises:
        OSError: the port is taken.
    """
    with ThreadingHTTPServer((HOST, port), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def event_of(
    method: str, target: str, headers: Mapping[str, str], body: bytes, claims: dict[str, Any]
) -> dict[str, Any]:
    """A request in API Gateway's payload format 2.0.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    url = urlsplit(target)
    query = parse_qs(url.query, keep_blank_values=True)
    path = unquote(url.path)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": url.query,
        "headers": {name.lower(): value for name, value in headers.items()},
        "requestContext": {
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": HOST},
            "stage": "$default",
            "authorizer": {"jwt": {"claims": claims, "scopes": None}},
        },
        "isBase64Encoded": bool(body),
    }
    if query:
        event["queryStringParameters"] = {name: ",".join(values) for name, values in query.items()}
    if body:
        event["body"] = base64.b64encode(body).decode()
    return event


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    apply: Callable[[dict[str, Any]], dict[str, Any]]
    authorizer: Authorizer

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        if size > MOST_BODY_BYTES:
            self.send_error(413)
            return
        headers = dict(self.headers.items())
        claims = self.authorizer(headers, self.command, urlsplit(self.path).path)
        answer = self.apply(event_of(self.command, self.path, headers, self.rfile.read(size), claims))
        body = answer.get("body") or ""
        data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        with suppress(ConnectionError):  # whoever asked may be gone
            self._send(answer["statusCode"], answer.get("headers", {}), data)

    def _send(self, status: int, headers: Mapping[str, str], data: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_TRACE = do_QUERY = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing: addresses may hold what no log should."""
