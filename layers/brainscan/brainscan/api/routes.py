"""The routes under /v1: each is one question to the table, or one review."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from http import HTTPStatus
from inspect import cleandoc
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BeforeValidator, ValidationError

from brainscan.api.links import Linker
from brainscan.api.models import (
    ExportPage,
    ExportView,
    HistoryAnswer,
    ModelInUse,
    ModelsAnswer,
    NewReview,
    ScanPage,
    ScanView,
    SeriesView,
    StatisticsAnswer,
)
from brainscan.api.problems import ProblemError
from brainscan.domain import Export, Outcome, Probability, ReviewState, ScanRecord, TumorClass
from brainscan.services import results, table
from brainscan.settings import settings
from brainscan.store import Page, Table
from brainscan.store.table.worklist import MOST_DAYS, Wanted, days_between, worklist

T = TypeVar("T")

_NO_QUERY = "no query parameter is known here"

router = APIGatewayHttpRouter()

F = TypeVar("F", bound=Callable[..., Any])


def _described(method: Callable[..., Any], rule: str, **told: Any) -> Callable[[F], F]:
    """Register a route whose description in the OpenAPI document is its function's docstring."""

    def register(function: F) -> F:
        told["middlewares"] = [_only_declared_parameters]
        registered: F = method(rule, description=cleandoc(function.__doc__ or ""), **told)(function)
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
From = Annotated[
    IsoDate | None, Query(alias="from", description=f"first UTC day; up to {MOST_DAYS} days are one question")
]
To = Annotated[IsoDate | None, Query(alias="to", description="last UTC day; today where none is given")]


@_described(router.get, "/scans", summary="The worklist", operation_id="worklist", tags=["scans"])
def list_scans(
    finding: Annotated[TumorClass | None, Query(description="the class that stands")] = None,
    outcome: Annotated[Outcome | None, Query(description="what became of the scan; queued ones are in exports")] = None,
    review: Annotated[ReviewState | None, Query(description="where it stands with its readers")] = None,
    model_id: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="the network that answered")] = None,
    min_confidence: Annotated[Probability, Query(description="certainty in the class that stands")] = 0.0,
    first: From = None,
    last: To = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ScanPage:
    """Scans that arrived on some days, narrowed as wanted; with `finding`, the most certain of each day come first."""
    wanted = Wanted(
        days=_days(first, last),
        finding=finding,
        outcome=outcome,
        review=review,
        model_id=model_id,
        min_confidence=min_confidence,
    )
    return _page(worklist(_table(), wanted, limit, cursor))


@_described(router.get, "/scans/<scan_id>", summary="One scan", operation_id="scan", tags=["scans"])
def get_scan(scan_id: Id) -> ScanView:
    """All that is known of a scan, with links that hold for some minutes."""
    return _view(_found(_table().scans.get(scan_id), "scan"))


@_described(
    router.get, "/scans/<scan_id>/reviews", summary="Reviews of a scan", operation_id="reviews", tags=["reviews"]
)
def list_reviews(scan_id: Id) -> HistoryAnswer:
    """Every verdict on a scan, the first one first."""
    _found(_table().scans.get(scan_id), "scan")
    return HistoryAnswer(items=tuple(_table().scans.history(scan_id)))


@_described(
    router.post,
    "/scans/<scan_id>/reviews",
    summary="Review a scan",
    operation_id="review",
    tags=["reviews"],
    status_code=201,
)
def add_review(scan_id: Id, new: NewReview) -> ScanView:
    """Confirm, correct or reject a finding; 409 if the scan has changed since the reader saw `revision` of it."""
    reader = router.context["caller"].name
    try:
        after = _table().scans.review(scan_id, new.revision, new.verdict, new.corrected, reader)
    except ValidationError:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "a correction, and nothing else, names the corrected class"
        ) from None
    return _view(_found(after, "scan"))


