"""Lambda entry point: once a day, how far the day before is from the four weeks before it, of all scans and by site."""

from datetime import datetime, timedelta
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.observability import logger, measure_drift, metrics
from brainscan.pipeline.drift import Window, farthest_features, report_drift
from brainscan.services import table
from brainscan.settings import settings


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - Lambda's
    """Measure the day before that of the schedule; a site with too few scans has nothing to measure."""
    day = (datetime.fromisoformat(event["time"]) - timedelta(days=1)).date()
    scans_table = table(settings())
    metrics.add_dimension(name="function", value="measure_drift")
    for site in (None, *settings().named_sites):
        for found in farthest_features(report_drift(Window(day, day), scans_table, site)):
            logger.info("drift measured", site=site or "all", day=day.isoformat(), **found.model_dump(mode="json"))
            measure_drift(found.output, found.of_limit)
