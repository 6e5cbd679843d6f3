"""Lambda entry point: changes of scans in the table's stream -> counts of exports, series and days."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.events import parse_scan_changes
from brainscan.observability import error_fields, logger, metrics
from brainscan.pipeline.count import count
from brainscan.services import services
from brainscan.store.retry import within


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Count a batch of records as a whole: what of it was counted before an error is not counted again."""
    try:
        shard, changes = parse_scan_changes(event)
        with within(context):
            settled = count(shard, changes, services().table)
    except Exception as error:
        logger.error("count failed", records=len(event["Records"]), **error_fields(error))
        raise
    logger.info("scans counted", changes=len(changes), settled=settled)
    metrics.add_metric(name="ScansCounted", unit=MetricUnit.Count, value=len(changes))
    return {"state": {}, "batchItemFailures": []}
