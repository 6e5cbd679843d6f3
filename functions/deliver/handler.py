"""Lambda entry point: reported series from the DeliveryQueue -> their DICOM objects in the PACS.

What failed every time comes by the DeliveryGiveUpQueue: its report says so, and it goes on to the DeliveryDLQ.
"""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.dicom.stow import Credentials, Pacs
from brainscan.events import MessageError, parse_report
from brainscan.observability import error_fields, logger, measure_failures, measure_messages, metrics
from brainscan.pipeline.deliver import deliver, give_up
from brainscan.services import services
from brainscan.settings import settings
from brainscan.store.retry import within

PASSWORD_AGE_S = 300
"""How long a process goes on with the PACS's password that it read."""

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of messages; report those to retry."""
    measure_messages("deliver", (int(record["attributes"]["SentTimestamp"]) for record in event["Records"]))
    with within(context):
        answer = process_partial_response(event, process_message, processor, context)
    measure_failures(len(answer["batchItemFailures"]))
    return answer


def process_message(record: SQSRecord) -> None:
    """Deliver the series that a message speaks of, or say that it could not be."""
    try:
        if services().given_up_deliveries.is_at(record.event_source_arn):
            fail(record)
        else:
            send(record.body)
    except Exception as error:
        logger.error("delivery failed", message_id=record.message_id, **error_fields(error))
        raise


def send(body: str) -> None:
    """Deliver the series of a message."""
    report = parse_report(body)
    sent = deliver(report, services().table, services().results, pacs())
    logger.info("series delivered", series_id=report.series_id, revision=report.revision, objects=sent)
    metrics.add_metric(name="ObjectsDelivered", unit=MetricUnit.Count, value=sent)


def fail(record: SQSRecord) -> None:
    """Say that the series of a message was not delivered; the message lies among the dead letters from then on."""
    try:
        report = parse_report(record.body)
        if give_up(report, services().table):
            logger.info("delivery given up", series_id=report.series_id, revision=report.revision)
    except MessageError as error:
        logger.error("message speaks of nothing", message_id=record.message_id, **error_fields(error))
    services().dead_deliveries.send(record.body)


def pacs() -> Pacs:
    """The PACS of the settings; its password may change between two messages."""
    secret = services().secrets.text(settings().stow_secret_arn, PASSWORD_AGE_S)
    return Pacs(settings().stow_url, Credentials.model_validate_json(secret))
