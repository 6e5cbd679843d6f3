"""The functions' own handlers, imported from the checkout and called as Lambda calls them."""

import importlib.util
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from brainscan_local.template import ACCOUNT, REGION, STACK, TASK_ROOT, Attribute, FunctionSpec, Template, TemplateError

Handler = Callable[[dict[str, Any], Any], Any]


@dataclass(frozen=True)
class Context:
    """What Lambda tells a handler about its invocation.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    function_name: str
    memory_limit_in_mb: int
    deadline: float = field(repr=False)
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    log_stream_name: str = "local"
    identity: None = None
    client_context: None = None

    @property
    def invoked_function_arn(self) -> str:
        """ARN of the function."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """Where its logs would go."""
        return f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda would end the invocation; nothing ends it here."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True)
class Function:
    """A loaded function."""

    name: str
    handler: Handler
    timeout_s: int
    memory_mb: int

    def invoke(self, event: dict[str, Any]) -> Any:
        """The handler's answer; what it raises goes through."""
        try:
            return self.handler(event, Context(self.name, self.memory_mb, time.monotonic() + self.timeout_s))
        finally:
            _drop_metrics()


def name_of(logical_id: str) -> str:
    """What a function is called here, by its name in the template."""
    return f"{STACK}-{logical_id}"


def _drop_metrics() -> None:
    """Forget an invocation's metrics where they are disabled: Powertools would keep them, and print every hundred."""
    if os.environ.get("POWERTOOLS_METRICS_DISABLED") == "true":
        from brainscan.observability import metrics  # not before the environment that it reads is set

        metrics.clear_metrics()


def load(spec: FunctionSpec) -> Function:
    """Import a function's handler under a name of its own, whatever its module is called.

    The environment must be set before: modules may read it, as they may on Lambda.

    Raises:
        TemplateError: the module or handler that the template names does not exist.
    """
    module_name, _, attribute = spec.handler.rpartition(".")
    path = spec.folder / f"{module_name}.py"
    unique = f"{STACK}_local_{spec.logical_id}"
    description = importlib.util.spec_from_file_location(unique, path)
    if not path.is_file() or description is None or description.loader is None:
        raise TemplateError(f"{spec.logical_id}: there is no {path}")
    module = importlib.util.module_from_spec(description)
    sys.modules[unique] = module
    description.loader.exec_module(module)
    handler = getattr(module, attribute, None)
    if handler is None:
        raise TemplateError(f"{spec.logical_id}: {path} has no {attribute}")
    return Function(name_of(spec.logical_id), handler, spec.timeout_s, spec.memory_mb)


def environment_of(functions: Iterable[FunctionSpec], template: Template, attribute: Attribute) -> dict[str, str]:
    """The environment of all functions together, since here they share a process.

    Raises:
        TemplateError: two functions want different values of one variable.
    """
    merged: dict[str, str] = {}
    for spec in functions:
        for name, value in _environment(spec, template.resolve(spec.environment, attribute)).items():
            if merged.setdefault(name, value) != value:
                raise TemplateError(f"{name} differs between functions, which share one process on a laptop")
    return merged


def _environment(spec: FunctionSpec, resolved: Mapping[str, Any]) -> dict[str, str]:
    """Values as text; paths below Lambda's task root become paths in the function's folder."""
    texts = {name: str(value) for name, value in resolved.items()}
    root = f"{TASK_ROOT}/"
    return {
        name: str(spec.folder / text.removeprefix(root)) if text.startswith(root) else text
        for name, text in texts.items()
    }
