"""What all routes share: parameters and their checks, documented registration, the table, links, and refusals."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from http import HTTPStatus
from inspect import cleandoc
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BeforeValidator, ValidationError

from brainscan.api.access import current_caller
from brainscan.api.links import Presigner
from brainscan.api.models import NewReview, ScanPage, ScanView
from brainscan.api.problems import ProblemError
from brainscan.domain import Opinion, Reviewed, ReviewRules, ScanRecord
from brainscan.domain.comment import validated_comment
from brainscan.services import inbox, results, table
from brainscan.settings import settings
from brainscan.store import Inbox, Page, Table
from brainscan.store.table.worklist_filter import days_between

T = TypeVar("T")
J = TypeVar("J", bound=Reviewed)

_NO_QUERY = "no query parameter is known here"

F = TypeVar("F", bound=Callable[..., Any])


def documented_route(method: Callable[..., Any], rule: str, **options: Any) -> Callable[[F], F]:
    """Register a route whose description in the OpenAPI document is its function's docstring."""

    def register(function: F) -> F:
        options["middlewares"] = [_only_declared_parameters]
        registered: F = method(rule, description=cleandoc(function.__doc__ or ""), **options)(function)
        return registered

    return register


def _only_declared_parameters(
    application: APIGatewayHttpResolver, go_on: Callable[[APIGatewayHttpResolver], Response[Any]]
) -> Response[Any]:
    """Refuse a misspelt filter, which would otherwise answer as if it had matched everything.

    The problem names what the route takes; a name that nobody declared is the client's own word, and stays out.

    Raises:
        ProblemError: 422, the query has a parameter that the route does not declare.
    """
    declared = [field.alias for field in application.context["_route"].dependant.query_params]
    if not set(application.current_event.query_string_parameters) <= set(declared):
        taken = f"only these query parameters are known here: {', '.join(declared)}" if declared else _NO_QUERY
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, taken)
    return go_on(application)


def _iso_only(text: object) -> object:
    """Numbers would do as days, of the Unix era; nobody who writes one means that."""
    if isinstance(text, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise ValueError("a day is written YYYY-MM-DD")
    return text


Id = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="32 hexadecimal digits")]
Limit = Annotated[int, Query(ge=1, le=200, description="most answers on a page")]
Cursor = Annotated[str | None, Query(max_length=8192, description="of the page before; none for the first page")]
IsoDate = Annotated[date, BeforeValidator(_iso_only)]
Day = Annotated[IsoDate | None, Query(description="a UTC day, YYYY-MM-DD; today where none is given")]
From = Annotated[IsoDate | None, Query(alias="from", description="first UTC day; the last where none is given")]
To = Annotated[IsoDate | None, Query(alias="to", description="last UTC day; today where none is given")]


def objects_origin() -> str:
    """Where links lead, as scheme and host: the page may load images from there and from nowhere else."""
    return _origin(presigner().results.presigned("origin", "image/png", "origin", 1))


def inbox_origin() -> str:
    """Where the page may send files, as scheme and host; empty where it takes none."""
    into = the_inbox()
    return _origin(into.part_link("0" * 32, "origin", 1, 1, "", seconds=1).url) if into else ""


def _origin(link: str) -> str:
    split = urlsplit(link)
    return f"{split.scheme}://{split.netloc}"


@cache
def the_table() -> Table:
    """The table of this deployment."""
    return table(settings())


@cache
def the_inbox() -> Inbox | None:
    """Where this deployment's page sends files; None where it takes none."""
    return inbox(settings())


@cache
def presigner() -> Presigner:
    """Makes links into the results bucket of this deployment."""
    return Presigner(results(settings()), settings().link_seconds)


def rules() -> ReviewRules:
    """By which rules who asks may judge."""
    return ReviewRules(readers=settings().readers, adjudicator=current_caller().adjudicator)


def opinion_of(new: NewReview) -> Opinion:
    """What was sent, as the opinion of who asks.

    Raises:
        ProblemError: 422, a class without a correction, or the reverse.
        CommentError: the comment holds what could tell who a patient is.
    """
    said = new.model_dump(exclude={"revision"}) | {"comment": validated_comment(new.comment or "")}
    try:
        return Opinion(**said, reader=current_caller().name)
    except ValidationError:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "a correction, and nothing else, names the corrected class"
        ) from None


def second_reader() -> str | None:
    """Who asks, where two read each case."""
    return current_caller().name if settings().readers > 1 else None


def blinded_for_caller(item: J) -> J:
    """A scan, series or study as who asks may see it: without a verdict that a second reader must not be moved by."""
    return item.model_copy(update={"review": None, "others": ()}) if item.hides_from(current_caller().name) else item


def page_of(page: Page[ScanRecord]) -> ScanPage:
    """A page of scans as clients see it."""
    return ScanPage(items=tuple(map(view_of, page.items)), cursor=page.cursor)


def view_of(record: ScanRecord) -> ScanView:
    """A scan as clients see it."""
    seen = blinded_for_caller(record)
    return ScanView(**seen.model_dump(), links=presigner().of_scan(seen), blinded=seen is not record)


def require_found(thing: T | None, what: str) -> T:
    """What was asked for; a refusal where there is no such thing."""
    if thing is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no such {what}")
    return thing


def today() -> date:
    """The current UTC day."""
    return datetime.now(UTC).date()


def days_of(first: date | None, last: date | None) -> tuple[str, ...]:
    """Days of a question, the last one first."""
    until = last or max(today(), first or today())
    try:
        return days_between(first or until, until)
    except ValueError as wrong:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(wrong)) from None
