"""Lambda entry point: reported series from the DeliveryQueue -> their DICOM objects in the PACS."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.dicom.stow import Credentials, Pacs
from brainscan.events import parse_report
from brainscan.observability import error_fields, logger, metrics
from brainscan.pipeline.deliver import deliver
from brainscan.services import services
from brainscan.settings import settings

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of messages; report those to retry."""
    return process_partial_response(event, process_message, processor, context)


def process_message(record: SQSRecord) -> None:
    """Deliver the series that a message speaks of."""
    try:
        report = parse_report(record.body)
        sent = deliver(report, services().table, services().results, pacs())
    except Exception as error:
        logger.error("delivery failed", message_id=record.message_id, **error_fields(error))
        raise
    logger.info("series delivered", series_id=report.series_id, revision=report.revision, objects=sent)
    metrics.add_metric(name="ObjectsDelivered", unit=MetricUnit.Count, value=sent)


def pacs() -> Pacs:
    """The PACS of the settings; its password may change between two messages."""
    secret = parameters.get_secret(settings().stow_secret_arn, max_age=300)
    return Pacs(settings().stow_url, Credentials.model_validate_json(secret))
