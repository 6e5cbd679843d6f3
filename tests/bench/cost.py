"""What a million scans cost on AWS, and the stack at rest: the tables of docs/cost.md.

Requests, units and seconds are counted while the functions' use cases take a workload from its upload to its reports
against moto; prices and what AWS takes to answer are those of infra/cost/prices.json, durations of the image those of
infra/cost/measured.json.

    python -m tests.bench.cost              # all workloads, by line
"""

import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from brainscan.domain import Scan, ScanRecord
from brainscan.events import parse_scan, parse_scan_changes
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.count import count
from brainscan.pipeline.intake import intake
from brainscan.pipeline.report import report
from brainscan.services import WORKERS, Services
from brainscan.store.upload import Upload
from brainscan_local.backend import Backend
from brainscan_local.paths import checkout
from brainscan_local.phantom import GLIOMA, MENINGIOMA, PITUITARY, head, to_dicom, to_png
from tests.bench.meter import Meter

BATCH = 8
"""Scans that analyze takes at once, as the template says."""
LONE = 32
SLICES = 48
"""Of a series; 13 in 100 of a brain's slices show its tumor."""
MILLION = 1_000_000
GB = 1024**3
MEMORY_MB = {"intake": 1769, "count": 1024, "report": 3008}
RATES = json.loads((checkout() / "infra/cost/prices.json").read_text())
MEASURED = json.loads((checkout() / "infra/cost/measured.json").read_text())
LESIONS = (GLIOMA, MENINGIOMA, PITUITARY, None)


def lone_scans() -> list[tuple[str, bytes]]:
    """Pictures of 256 x 256 that are uploaded one by one, the four classes alike."""
    middles = [head(seed=seed, lesion=lesion, slices=12).volume[6] for seed, lesion in enumerate(LESIONS)]
    return [(f"{uuid.uuid4()}.png", to_png(middles[number % len(middles)])) for number in range(LONE)]


def scans_in_one_archive() -> list[tuple[str, bytes]]:
    """The same pictures in a ZIP."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, image in lone_scans():
            archive.writestr(key, image)
    return [(f"{uuid.uuid4()}.zip", data.getvalue())]


def exported_series() -> list[tuple[str, bytes]]:
    """A DICOM series of 256 x 256 in a ZIP, compressed as exports are."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as export:
        for number, image in enumerate(to_dicom(head(seed=1, lesion=GLIOMA, slices=SLICES))):
            export.writestr(f"IM{number:04d}", image)
    return [(f"{uuid.uuid4()}.zip", data.getvalue())]


class Changes:
    """The table's stream, counted from where it was last."""

    def __init__(self, aws: Backend) -> None:
        table = aws.client("dynamodb").describe_table(TableName=aws.name("Scans"))["Table"]
        self._client = aws.client("dynamodbstreams")
        stream = {"StreamArn": table["LatestStreamArn"]}
        [shard] = self._client.describe_stream(**stream)["StreamDescription"]["Shards"]
        self._shard = shard["ShardId"]
        asked = {**stream, "ShardId": self._shard, "ShardIteratorType": "TRIM_HORIZON"}
        self._iterator = self._client.get_shard_iterator(**asked)["ShardIterator"]

    def count(self, services: Services) -> int:
        """Count what has changed as the function does; how many changes."""
        answer = self._client.get_records(ShardIterator=self._iterator, Limit=1000)
        self._iterator = answer["NextShardIterator"]
        keys = [each["dynamodb"]["Keys"] for each in answer["Records"]]
        scans = [key["pk"]["S"].startswith("SCAN#") and key["sk"]["S"] == "META" for key in keys]
        records = [each for each, is_scan in zip(answer["Records"], scans, strict=True) if is_scan]
        if records:
            shard, changes = parse_scan_changes({"shardId": self._shard, "Records": records})
            count(shard, changes, services.table)
        return len(records)


def measured(uploads: list[tuple[str, bytes]]) -> dict[str, float]:
    """What a scan of these uploads uses, from the bucket to its report."""
    with Backend() as aws:
        meter = Meter((aws.client("dynamodb"), aws.name("Scans")))
        services = aws.services(lambda name: meter.watched(_client(aws, name)))
        changes, bucket = Changes(aws), aws.name("UploadsBucket")
        for key, data in uploads:
            aws.client("s3").put_object(Bucket=bucket, Key=key, Body=data)
            with meter.seconds("intake", 1 if len(uploads) > 1 else WORKERS):
                intake(Upload(bucket, key, received_at=datetime.now(UTC)), services)
        with meter.seconds("count", WORKERS):
            counted = changes.count(services)
        network = Model.load(checkout() / "functions/analyze/model")
        records: list[ScanRecord] = []
        for scans in batches(aws):
            with meter.seconds("analyze", WORKERS):
                records += [each.record for each in analyze(scans, services, network) if each.record]
        with meter.seconds("count", WORKERS):
            counted += changes.count(services)
        for series_id in {each.series_id for each in records if each.series_id}:
            with meter.seconds("report", WORKERS):
                report(series_id, services)
        total = len(records)
        assert counted == 2 * total > 0
    # The event source mappings: a message of each upload, and of each scan in batches; S3 sends the former.
    meter.used["sqs_request"] += len(uploads) * 3 + 2 * total / BATCH
    meter.used["invocation"] += len(uploads) + total / BATCH + counted / 500
    meter.used["masks"] += sum(each.mask_key is not None for each in records)
    return {name: amount / total for name, amount in meter.used.items()}


