"""What a million scans cost on AWS, and the stack at rest: the second table of docs/container.md.

Requests and write units are counted while intake and analyze take scans against moto; durations are those of
infra/cost/measured.json; prices are those of infra/cost/prices.json.
"""

import json
import math
import re
import time
import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from brainscan.events import scan_in
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.intake import intake
from brainscan.store.upload import Upload
from brainscan_local.backend import Backend
from brainscan_local.paths import checkout
from tests.making import png
from tests.unit.store.ledger import item_size

BATCH = 8
MILLION = 1_000_000
GB = 1024**3
RATES = json.loads((checkout() / "infra/cost/prices.json").read_text())
MEASURED = json.loads((checkout() / "infra/cost/measured.json").read_text())


class Meter:
    """Counts what clients ask of AWS, in the units that AWS charges for."""

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()

    def watched(self, client: Any) -> Any:
        """The same client, counted."""
        client.meta.events.register("provide-client-params", self._count)
        return client

    def _count(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        service, operation = model.service_model.service_name, model.name
        if service == "s3":
            self.used["s3_put" if operation == "PutObject" else "s3_get"] += 1
            self.used["s3_bytes"] += len(params.get("Body", b""))
        elif service == "sqs":
            self.used["sqs_request"] += 1
        elif operation == "TransactWriteItems":
            self.used["dynamodb_write_unit"] += sum(2 * _writes(action) for action in params["TransactItems"])
        elif operation in {"PutItem", "UpdateItem"}:
            self.used["dynamodb_write_unit"] += _writes({"Put": params})
        else:
            self.used["dynamodb_read_unit"] += max(1, len(params.get("RequestItems", {})))


def _writes(action: dict[str, Any]) -> int:
    """Write units of one write without a transaction: one for each KB, of the table and of each index it is in."""
    [written] = action.values()
    item = written.get("Item", {})
    places = 1 + sum(name.endswith("_pk") for name in item)
    return places * max(1, math.ceil(item_size(item) / 1024))


def count() -> tuple[Counter[str], float]:
    """Usage of `BATCH` scans that are uploaded one by one, and the seconds that intake takes for one."""
    with Backend() as aws:
        meter = Meter()
        services = aws.services(lambda service: meter.watched(aws.client(service)))
        took = 0.0
        for number in range(BATCH):
            key = f"{uuid.uuid4()}.png"
            aws.client("s3").put_object(Bucket=aws.name("UploadsBucket"), Key=key, Body=png(256, seed=number))
            begin = time.perf_counter()
            intake(Upload(aws.name("UploadsBucket"), key, received_at=datetime.now(UTC)), services)
            took += time.perf_counter() - begin
        queued = aws.client("sqs").receive_message(QueueUrl=aws.name("ScanQueue"), MaxNumberOfMessages=10)["Messages"]
        scans = [scan_in(message["Body"]) for message in queued]
        network = Model.load(checkout() / "functions/analyze/model")
        answers = analyze(scans, services, network)
        assert len(answers) == BATCH
        assert all(answer.record for answer in answers)
    # The event source mappings: each message is received and deleted, in batches of one and of eight.
    meter.used["sqs_request"] += BATCH * 3 + 2
    return meter.used, took / BATCH


def per_million(row: dict[str, Any], used: Counter[str], intake_s: float) -> dict[str, float]:
    """Dollars for a million scans, by what they are for; storage is that of one month."""
    scale = MILLION / BATCH
    compute_gb_s = scale * row["warm_batch_s"] * row["memory_mb"] / 1024
    intake_gb_s = MILLION * intake_s * 1769 / 1024
    requests = {name: scale * amount * RATES[name] for name, amount in used.items() if name in RATES}
    stored = scale * used["s3_bytes"] / GB * RATES["s3_gb_month"]
    lambda_requests = (scale + MILLION) * RATES["lambda_request"]
    return {
        "analyze": compute_gb_s * RATES["lambda_gb_second"],
        "intake": intake_gb_s * RATES["lambda_gb_second"] + lambda_requests,
        "DynamoDB": requests["dynamodb_write_unit"] + requests["dynamodb_read_unit"],
        "S3": requests["s3_put"] + requests["s3_get"] + stored,
        "SQS": requests["sqs_request"],
    }


def at_rest() -> float:
    """Dollars a month without a single scan: what is paid for being there."""
    template = (checkout() / "infra/watching.yaml").read_text()
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
        re.findall(r'\["brainscan", "(\w+)", .*?"function", "(\w+)"', (checkout() / "infra/watching.yaml").read_text())
    )
    return float(len(shown) * RATES["custom_metric_month"])


def main() -> None:
    """Print the tables."""
    used, intake_s = count()
    print(f"Counted for {BATCH} scans: {dict(used)}; intake {intake_s:.3f} s each\n")
    tables = {row["memory_mb"]: per_million(row, used, intake_s) for row in MEASURED}
    names = list(next(iter(tables.values())))
    print("| MB | " + " | ".join(names) + " | together |")
    print("|---" * (len(names) + 2) + "|")
    for memory_mb, dollars in tables.items():
        cells = [f"{dollars[name]:.2f}" for name in names]
        print(f"| {memory_mb} | " + " | ".join(cells) + f" | {sum(dollars.values()):.2f} |")
    print(
        f"\nAt rest: {at_rest():.2f} dollars a month. In months with scans, CloudWatch adds up to {own_metrics():.2f}."
    )


if __name__ == "__main__":
    main()
