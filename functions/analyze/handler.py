"""Lambda entry point: scans from the ScanQueue -> class and mask, in S3 and in the table.

New scans come in batches from the ScanQueue. One that fails, or was in a batch whose process died, goes on to the
RetryQueue, from which each comes alone: whatever kills its process kills nothing else. What does so to the last goes
where it is given up (functions/give_up).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brainscan.domain import Outcome, Scan
from brainscan.events import parse_scan
from brainscan.inference.runtime import Model
from brainscan.observability import (
    error_fields,
    logger,
    measure_failures,
    measure_messages,
    measure_outcome,
    measure_version,
    metrics,
)
from brainscan.pipeline.attempt import ScanResult
from brainscan.pipeline.serving import LoadedModels, analyze_as_served
from brainscan.services import services
from brainscan.settings import settings
from brainscan.store import ScanQueue
from brainscan.store.queues import pause_s
from brainscan.store.retry import within

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# Loaded while Lambda starts the environment: no invocation waits for it twice.
loaded = LoadedModels(Model.load(settings().model_dir))


@dataclass(frozen=True)
class ScanMessage:
    """A scan to analyze, and how often its queue has delivered the message."""

    message_id: str
    receipt_handle: str
    scan: Scan
    receive_count: int


@dataclass(frozen=True)
class Retry:
    """A message that its queue keeps, and after how long it comes back."""

    message: ScanMessage
    pause_s: float


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Take a batch of messages of one of the two queues; report those that it keeps."""
    if not (records := event["Records"]):
        return {"batchItemFailures": []}
    measure_messages("analyze", (int(record["attributes"]["SentTimestamp"]) for record in records))
    kept: list[str] = []
    messages = list(parsed(records, kept))
    come_alone = services().retries.is_at(records[0]["eventSourceARN"])
    queue = services().retries if come_alone else services().queue
    with within(context):
        with queue.extended_visibility([record["receiptHandle"] for record in records]):
            retries = tried_alone(messages) if come_alone else tried_together(messages)
        for retry in retries:
            postpone(queue, retry)
    kept += [retry.message.message_id for retry in retries]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in kept]}


def parsed(records: Sequence[dict[str, Any]], kept: list[str]) -> Iterator[ScanMessage]:
    """The messages of a batch; those that speak of no scan go to `kept`."""
    for record in records:
        message_id = record["messageId"]
        try:
            scan = parse_scan(record["body"])
        except Exception as error:
            logger.error("message is no scan", message_id=message_id, **error_fields(error))
            measure_failures(1)
            kept.append(message_id)
        else:
            receive_count = int(record["attributes"]["ApproximateReceiveCount"])
            yield ScanMessage(message_id, record["receiptHandle"], scan, receive_count)


def tried_together(messages: Sequence[ScanMessage]) -> list[Retry]:
    """Analyze scans that come for the first time; those that failed, or came before, go on to the RetryQueue."""
    first = [each for each in messages if each.receive_count == 1]
    begun = [each for each in messages if each.receive_count > 1]
    stay = to_retries(begun)  # before anything else: what killed its process may do so again
    stay = [*stay, *to_retries(analyzed(first))]
    return [Retry(each, pause_s(each.receive_count)) for each in stay]


def tried_alone(messages: Sequence[ScanMessage]) -> list[Retry]:
    """Analyze scans of the RetryQueue one by one."""
    return [Retry(each, pause_s(each.receive_count)) for message in messages for each in analyzed([message])]


def analyzed(messages: Sequence[ScanMessage]) -> list[ScanMessage]:
    """Analyze scans together; the messages of those to retry."""
    if not messages:
        return []
    try:
        results = analyze_as_served([message.scan for message in messages], services(), loaded)
    except Exception as error:
        logger.error("batch failed", scans=len(messages), **error_fields(error))
        results = [ScanResult(message.scan.scan_id, error=error) for message in messages]
    pairs = zip(messages, results, strict=True)
    failed = [message for message, result in pairs if not is_answered(message, result)]
    measure_failures(len(failed))
    measure_version(result.record.outcome if result.record else None for result in results)
    return failed


def is_answered(message: ScanMessage, result: ScanResult) -> bool:
    """Log and count one result; False if its scan is to be retried."""
    where: dict[str, Any] = {"export_id": message.scan.export_id, "scan_id": message.scan.scan_id}
    if result.record is not None:
        outcome = result.record.outcome
        logger.info("scan answered", outcome=outcome, repeat=result.repeat, **where)
        if not result.repeat or outcome is Outcome.SKIPPED:  # replaced while it waited: this is its only message
            measure_outcome(result.record)
        return True
    if result.error is not None:
        logger.error("scan failed", receive_count=message.receive_count, **where, **error_fields(result.error))
    return False


def to_retries(messages: Sequence[ScanMessage]) -> Sequence[ScanMessage]:
    """Send scans on to the RetryQueue; those that stay where they are, because that failed."""
    try:
        services().retries.send([message.scan for message in messages])
    except Exception as error:
        logger.error("scans stay in their queue", scans=len(messages), **error_fields(error))
        return messages
    return []


def postpone(queue: ScanQueue, retry: Retry) -> None:
    """Let a message come back after its pause; where that fails, it comes back when its last heartbeat is over."""
    try:
        queue.change_visibility([retry.message.receipt_handle], retry.pause_s)
    except Exception as error:
        logger.warning("retry comes without a pause", extra=error_fields(error))
