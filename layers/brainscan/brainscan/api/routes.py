"""The routes of scans, uploads and counts under /v1: each is one question to the table, or one review."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from brainscan.api.filters import (
    Became,
    Finding,
    MinConfidence,
    ModelId,
    OfExport,
    Reader,
    Review,
    ScanOrder,
    filter_of,
)
from brainscan.api.models import (
    ExportPage,
    ExportView,
    HistoryResponse,
    ModelInUse,
    ModelsResponse,
    ModelVersionView,
    NewReview,
    ReviewView,
    ScanCountsResponse,
    ScanPage,
    ScanView,
    StatisticsResponse,
)
from brainscan.api.parameters import (
    Cursor,
    Day,
    From,
    Id,
    Limit,
    To,
    blinded_for_caller,
    days_of,
    documented_route,
    opinion_of,
    page_of,
    presigner,
    require_found,
    rules,
    the_table,
    today,
    view_of,
)
from brainscan.domain import DayStatistics, Export
from brainscan.domain.model_version import ModelState, ModelVersion, Rollout
from brainscan.services import WORKERS
from brainscan.store.table.worklist_filter import ScanSort, Sort

router = APIGatewayHttpRouter()


@documented_route(router.get, "/scans", summary="The worklist of scans", operation_id="worklist", tags=["scans"])
def list_scans(
    finding: Finding = None,
    outcome: Became = None,
    review: Review = None,
    model_id: ModelId = None,
    export_id: OfExport = None,
    reader: Reader = None,
    min_confidence: MinConfidence = 0.0,
    sort: ScanOrder = ScanSort.ARRIVAL,
    first: From = None,
    last: To = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ScanPage:
    """Scans that arrived on some days, in any number; a page may be short and still have a cursor."""
    wanted = filter_of(
        first,
        last,
        finding,
        review,
        model_id,
        export_id,
        reader,
        Sort(sort),
        outcome=outcome,
        min_confidence=min_confidence,
    )
    return page_of(the_table().worklist.scans(wanted, limit, cursor))


@documented_route(router.get, "/scans/counts", summary="Scans by filter", operation_id="scan_counts", tags=["scans"])
def count_scans(
    finding: Finding = None,
    outcome: Became = None,
    review: Review = None,
    model_id: ModelId = None,
    export_id: OfExport = None,
    reader: Reader = None,
    min_confidence: MinConfidence = 0.0,
    first: From = None,
    last: To = None,
) -> ScanCountsResponse:
    """For each value of each filter, the scans that it would list beside all other filters."""
    wanted = filter_of(
        first, last, finding, review, model_id, export_id, reader, outcome=outcome, min_confidence=min_confidence
    )
    return ScanCountsResponse.of(the_table().worklist.scan_counts(wanted))


@documented_route(router.get, "/scans/<scan_id>", summary="One scan", operation_id="scan", tags=["scans"])
def get_scan(scan_id: Id) -> ScanView:
    """All that is known of a scan, with links that hold for some minutes."""
    return view_of(require_found(the_table().scans.get(scan_id), "scan"))


@documented_route(
    router.get, "/scans/<scan_id>/reviews", summary="Reviews of a scan", operation_id="reviews", tags=["reviews"]
)
def list_reviews(scan_id: Id) -> HistoryResponse:
    """Every verdict on a scan, the first one first; none to a second reader who has yet to judge it."""
    scan = require_found(the_table().scans.get(scan_id), "scan")
    if blinded_for_caller(scan) is not scan:
        return HistoryResponse(items=())
    history = the_table().scans.history(scan_id)
    links = presigner()
    return HistoryResponse(
        items=tuple(ReviewView(**each.model_dump(), mask=links.of_review(each, scan_id)) for each in history)
    )


@documented_route(
    router.post,
    "/scans/<scan_id>/reviews",
    summary="Review a scan",
    operation_id="review",
    tags=["reviews"],
    status_code=201,
)
def add_review(scan_id: Id, new: NewReview) -> ScanView:
    """Confirm, correct or reject a finding; 409 if the scan has changed since the reader saw `revision` of it."""
    after = the_table().scans.review(scan_id, new.revision, opinion_of(new), rules())
    return view_of(require_found(after, "scan"))


@documented_route(
    router.get, "/series/<series_id>/scans", summary="Slices of a series", operation_id="slices", tags=["series"]
)
def list_slices(series_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ScanPage:
    """Scans of a series, in the order of its slices."""
    return page_of(the_table().series.scans(series_id, limit, cursor))


@documented_route(
    router.get, "/studies/<study_id>/scans", summary="Scans of a study", operation_id="study_scans", tags=["studies"]
)
def list_of_study(study_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ScanPage:
    """Scans of a study, series by series."""
    return page_of(the_table().queries.of_study(study_id, limit, cursor))


@documented_route(
    router.get, "/patients/<patient_id>/scans", summary="Scans of a patient", operation_id="patient", tags=["studies"]
)
def list_of_patient(patient_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ScanPage:
    """Scans of a patient's pseudonym, latest first."""
    return page_of(the_table().queries.of_patient(patient_id, limit, cursor))


