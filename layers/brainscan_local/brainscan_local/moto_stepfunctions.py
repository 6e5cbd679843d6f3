"""moto's Step Functions, which runs state machines: its calls go to this server, those of Lambda to the laptop stack.

It knows no express batches of items, tolerates no failed batch less or more than told, and writes of a distributed
map's results the manifest alone.
"""

import time
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config
from moto.core.config import default_user_config
from moto.stepfunctions.parser.asl.utils import boto_client

LONGEST_INVOCATION_S = 900

LONGEST_PAUSE_S = 0.2
"""What a state waits before it tries again, in place of its retriers' growing seconds: nobody else uses this AWS."""


@cache  # once: what is patched already would be wrapped anew
def patch(own_url: Callable[[], str], lambda_url: str | None) -> None:
    """Have this process's moto run state machines.

    Args:
        own_url: Where this server answers, once it does.
        lambda_url: Where functions are invoked; None: there are none.
    """
    default_user_config["stepfunctions"]["execute_state_machine"] = True

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:  # noqa: ARG001 - moto's own
        shorten_pauses()
        endpoint = lambda_url if service == "lambda" and lambda_url else own_url()
        config = Config(
            parameter_validation=False, retries={"total_max_attempts": 1}, read_timeout=LONGEST_INVOCATION_S
        )
        credentials = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": region}
        return boto3.client(service, endpoint_url=endpoint, config=config, **credentials)  # type: ignore[call-overload]

    module: Any = boto_client  # before the parser is imported, which takes the function by its name
    module.boto_client_for = client_for


@cache
def shorten_pauses() -> None:
    """Have retriers wait `LONGEST_PAUSE_S` at most."""
    from moto.stepfunctions.parser.asl.component.common.retry import (
        retrier_decl,
    )  # large; only machines that run need it

    clock: Any = SimpleNamespace(sleep=lambda seconds: time.sleep(min(seconds, LONGEST_PAUSE_S)))
    vars(retrier_decl)["time"] = clock
