"""Messages that end the process of whoever is given them, at a certain call to AWS and whenever they come."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from tests.chaos.functions import Function


@contextmanager
def deadly(function: str, queue: str, speaks_of_it: Callable[[Any], bool], at_call: int = 1) -> Iterator[None]:
    """Has every invocation of a function end that is given a message of a queue of which `speaks_of_it` holds."""
    invoke = Function.invoke

    def dying(self: Any, event: Any, name: str, done: Any) -> None:
        records = [each for each in event["Records"] if each["eventSourceARN"].endswith(f":{queue}")]
        if self.name == function and any(speaks_of_it(json.loads(each["body"])) for each in records):
            with patch.object(self._plan, "kill_at", lambda *_: at_call):
                invoke(self, event, name, done)
        else:
            invoke(self, event, name, done)

    with patch.object(Function, "invoke", dying):
        yield
