"""Lambda entry point: scans from the ScanQueue -> class and mask, in S3 and in the table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.utilities.data_classes import SQSEvent
from aws_lambda_powertools.utilities.typing import LambdaContext

from brainscan.domain import Outcome, Scan
from brainscan.events import scan_in
from brainscan.inference.runtime import Network
from brainscan.observability import describe, logger, measure_answer, measure_messages, metrics, tracer
from brainscan.pipeline.analyze import ScanResult, analyze, give_up
from brainscan.services import services
from brainscan.settings import settings
from brainscan.store.retry import time_left

# Loaded while Lambda starts the environment: no invocation waits for it twice.
network = Network.load(settings().model_dir)


@dataclass(frozen=True)
class Delivery:
    """One message: its scan, and how often SQS has delivered it."""

    message_id: str
    scan: Scan
    receive_count: int


@logger.inject_lambda_context
@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False, capture_error=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take a batch of messages; report those to retry.

    Scans delivered for the first time are analyzed together; those that failed before, alone, so that one which
    brings the process down no longer takes others with it.
    """
    measure_messages("analyze", (int(record["attributes"]["SentTimestamp"]) for record in event["Records"]))
    failed: list[str] = []
    deliveries = list(parsed(SQSEvent(event), failed))
    first = [delivery for delivery in deliveries if delivery.receive_count == 1]
    again = [[delivery] for delivery in deliveries if delivery.receive_count > 1]
    with time_left(context.get_remaining_time_in_millis() / 1000 - 5):
        for together in filter(None, [first, *again]):
            failed += analyze_together(together)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def parsed(event: SQSEvent, failed: list[str]) -> Iterator[Delivery]:
    """The deliveries of a batch; messages that speak of no scan go to `failed`."""
    for record in event.records:
        try:
            scan = scan_in(record.body)
        except Exception as error:
            logger.error("message is no scan", message_id=record.message_id, **describe(error))
            failed.append(record.message_id)
        else:
            yield Delivery(record.message_id, scan, int(record.attributes.approximate_receive_count))


def analyze_together(deliveries: Sequence[Delivery]) -> list[str]:
    """Analyze scans together; the ids of the messages to retry."""
    tracer.put_metadata(key="scans", value=[delivery.scan.scan_id for delivery in deliveries])
    try:
        results = analyze([delivery.scan for delivery in deliveries], services(), network)
    except Exception as error:
        logger.error("batch failed", scans=len(deliveries), **describe(error))
        results = [ScanResult(delivery.scan.scan_id, error=error) for delivery in deliveries]
    return [
        delivery.message_id
        for delivery, result in zip(deliveries, results, strict=True)
        if not is_acknowledged(delivery, result)
    ]


def is_acknowledged(delivery: Delivery, result: ScanResult) -> bool:
    """Log and count one result; False if its message is not acknowledged, but retried."""
    where: dict[str, Any] = {"export_id": delivery.scan.export_id, "scan_id": delivery.scan.scan_id}
    if result.record is not None:
        outcome = result.record.outcome
        logger.info("scan answered", outcome=outcome, repeat=result.repeat, **where)
        if not result.repeat or outcome is Outcome.SKIPPED:  # replaced while it waited: this is its only message
            measure_answer(result.record)
        return True
    if result.error is not None:
        logger.error("scan failed", receive_count=delivery.receive_count, **where, **describe(result.error))
    if delivery.receive_count >= settings().max_receive_count:
        fail(delivery)
    return False


def fail(delivery: Delivery) -> None:
    """Commit the outcome of a scan whose retries end; trouble with it is that scan's alone."""
    try:
        failed = give_up(delivery.scan, services())
    except Exception as error:
        logger.error("give-up failed", scan_id=delivery.scan.scan_id, **describe(error))
        return
    if failed:
        measure_answer(failed)
