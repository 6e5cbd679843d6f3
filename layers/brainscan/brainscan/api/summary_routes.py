"""The routes of studies and series under /v1: lists, counts of their filters, one of them, and its reviews."""

from collections.abc import Sequence

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from brainscan import domain
from brainscan.api.filters import ExportId, Finding, ModelId, Order, Reader, Review, filter_of
from brainscan.api.models import CountsResponse, HistoryResponse, NewReview, ReviewView
from brainscan.api.parameters import (
    Cursor,
    From,
    Id,
    Limit,
    To,
    blinded_for_caller,
    documented_route,
    opinion_of,
    presigner,
    require_found,
    rules,
    the_table,
)
from brainscan.api.summary_models import (
    PatientHistory,
    SeriesPage,
    SeriesSummaryView,
    SeriesView,
    StudyPage,
    StudyView,
    StudyWithSeries,
)
from brainscan.domain import SeriesSummary, StudySummary
from brainscan.domain.follow_up import follow_ups
from brainscan.store.table.worklist_filter import Sort

router = APIGatewayHttpRouter()


@documented_route(router.get, "/studies", summary="The worklist of studies", operation_id="studies", tags=["studies"])
def list_studies(
    finding: Finding = None,
    review: Review = None,
    model_id: ModelId = None,
    export_id: ExportId = None,
    reader: Reader = None,
    sort: Order = Sort.ARRIVAL,
    first: From = None,
    last: To = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> StudyPage:
    """Studies whose first scan arrived on some days, in any number; a page may be short and still have a cursor."""
    wanted = filter_of(first, last, finding, review, model_id, export_id, reader, sort)
    page = the_table().worklist.studies(wanted, limit, cursor)
    return StudyPage(items=tuple(map(_study, page.items)), cursor=page.cursor)


@documented_route(
    router.get, "/studies/counts", summary="Studies by filter", operation_id="study_counts", tags=["studies"]
)
def count_studies(
    finding: Finding = None,
    review: Review = None,
    model_id: ModelId = None,
    export_id: ExportId = None,
    reader: Reader = None,
    first: From = None,
    last: To = None,
) -> CountsResponse:
    """For each value of each filter, the studies that it would list beside all other filters."""
    wanted = filter_of(first, last, finding, review, model_id, export_id, reader)
    return CountsResponse.of(the_table().worklist.study_counts(wanted))


@documented_route(router.get, "/studies/<study_id>", summary="One study", operation_id="study", tags=["studies"])
def get_study(study_id: Id) -> StudyWithSeries:
    """What a study shows, the series that its verdict rests on, which disagree, and each series with its reports."""
    study = require_found(the_table().summaries.study(study_id), "study")
    series = the_table().summaries.series_of(study)
    seen = blinded_for_caller(study)
    return StudyWithSeries(
        **seen.model_dump(),
        links=presigner().of_summary(study),
        of_series=tuple(map(series_view, series)),
        blinded=seen is not study,
    )


@documented_route(
    router.get,
    "/studies/<study_id>/reviews",
    summary="Reviews of a study",
    operation_id="study_reviews",
    tags=["reviews"],
)
def list_study_reviews(study_id: Id) -> HistoryResponse:
    """Every verdict on a study, the first one first."""
    study = require_found(the_table().summaries.study(study_id), "study")
    return HistoryResponse(items=_views(study, the_table().summaries.study_history(study_id)))


@documented_route(
    router.post,
    "/studies/<study_id>/reviews",
    summary="Review a study",
    operation_id="review_study",
    tags=["reviews"],
    status_code=201,
)
def add_study_review(study_id: Id, new: NewReview) -> StudyView:
    """Confirm, correct or reject what a study shows; 409 if it has changed since the reader saw `revision` of it."""
    after = the_table().summaries.review_study(study_id, new.revision, opinion_of(new), rules())
    return _study(require_found(after, "study"))


@documented_route(router.get, "/series", summary="The worklist of series", operation_id="list_series", tags=["series"])
def list_series(
    finding: Finding = None,
    review: Review = None,
    model_id: ModelId = None,
    export_id: ExportId = None,
    reader: Reader = None,
    sort: Order = Sort.ARRIVAL,
    first: From = None,
    last: To = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> SeriesPage:
    """Series whose first scan arrived on some days, in any number; a page may be short and still have a cursor."""
    wanted = filter_of(first, last, finding, review, model_id, export_id, reader, sort)
    page = the_table().worklist.series(wanted, limit, cursor)
    return SeriesPage(items=tuple(map(series_view, page.items)), cursor=page.cursor)


@documented_route(
    router.get, "/series/counts", summary="Series by filter", operation_id="series_counts", tags=["series"]
)
def count_series(
    finding: Finding = None,
    review: Review = None,
    model_id: ModelId = None,
    export_id: ExportId = None,
    reader: Reader = None,
    first: From = None,
    last: To = None,
) -> CountsResponse:
    """For each value of each filter, the series that it would list beside all other filters."""
    wanted = filter_of(first, last, finding, review, model_id, export_id, reader)
    return CountsResponse.of(the_table().worklist.series_counts(wanted))


@documented_route(router.get, "/series/<series_id>", summary="One series", operation_id="series", tags=["series"])
def get_series(series_id: Id) -> SeriesView:
    """A series with its live counts, what it shows, and links to what was written for it."""
    series = require_found(the_table().series.get(series_id), "series")
    summary = the_table().summaries.series(series_id)
    report = the_table().reports.latest(series_id)
    return SeriesView(
        **series.model_dump(),
        summary=series_view(summary) if summary else None,
        links=presigner().of_series(series_id),
        delivery=report.delivery if report else None,
    )


@documented_route(
    router.get,
    "/series/<series_id>/reviews",
    summary="Reviews of a series",
    operation_id="series_reviews",
    tags=["reviews"],
)
def list_series_reviews(series_id: Id) -> HistoryResponse:
    """Every verdict on a series as a whole, the first one first."""
    series = require_found(the_table().summaries.series(series_id), "reported series")
    return HistoryResponse(items=_views(series, the_table().summaries.series_history(series_id)))


@documented_route(
    router.post,
    "/series/<series_id>/reviews",
    summary="Review a series",
    operation_id="review_series",
    tags=["reviews"],
    status_code=201,
)
def add_series_review(series_id: Id, new: NewReview) -> SeriesSummaryView:
    """Confirm, correct or reject what a series shows; 409 if it has changed since the reader saw `revision` of it."""
    after = the_table().summaries.review_series(series_id, new.revision, opinion_of(new), rules())
    return series_view(require_found(after, "reported series"))


@documented_route(
    router.get,
    "/patients/<patient_id>/studies",
    summary="A patient's history",
    operation_id="history",
    tags=["studies"],
)
def list_studies_of_patient(patient_id: Id) -> PatientHistory:
    """A pseudonymous patient's studies by time of arrival, with the change of volume where series lie alike."""
    studies = the_table().worklist.studies_of_patient(patient_id)
    series = {each.series_id: each for study in studies for each in the_table().summaries.series_of(study)}
    return PatientHistory(items=tuple(map(_study, studies)), follow_ups=tuple(follow_ups(studies, series)))


def series_view(summary: SeriesSummary) -> SeriesSummaryView:
    """A series as clients see it."""
    links, seen = presigner(), blinded_for_caller(summary)
    return SeriesSummaryView(
        **seen.model_dump(),
        links=links.of_summary(summary),
        reports=links.of_files(summary),
        blinded=seen is not summary,
    )


def _study(summary: StudySummary) -> StudyView:
    seen = blinded_for_caller(summary)
    return StudyView(**seen.model_dump(), links=presigner().of_summary(summary), blinded=seen is not summary)


def _views(of: domain.Reviewed, history: Sequence[domain.Review]) -> tuple[ReviewView, ...]:
    """Verdicts as clients see them: a mask is of a scan alone, and a second reader sees none before giving one."""
    return () if blinded_for_caller(of) is not of else tuple(ReviewView(**each.model_dump()) for each in history)
