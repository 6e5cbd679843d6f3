"""The one logger and metrics of the functions, and what they may say."""

import logging
import os
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from brainscan.domain import BrainscanError, Outcome, ScanRecord

# At DEBUG, these quote requests, and with them the keys that senders chose.
for _library in ("aws_lambda_powertools", "boto3", "botocore", "s3transfer", "smart_open", "urllib3"):
    logging.getLogger(_library).setLevel(logging.WARNING)

logger: Final = Logger()
metrics: Final = Metrics()

_cold_starts = iter([1])
"""One for the first invocation of a process, none for those that follow."""


def error_fields(error: BaseException) -> dict[str, Any]:
    """An exception as log fields: its type and place, and its text only where that is ours.

    Texts of other libraries may quote what they choked on, and with it a patient's name.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    text = str(error) if isinstance(error, BrainscanError) else ""
    return {"error": type(error).__name__, "error_text": text, "error_place": place}


def measure_messages(function: str, sent_ms: Iterable[int]) -> None:
    """Count an invocation's messages, how long each had waited since it was first sent, and whether it starts cold.

    Args:
        function: Becomes a dimension of all that this invocation measures.
        sent_ms: SQS's SentTimestamp of each message, milliseconds since 1970.
    """
    metrics.add_dimension(name="function", value=function)
    metrics.add_metric(name="ColdStarts", unit=MetricUnit.Count, value=next(_cold_starts, 0))
    now_ms = time.time() * 1000
    for sent in sent_ms:
        metrics.add_metric(name="Messages", unit=MetricUnit.Count, value=1)
        metrics.add_metric(name="QueueAge", unit=MetricUnit.Seconds, value=max(0.0, (now_ms - sent) / 1000))


def measure_failures(messages: int) -> None:
    """Count messages whose work failed and is to be tried again: an invocation with such has not failed as a whole."""
    metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=messages)


def measure_intake(files: int, skipped: int, scans: Mapping[Outcome, int]) -> None:
    """Count what was taken in: files, and of them the skipped ones; new scans, queued and rejected."""
    metrics.add_metric(name="FilesTakenIn", unit=MetricUnit.Count, value=files)
    metrics.add_metric(name="FilesSkipped", unit=MetricUnit.Count, value=skipped)
    for outcome, count in scans.items():
        metrics.add_metric(name=f"Scans{_words(outcome)}", unit=MetricUnit.Count, value=count)


def measure_drift(output: bool, of_limit: float) -> None:
    """Measure how far a day's scans, or their answers, are from the weeks before: above 1 they have drifted."""
    metrics.add_metric(name="OutputDrift" if output else "InputDrift", unit=MetricUnit.NoUnit, value=of_limit)


def measure_outcome(record: ScanRecord) -> None:
    """Count one scan by its outcome and class, and measure its stages and the time since its upload."""
    metrics.add_metric(name=f"Scans{_words(record.outcome)}", unit=MetricUnit.Count, value=1)
    if record.predicted is not None:
        metrics.add_metric(name=f"Found{_words(record.predicted)}", unit=MetricUnit.Count, value=1)
    for stage, milliseconds in record.timings_ms.items():
        metrics.add_metric(name=f"{_words(stage)}Time", unit=MetricUnit.Milliseconds, value=milliseconds)
    if record.finished_at is not None:
        waited = (record.finished_at - record.received_at).total_seconds()
        metrics.add_metric(name="TimeToAnswer", unit=MetricUnit.Seconds, value=max(0.0, waited))
    if record.model_id is not None:
        # A property of the log line, not a dimension: a metric a model would cost without telling more.
        metrics.add_metadata(key="model_id", value=record.model_id)


def measure_version(outcomes: Iterable[Outcome | None]) -> None:
    """Count what became of an invocation's scans under the version of the function that had them; None: it failed.

    Alarms hold these against all versions together while a new version has a part of the traffic.
    """
    counts = Counter("VersionFailed" if each is None else f"Version{_words(each)}" for each in outcomes)
    version = EphemeralMetrics()
    version.add_dimension(name="version", value=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"))
    version.add_metric(name="VersionScans", unit=MetricUnit.Count, value=counts.total())
    for name in ("VersionFailed", "VersionAbstained"):
        version.add_metric(name=name, unit=MetricUnit.Count, value=counts[name])
    version.flush_metrics()


def _words(name: str) -> str:
    """`no_tumor` as metrics are named: `NoTumor`."""
    return "".join(word.capitalize() for word in name.split("_"))