@documented_route(router.get, "/exports", summary="Exports of a day", operation_id="exports", tags=["exports"])
def list_exports(day: Day = None, limit: Limit = 50, cursor: Cursor = None) -> ExportPage:
    """Uploaded objects, latest first; ask for one of them to see its live counts."""
    page = the_table().exports.of_day((day or today()).isoformat(), limit, cursor)
    return ExportPage(items=page.items, cursor=page.cursor)


@documented_route(router.get, "/exports/<export_id>", summary="One export", operation_id="export", tags=["exports"])
def get_export(export_id: Id) -> ExportView:
    """An uploaded object with its live progress."""
    export: Export = require_found(the_table().exports.get(export_id), "export")
    return ExportView(**export.model_dump())


@documented_route(
    router.get, "/exports/<export_id>/scans", summary="Scans of an export", operation_id="of_export", tags=["exports"]
)
def list_of_export(export_id: Id, limit: Limit = 50, cursor: Cursor = None) -> ScanPage:
    """Scans of an export in the order of its files, queued ones included."""
    return page_of(the_table().queries.of_export(export_id, limit, cursor))


@documented_route(router.get, "/statistics", summary="Counts a day", operation_id="statistics", tags=["statistics"])
def get_statistics(first: From = None, last: To = None) -> StatisticsResponse:
    """Scans by outcome, class, review and model, for each day on which scans arrived, latest first."""
    return StatisticsResponse(days=tuple(_statistics(first, last)))


@documented_route(router.get, "/models", summary="Models", operation_id="models", tags=["statistics"])
def list_models(first: From = None, last: To = None) -> ModelsResponse:
    """Versions of the network that answered scans of these days; the registry: figures, states, who changed them."""
    total = Counter[str]()
    for each in _statistics(first, last):
        total.update(each.models)
    registry = the_table().models
    rollout = registry.rollout()
    return ModelsResponse(
        models=tuple(ModelInUse(model_id=each, scans=n) for each, n in total.most_common()),
        served=rollout.served,
        versions=tuple(_version(each, rollout) for each in registry.all()),
        changes=tuple(reversed(registry.history())),
    )


def _version(version: ModelVersion, rollout: Rollout) -> ModelVersionView:
    state = rollout.state_of(version.model_id)
    share = rollout.share if state is ModelState.SHADOW else None
    gate = the_table().models.gate(version.model_id)
    return ModelVersionView(**version.model_dump(), state=state, share=share, gate=gate)


def _statistics(first: date | None, last: date | None) -> list[DayStatistics]:
    """Of those of the days on which scans arrived."""
    days = days_of(first, last)
    filled = sorted(the_table().statistics.arrival_days(days[-1], days[0]), reverse=True)
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(the_table().statistics.of_day, filled))