@_described(router.get, "/series/<series_id>", summary="One series", operation_id="series", tags=["series"])
def get_series(series_id: Id) -> SeriesView:
    """A series with its live counts, and links to what was written for it."""
    series = _found(_table().series.get(series_id), "series")
    return SeriesView(**series.model_dump(), links=_linker().of_series(series_id))


@_described(
    router.get, "/series/<series_id>/scans", summary="Slices of a series", operation_id="slices", tags=["series"]
)
def list_slices(series_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ScanPage:
    """Scans of a series, in the order of its slices."""
    return _page(_table().series.scans(series_id, limit, cursor))


@_described(router.get, "/studies/<study_id>/scans", summary="Scans of a study", operation_id="study", tags=["studies"])
def list_of_study(study_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ScanPage:
    """Scans of a study, series by series."""
    return _page(_table().queries.of_study(study_id, limit, cursor))


@_described(
    router.get, "/patients/<patient_id>/scans", summary="Scans of a patient", operation_id="patient", tags=["studies"]
)
def list_of_patient(patient_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ScanPage:
    """Scans of a patient's pseudonym, latest first."""
    return _page(_table().queries.of_patient(patient_id, limit, cursor))


@_described(router.get, "/exports", summary="Exports of a day", operation_id="exports", tags=["exports"])
def list_exports(day: Day = None, limit: Limit = 50, cursor: Cursor = None) -> ExportPage:
    """Uploaded objects, latest first; ask for one of them to see its live counts."""
    page = _table().exports.of_day((day or _today()).isoformat(), limit, cursor)
    return ExportPage(items=page.items, cursor=page.cursor)


@_described(router.get, "/exports/<export_id>", summary="One export", operation_id="export", tags=["exports"])
def get_export(export_id: Id) -> ExportView:
    """An uploaded object with its live progress."""
    export: Export = _found(_table().exports.get(export_id), "export")
    return ExportView(**export.model_dump())


@_described(
    router.get, "/exports/<export_id>/scans", summary="Scans of an export", operation_id="of_export", tags=["exports"]
)
def list_of_export(export_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ScanPage:
    """Scans of an export in the order of its files, queued ones included."""
    return _page(_table().queries.of_export(export_id, limit, cursor))


@_described(router.get, "/statistics", summary="Counts a day", operation_id="statistics", tags=["statistics"])
def get_statistics(first: From = None, last: To = None) -> StatisticsAnswer:
    """Scans by outcome, class, review and model, for each day of arrival, latest first."""
    return StatisticsAnswer(days=tuple(_table().statistics.of_day(day) for day in _days(first, last)))


@_described(router.get, "/models", summary="Models in use", operation_id="models", tags=["statistics"])
def list_models(first: From = None, last: To = None) -> ModelsAnswer:
    """Versions of the network that answered scans of these days."""
    total = Counter[str]()
    for day in _days(first, last):
        total.update(_table().statistics.of_day(day).models)
    return ModelsAnswer(models=tuple(ModelInUse(model_id=each, scans=n) for each, n in total.most_common()))


def objects_origin() -> str:
    """Where links lead, as scheme and host: the page may load images from there and from nowhere else."""
    link = urlsplit(_linker().results.presigned("origin", "image/png", "origin", 1))
    return f"{link.scheme}://{link.netloc}"


@cache
def _table() -> Table:
    return table(settings())


@cache
def _linker() -> Linker:
    return Linker(results(settings()), settings().link_seconds)


def _page(page: Page[ScanRecord]) -> ScanPage:
    return ScanPage(items=tuple(map(_view, page.items)), cursor=page.cursor)


def _view(record: ScanRecord) -> ScanView:
    return ScanView(**record.model_dump(), links=_linker().of_scan(record))


def _found(thing: T | None, what: str) -> T:
    if thing is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no such {what}")
    return thing


def _today() -> date:
    return datetime.now(UTC).date()


def _days(first: date | None, last: date | None) -> tuple[str, ...]:
    until = last or max(_today(), first or _today())
    try:
        return days_between(first or until, until)
    except ValueError as wrong:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(wrong)) from None
