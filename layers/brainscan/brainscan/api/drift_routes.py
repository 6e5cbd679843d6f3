"""The route of drift under /v1: how far scans and answers of some days are from those of a reference window."""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from brainscan.api.parameters import From, To, documented_route, the_table, today
from brainscan.api.problems import ProblemError
from brainscan.domain import RESEARCH_USE_STATEMENT, FrozenModel
from brainscan.pipeline.drift import REFERENCE_DAYS, DriftQueryError, DriftReport, Reference, Window, report_drift
from brainscan.settings import settings

COMPARED_DAYS = 14
"""Where no first day is asked for."""

router = APIGatewayHttpRouter()


class SitesResponse(FrozenModel):
    """The prefixes that sites upload under."""

    sites: tuple[str, ...]
    research_use: str = RESEARCH_USE_STATEMENT


@documented_route(router.get, "/drift", summary="Drift", operation_id="drift", tags=["statistics"])
def get_drift(
    first: From = None,
    last: To = None,
    site: Annotated[str | None, Query(max_length=32, description="one of `/v1/sites`; all where none is given")] = None,
    reference: Annotated[Reference, Query(description="days before the first, or those that the model began with")] = (
        Reference.BEFORE
    ),
    reference_days: Annotated[int, Query(ge=1, le=400, description="how many they are")] = REFERENCE_DAYS,
) -> DriftReport:
    """Population stability of inputs and answers by day, two weeks where no first day is given, and quality by device.

    Days with too few scans have no numbers.
    """
    if site is not None and site not in settings().named_sites:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "there is no such site; /v1/sites names those that there are"
        )
    until = last or max(today(), first or today())
    window = Window(first or until - timedelta(days=COMPARED_DAYS - 1), until, reference, reference_days)
    try:
        return report_drift(window, the_table(), site)
    except DriftQueryError as wrong:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(wrong)) from None


@documented_route(router.get, "/sites", summary="Sites", operation_id="sites", tags=["statistics"])
def list_sites() -> SitesResponse:
    """Prefixes that this deployment knows sites by; scans that were uploaded under none are of no site."""
    return SitesResponse(sites=settings().named_sites)
