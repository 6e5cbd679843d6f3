"""Every error as a problem document (RFC 9457), none with a value that a client sent."""

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from brainscan.api.models import FieldProblem, Problem
from brainscan.domain import AdjudicatorNeededError, BrainscanError, NothingToWithdrawError
from brainscan.domain.comment import CommentError
from brainscan.imaging.reader_mask import ReaderMaskError
from brainscan.observability import error_fields, logger
from brainscan.store.multipart import UploadGoneError, UploadIncompleteError
from brainscan.store.table.cursors import CursorError
from brainscan.store.table.scans import NotReviewableError, ReviewConflictError

CONTENT_TYPE = "application/problem+json"

STATUS: dict[type[BrainscanError], HTTPStatus] = {
    AdjudicatorNeededError: HTTPStatus.FORBIDDEN,
    NothingToWithdrawError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CommentError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CursorError: HTTPStatus.BAD_REQUEST,
    UploadGoneError: HTTPStatus.NOT_FOUND,
    UploadIncompleteError: HTTPStatus.CONFLICT,
    ReaderMaskError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ReviewConflictError: HTTPStatus.CONFLICT,
    NotReviewableError: HTTPStatus.UNPROCESSABLE_ENTITY,
}


class ProblemError(BrainscanError):
    """What a route cannot answer; its text becomes the problem's detail."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


def problem(
    status: HTTPStatus,
    detail: str,
    errors: tuple[FieldProblem, ...] = (),
    headers: dict[str, str | list[str]] | None = None,
) -> Response[str]:
    """A problem document as an HTTP response."""
    document = Problem(title=status.phrase, status=status.value, detail=detail, errors=errors)
    body = document.model_dump(mode="json", exclude_defaults=False)
    return Response(status.value, CONTENT_TYPE, json.dumps(body), headers=headers)


def problem_of_error(error: BrainscanError) -> Response[str]:
    """A problem for an error that we raised on purpose."""
    status = error.status if isinstance(error, ProblemError) else STATUS.get(type(error))
    if status is None:
        return problem_of_unexpected(error)
    return problem(status, str(error))


def problem_of_validation(error: RequestValidationError) -> Response[str]:
    """Name the fields that are wrong; pydantic's own words may quote their values."""
    errors = tuple(FieldProblem(field=_field_path(each), problem=str(each["type"])) for each in error.errors())
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request does not fit the API's description", errors)


def problem_of_unexpected(error: Exception) -> Response[str]:
    """Log what happened, and tell the client no more than that it did."""
    fields: dict[str, Any] = dict(error_fields(error))
    logger.error("request failed", **fields)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here; the request may be repeated")


def _field_path(error: dict[str, Any]) -> str:
    """Where the field is; a field that nobody declared is the client's own word, and stays out."""
    place = error["loc"][:-1] if error["type"] == "extra_forbidden" else error["loc"]
    return ".".join(map(str, place))
