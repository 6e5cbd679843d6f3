"""Lambda entry point: S3 events and parts of uploads from the UploadQueue -> registered and queued scans."""

from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.domain import ExportState, Part
from brainscan.events import parse_part, parse_uploads
from brainscan.observability import (
    error_fields,
    logger,
    measure_failures,
    measure_intake,
    measure_messages,
    metrics,
)
from brainscan.pipeline.expand import Tally
from brainscan.pipeline.intake import intake, intake_part
from brainscan.services import services
from brainscan.store.queues import pause_s
from brainscan.store.retry import within
from brainscan.store.upload import Upload

# A batch of which nothing succeeds is an ordinary partial response here: each message has its own way to the DLQ.
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take a batch of messages; report those to retry."""
    measure_messages("intake", (int(record["attributes"]["SentTimestamp"]) for record in event["Records"]))
    with within(context):
        return process_partial_response(event, process_message, processor, context)


def process_message(record: SQSRecord) -> None:
    """Take every upload that a message speaks of; should one fail, the message comes back after a pause."""
    try:
        with services().parts.extended_visibility([record.receipt_handle]):
            process_all(record)
    except Exception:
        postpone(record)
        measure_failures(1)
        raise
    measure_failures(0)


def process_all(record: SQSRecord) -> None:
    """Take every upload that a message speaks of, also when one of them fails; then fail for the first that did."""
    errors = list(filter(None, map(ingest, work_in(record))))
    if errors:
        raise errors[0]


def postpone(record: SQSRecord) -> None:
    """Let a message come back after a pause; where that fails, it comes back when its last heartbeat is over."""
    try:
        services().parts.change_visibility(
            [record.receipt_handle], pause_s(int(record.attributes.approximate_receive_count))
        )
    except Exception as error:
        logger.warning("retry comes without a pause", extra=error_fields(error))


def work_in(record: SQSRecord) -> Iterator[Upload | Part]:
    """The uploads that S3 speaks of, none for its test event; or the part of an upload that intake sent itself."""
    try:
        part = parse_part(record.body)
        yield from [part] if part else parse_uploads(record.body)
    except Exception as error:
        logger.error("message is no S3 event", message_id=record.message_id, **error_fields(error))
        raise


def ingest(work: Upload | Part) -> Exception | None:
    """Run intake for an upload or a part of one; its error, if it is to be retried."""
    try:
        export = intake_part(work, services(), measure) if isinstance(work, Part) else intake(work, services(), measure)
    except Exception as error:
        logger.error("intake failed", **error_fields(error))
        return error
    logger.info(
        "export taken in" if export.state is not ExportState.EXPANDING else "part taken in",
        export_id=export.export_id,
        state=export.state,
        files=export.files,
        skipped=export.skipped,
        scans=export.expected,
    )
    return None


def measure(tally: Tally) -> None:
    """Measure what came of files."""
    measure_intake(tally.files, tally.skipped, tally.new)
