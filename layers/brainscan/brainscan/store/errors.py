"""What AWS refused a call for, by its error code.

Codes are compared as text: botocore makes the classes under `client.exceptions` when they are first asked for, and two
threads that ask at once may each catch a class that the other's errors are no instance of.
"""

from typing import Final

from botocore.exceptions import ClientError

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
TRANSACTION_CANCELLED: Final = "TransactionCanceledException"
INVALID_REQUEST: Final = "ValidationException"


def error_code(error: BaseException | None) -> str:
    """The code of a service's error, such as "NoSuchKey"; empty for what no service said."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def cancellation_codes(error: ClientError) -> list[str]:
    """Why a transaction was cancelled, action by action; "None" where an action was not the cause."""
    reasons = error.response.get("CancellationReasons", [])
    return [str(reason.get("Code", "None")) for reason in reasons]
