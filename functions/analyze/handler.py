"""Lambda entry point: scans from the ScanQueue -> class and mask, in S3 and in the table.

New scans come in batches from the ScanQueue. One that fails, or was in a batch whose process died, goes on to the
RetryQueue, from which each comes alone: whatever kills its process kills nothing else. There it is tried until two
receives are left, which are for saying that it failed; then its message goes to the dead-letter queue.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.domain import Outcome, Scan
from brainscan.events import scan_in
from brainscan.inference.runtime import Network
from brainscan.observability import describe, logger, measure_answer, measure_messages, metrics, tracer
from brainscan.pipeline.analyze import ScanResult, analyze, give_up
from brainscan.services import services
from brainscan.settings import settings
from brainscan.store.retry import time_left

LAST_RECEIVES = 2
"""Receives that are kept for committing that a scan failed, should the first attempt at that fail, too."""

FIRST_PAUSE_S = 5
LONGEST_PAUSE_S = 600
"""A retry waits for a random time that doubles from one to the next."""

MARGIN_S = 5
"""What is left of an invocation when the last retry of a call must have ended."""

# Loaded while Lambda starts the environment: no invocation waits for it twice.
network = Network.load(settings().model_dir)


@dataclass(frozen=True)
class Delivery:
    """One message: its scan, how often its queue has delivered it, and whether that is the RetryQueue."""

    message_id: str
    receipt_handle: str
    scan: Scan
    receive_count: int
    retried: bool

    @property
    def is_over(self) -> bool:
        """Whether the scan was tried as often as it may."""
        return self.retried and self.receive_count > settings().max_receive_count - LAST_RECEIVES


@logger.inject_lambda_context
@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of messages; report those that their queue keeps."""
    measure_messages("analyze", (int(record["attributes"]["SentTimestamp"]) for record in event["Records"]))
    kept: list[str] = []
    deliveries = list(parsed(SQSEvent(event), kept))
    fresh = [each for each in deliveries if not each.retried and each.receive_count == 1]
    begun = [each for each in deliveries if not each.retried and each.receive_count > 1]
    with time_left(context.get_remaining_time_in_millis() / 1000 - MARGIN_S):
        kept += to_retries(begun)  # first: what killed its process before may do so again
        kept += to_retries(analyzed(fresh))
        for delivery in (each for each in deliveries if each.retried):
            kept += again(delivery)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in kept]}


def parsed(event: SQSEvent, kept: list[str]) -> Iterator[Delivery]:
    """The deliveries of a batch; messages that speak of no scan go to `kept`."""
    for record in event.records:
        try:
            yield delivery_of(record)
        except Exception as error:
            logger.error("message is no scan", message_id=record.message_id, **describe(error))
            kept.append(record.message_id)


def delivery_of(record: SQSRecord) -> Delivery:
    """What a record of the event delivers.

    Raises:
        MessageError: no scan.
    """
    return Delivery(
        message_id=record.message_id,
        receipt_handle=record.receipt_handle,
        scan=scan_in(record.body),
        receive_count=int(record.attributes.approximate_receive_count),
        retried=services().retries.is_at(record.event_source_arn),
    )


def analyzed(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """Analyze scans together; the deliveries of those to retry."""
    if not deliveries:
        return []
    tracer.put_metadata(key="scans", value=[delivery.scan.scan_id for delivery in deliveries])
    try:
        results = analyze([delivery.scan for delivery in deliveries], services(), network)
    except Exception as error:
        logger.error("batch failed", scans=len(deliveries), **describe(error))
        results = [ScanResult(delivery.scan.scan_id, error=error) for delivery in deliveries]
    pairs = zip(deliveries, results, strict=True)
    return [delivery for delivery, result in pairs if not is_answered(delivery, result)]


def is_answered(delivery: Delivery, result: ScanResult) -> bool:
    """Log and count one result; False if its scan is to be retried."""
    where: dict[str, Any] = {"export_id": delivery.scan.export_id, "scan_id": delivery.scan.scan_id}
    if result.record is not None:
        outcome = result.record.outcome
        logger.info("scan answered", outcome=outcome, repeat=result.repeat, **where)
        if not result.repeat or outcome is Outcome.SKIPPED:  # replaced while it waited: this is its only message
            measure_answer(result.record)
        return True
    if result.error is not None:
        logger.error("scan failed", receive_count=delivery.receive_count, **where, **describe(result.error))
    return False


def to_retries(deliveries: Sequence[Delivery]) -> list[str]:
    """Send scans on to the RetryQueue; the ids of the messages that their queue keeps, because that failed."""
    try:
        services().retries.send([delivery.scan for delivery in deliveries])
    except Exception as error:
        logger.error("scans stay in their queue", scans=len(deliveries), **describe(error))
        return [delivery.message_id for delivery in deliveries]
    return []


def again(delivery: Delivery) -> list[str]:
    """Try a scan alone, or commit that it failed; the id of its message if the RetryQueue keeps it."""
    if delivery.is_over:
        fail(delivery)
        pause_s = 0.0
    elif not analyzed([delivery]):
        return []
    else:
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**delivery.receive_count)
        pause_s = random.uniform(longest / 2, longest)  # noqa: S311 - jitter, not a secret
    try:
        services().retries.hide(delivery.receipt_handle, int(pause_s))
    except Exception as error:
        logger.warning("retry waits for the visibility timeout", extra=describe(error))
    return [delivery.message_id]


def fail(delivery: Delivery) -> None:
    """Commit the outcome of a scan whose retries are over; trouble with it is that scan's alone."""
    try:
        failed = give_up(delivery.scan, services())
    except Exception as error:
        logger.error("give-up failed", scan_id=delivery.scan.scan_id, **describe(error))
        return
    if failed:
        measure_answer(failed)
