"""Lambda entry point: messages whose retries are over -> `failed` in the table, and on to their dead-letter queue.

Nothing here reads what a hospital sent: what ended every process that did cannot end this one. Whoever redrives a
dead letter has its work tried again.
"""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.events import MessageError, parse_part, parse_scan, parse_uploads
from brainscan.observability import (
    error_fields,
    logger,
    measure_failures,
    measure_messages,
    measure_outcome,
    metrics,
)
from brainscan.pipeline.give_up import give_up, give_up_upload
from brainscan.services import services
from brainscan.store.retry import within

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of messages of one of the two queues; report those to retry."""
    measure_messages("give-up", (int(record["attributes"]["SentTimestamp"]) for record in event["Records"]))
    with within(context):
        answer = process_partial_response(event, process_message, processor, context)
    measure_failures(len(answer["batchItemFailures"]))
    return answer


def process_message(record: SQSRecord) -> None:
    """Commit that a message's work failed, then send it on, as one is at once that speaks of no work."""
    of_uploads = services().given_up_uploads.is_at(record.event_source_arn)
    try:
        fail_upload(record.body) if of_uploads else fail_scan(record.body)
    except MessageError as error:
        logger.error("message speaks of nothing", message_id=record.message_id, **error_fields(error))
    except Exception as error:
        logger.error("give-up failed", message_id=record.message_id, **error_fields(error))
        raise
    (services().dead_uploads if of_uploads else services().dead_scans).send(record.body)


def fail_scan(body: str) -> None:
    """Commit that the scan of a message failed."""
    scan = parse_scan(body)
    if failed := give_up(scan, services()):
        logger.info("scan given up", export_id=scan.export_id, scan_id=scan.scan_id)
        measure_outcome(failed)


def fail_upload(body: str) -> None:
    """Commit that the uploads of a message, or the part of one, could not be taken in."""
    part = parse_part(body)
    for work in [part] if part else parse_uploads(body):
        if export := give_up_upload(work, services()):
            logger.info("upload given up", export_id=export.export_id, state=export.state)
