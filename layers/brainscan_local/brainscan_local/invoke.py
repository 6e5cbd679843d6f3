"""Lambda's Invoke API on 127.0.0.1: how a state machine, in moto's process, calls the functions, in this one."""

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from brainscan_local.functions import Function
from brainscan_local.web import listening

_PATH = re.compile(r"/2015-03-31/functions/(?:[^/]*%3A|[^/]*:)?([^/:%]+)/invocations")


@contextmanager
def invoking(functions: Mapping[str, Function]) -> Iterator[str]:
    """Invoke functions by their names until the block ends, of each one at a time; yields the address.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html

    Args:
        functions: By name; asked at each request, so that it may be filled later.
    """
    locks: dict[str, threading.Lock] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            named = _PATH.match(self.path)
            function = functions.get(named[1]) if named else None
            if function is None:
                self._answer(404, {"Message": "no such function", "Type": "User"}, {"x-amzn-ErrorType": _UNKNOWN})
                return
            try:
                with locks.setdefault(function.name, threading.Lock()):
                    answer, headers = function.invoke(event), {}
            except BaseException as error:  # a process that is killed is a failed invocation as well
                answer = {"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": []}
                headers = {"X-Amz-Function-Error": "Unhandled"}
            self._answer(200, answer, headers)

        def _answer(self, status: int, answer: Any, headers: Mapping[str, str]) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": len(body)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Functions log for themselves."""

    with listening(Handler) as address:
        yield address


_UNKNOWN = "ResourceNotFoundException"
