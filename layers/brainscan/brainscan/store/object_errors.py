"""What S3 has no longer, or does not give, as errors of ours: their text quotes no key, which may hold a name."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from brainscan.domain import BrainscanError, Reason
from brainscan.store.errors import error_code


class ObjectGoneError(BrainscanError):
    """The object, or the version of it that an event names, no longer exists."""


class ObjectDeniedError(BrainscanError):
    """S3 has the object and will not give it, now or on a retry, for a `reason` that becomes part of its outcome."""

    def __init__(self, reason: Reason, remedy: str) -> None:
        super().__init__(f"{reason}: {remedy}")
        self.reason = reason


class UploadUnreadError(BrainscanError):
    """S3 did not give the bytes of an upload: to be retried, and no fault of what is in it.

    No `OSError`, which `zipfile` takes for a damaged archive.
    """


@contextmanager
def typed_s3_errors() -> Iterator[None]:
    """Say what S3 lacks or withholds; any other error rises as it came."""
    try:
        yield
    except (ClientError, OSError) as error:
        cause = error if isinstance(error, ClientError) else getattr(error, "backend_error", error.__cause__)
        if is_gone(cause):
            raise ObjectGoneError("the object or its version no longer exists; upload it again") from None
        if isinstance(cause, ClientError):
            if withheld := _withheld(cause):
                raise withheld from None
            raise cause from None  # smart_open's own text quotes the key, and a key may hold a name
        raise


def is_gone(error: BaseException | None) -> bool:
    """Whether S3 says that there is no such object or version."""
    return error_code(error) in {"NoSuchKey", "NoSuchVersion", "404", "405", "MethodNotAllowed"}


@contextmanager
def typed_read_errors() -> Iterator[None]:
    """The same while an upload is read, where an `OSError` would pass for a damaged archive."""
    try:
        with typed_s3_errors():
            yield
    except OSError as error:
        raise UploadUnreadError(f"S3 did not give the upload's bytes: {type(error).__name__}") from None


def _withheld(error: ClientError) -> ObjectDeniedError | None:
    """What no retry will change; any other denial may be ours, and is retried.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    code, message = error_code(error), error.response["Error"].get("Message", "")
    if code == "InvalidObjectState":
        return ObjectDeniedError(Reason.OBJECT_ARCHIVED, "restore the object and copy it over itself")
    if code.startswith("KMS.") or (code == "AccessDenied" and "kms:" in message):
        return ObjectDeniedError(Reason.KEY_DENIED, "let intake decrypt by the object's key, then upload it again")
    return None