def _client(aws: Backend, service: str) -> Any:
    return aws.client(service)


def batches(aws: Backend) -> Iterator[list[Scan]]:
    """What waits in the ScanQueue, as analyze takes it."""
    client, url = aws.client("sqs"), aws.name("ScanQueue")
    bodies = []
    while messages := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        bodies += [message["Body"] for message in messages]
    for start in range(0, len(bodies), BATCH):
        yield [parse_scan(body) for body in bodies[start : start + BATCH]]


def lines(used: dict[str, float], analyze_s: float, memory_mb: int) -> dict[str, float]:
    """Dollars for a million scans by line; storage is that of one month.

    Args:
        used: What a scan uses, of `measured`.
        analyze_s: What analyze takes for a scan, at its memory.
    """
    found = {}
    for name, amount in sorted(used.items()):
        kind, _, what = name.partition(" ")
        if kind in RATES:
            found[f"{WORDS[kind]} {what}".strip()] = amount * RATES[kind] * MILLION
    seconds = {name: used.get(f"seconds {name}", 0.0) * memory / 1024 for name, memory in MEMORY_MB.items()}
    seconds["analyze"] = analyze_s * memory_mb / 1024
    found |= {f"Lambda {name}": each * RATES["lambda_gb_second"] * MILLION for name, each in seconds.items() if each}
    found["Lambda invocations"] = used["invocation"] * RATES["lambda_request"] * MILLION
    found["S3 storage, one month"] = used["stored_bytes"] / GB * RATES["s3_gb_month"] * MILLION
    return found


WORDS = {
    "s3_put": "S3 PUT",
    "s3_get": "S3 GET",
    "dynamodb_write_unit": "DynamoDB write",
    "dynamodb_read_unit": "DynamoDB read",
    "sqs_request": "SQS",
    "event": "EventBridge",
}


def by_service(found: dict[str, float]) -> dict[str, float]:
    """The same dollars by service."""
    total = dict.fromkeys((line.partition(" ")[0] for line in found), 0.0)
    for line, amount in found.items():
        total[line.partition(" ")[0]] += amount
    return total


def at_rest() -> float:
    """Dollars a month without a single scan: what is paid for being there."""
    template = (checkout() / "infra/monitoring.yaml").read_text()
    plain = template.count("Type: AWS::CloudWatch::Alarm")
    metrics = plain + template.count("Expression: 100 * errors / invocations")  # these watch two metrics
    image_gb = 0.25  # about what ECR stores of the image, compressed, over its public base
    return float(
        metrics * RATES["alarm_metric_month"]
        + RATES["dashboard_month"]
        + RATES["secret_month"]
        + image_gb * RATES["ecr_gb_month"]
    )


def own_metrics() -> float:
    """Dollars that the functions' own metrics cost in a month in which every one of them is measured throughout."""
    shown = set(
        re.findall(
            r'\["brainscan", "(\w+)", .*?"function", "(\w+)"', (checkout() / "infra/monitoring.yaml").read_text()
        )
    )
    return float(len(shown) * RATES["custom_metric_month"])


def main() -> None:
    """Print the tables."""
    workloads: dict[str, Callable[[], list[tuple[str, bytes]]]] = {
        "2D, one by one": lone_scans,
        "2D, in a ZIP": scans_in_one_archive,
        "DICOM slices": exported_series,
    }
    used = {name: measured(make()) for name, make in workloads.items()}
    lone, *_ = used.values()
    warm_s = MEASURED[0]["warm_batch_s"] / BATCH
    # A DICOM slice takes as much longer than a picture as it does here.
    dollars = {
        name: lines(each, warm_s * each["seconds analyze"] / lone["seconds analyze"], MEASURED[0]["memory_mb"])
        for name, each in used.items()
    }
    names = sorted({line for each in dollars.values() for line in each})
    print("| a million scans, dollars | " + " | ".join(dollars) + " |")
    print("|---" + "|---:" * len(dollars) + "|")
    for line in names:
        print(f"| {line} | " + " | ".join(f"{each.get(line, 0):.2f}" for each in dollars.values()) + " |")
    print("| **together** | " + " | ".join(f"**{sum(each.values()):.2f}**" for each in dollars.values()) + " |")
    for name, each in used.items():
        print(f"\n{name}: {each['masks']:.0%} of the scans have a mask; {each['stored_bytes'] / 1024:.0f} KiB a scan.")
    print(f"\nAt rest: {at_rest():.2f} dollars a month; in months with scans, CloudWatch adds {own_metrics():.2f}.")


if __name__ == "__main__":
    main()
