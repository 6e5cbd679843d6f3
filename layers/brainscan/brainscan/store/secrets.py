"""Texts of Secrets Manager: remembered for a while, and asked for by the one retry policy."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from brainscan.store.retry import retried

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider


class Secrets:
    """Client and library are loaded when a secret is first asked for: who has no need of one does not wait for them."""

    def __init__(self, client: Callable[[], Any]) -> None:
        """Take what makes a client of Secrets Manager."""
        self._client = client

    def text(self, arn: str, max_age_s: int) -> str:
        """The current version, or what it was at most so many seconds ago.

        Raises:
            botocore.exceptions.ClientError: Secrets Manager refuses it, or cannot answer for as long as is tried.
        """
        return str(retried(lambda: self._read(arn, max_age_s)))

    def _read(self, arn: str, max_age_s: int) -> str | bytes | dict[str, Any] | None:
        from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

        try:
            return self._provider.get(arn, max_age=max_age_s)
        except GetParameterError as error:  # says what it wraps by its text alone
            raise error.__context__ or error from None

    @cached_property
    def _provider(self) -> "SecretsProvider":
        from aws_lambda_powertools.utilities.parameters import SecretsProvider

        return SecretsProvider(boto3_client=self._client())
