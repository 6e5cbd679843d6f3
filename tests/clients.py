"""Clients of in-process AWS that tests share: to make one takes longer than most calls."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest

_make: Callable[..., Any] = boto3.client
_made: dict[tuple[str, ...], Any] = {}


@contextmanager
def shared_clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block `boto3.client` gives the clients of earlier tests; handlers of their events go at its end."""
    lent: list[Any] = []
    handlers: list[tuple[Any, str, Any]] = []

    def lend(events: Any) -> None:
        register = events.register

        def noted(event: str, handler: Any, *rest: Any, **named: Any) -> None:
            handlers.append((events, event, handler))
            register(event, handler, *rest, **named)

        monkeypatch.setattr(events, "register", noted)

    def client(service: str, **asked: Any) -> Any:
        key = service, os.environ["AWS_DEFAULT_REGION"], _text(asked)
        made = _made[key] = _made.get(key) or _make(service, **asked)
        if all(made is not each for each in lent):
            lent.append(made)
            lend(made.meta.events)
        return made

    monkeypatch.setattr(boto3, "client", client)
    yield
    for events, event, handler in handlers:
        events.unregister(event, handler)


def _text(asked: dict[str, Any]) -> str:
    """Arguments of a client as text; of a configuration, what it states."""
    stated = {name: sorted(vars(each).items()) if name == "config" and each else each for name, each in asked.items()}
    return repr(sorted(stated.items()))
