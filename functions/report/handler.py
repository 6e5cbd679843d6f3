"""Lambda entry point: series in the table's stream of which no slice waits -> their reports and events."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.events import parse_series_id
from brainscan.observability import error_fields, logger, measure_failures, metrics
from brainscan.pipeline.report import ReportStatus, report
from brainscan.services import services
from brainscan.store.retry import within

processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of records; report those to retry."""
    metrics.add_dimension(name="function", value="report")
    with within(context):
        answer = process_partial_response(event, process_record, processor, context)
    measure_failures(len(answer["batchItemFailures"]))
    return answer


def process_record(record: DynamoDBRecord) -> None:
    """Report the series that a record speaks of.

    What it says of the series is old by now: the table is asked. So of several records of a series in a batch, the
    first reports it, and the others find nothing left to do.
    """
    keys = record.dynamodb.keys if record.dynamodb else None
    series_id = parse_series_id(keys or {})
    if series_id is None:
        return
    try:
        reported = report(series_id, services())
    except Exception as error:
        logger.error("report failed", series_id=series_id, **error_fields(error))
        raise
    logger.info("series looked at", series_id=series_id, state=reported.state)
    metrics.add_metric(name="SeriesReported", unit=MetricUnit.Count, value=int(reported.state is ReportStatus.REPORTED))
