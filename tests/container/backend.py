"""moto behind a container: the template's resources, on the bridge's address of this machine."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Self

from brainscan.pipeline.intake import intake
from brainscan.store import Table
from brainscan.store.upload import Upload
from brainscan_local.backend import CREDENTIALS, Backend
from brainscan_local.events import record
from brainscan_local.template import REGION
from tests.container.engine import ADDRESS, ROOT


class ContainerBackend(Backend):
    """moto's AWS as the analyze function finds it, with scans that wait for it."""

    def __init__(self) -> None:
        super().__init__(ROOT / "template.yaml", ADDRESS)

    def __enter__(self) -> Self:
        super().__enter__()
        self.table = Table.over(self.client("dynamodb"), self.name("Scans"))
        return self

    def variables(self, function: str) -> dict[str, str]:
        """A function's environment: the template's, and what Lambda adds."""
        return self.environment(function) | {
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb(function)),
        }

    def memory_mb(self, function: str) -> int:
        """The template's MemorySize of a function."""
        return self.functions()[function].memory_mb

    def take_in(self, files: Sequence[bytes]) -> None:
        """Upload files and register their scans, as the intake function does."""
        services = self.services(self.client)
        for data in files:
            key = f"{uuid.uuid4()}.png"
            self.client("s3").put_object(Bucket=self.name("UploadsBucket"), Key=key, Body=data)
            intake(Upload(self.name("UploadsBucket"), key, received_at=datetime.now(UTC)), services)

    def event(self, most: int = 10) -> dict[str, Any]:
        """Up to `most` waiting scans as Lambda hands them over; their messages are deleted, as after success."""
        sqs, url = self.client("sqs"), self.name("ScanQueue")
        records: list[dict[str, Any]] = []
        while len(records) < most:
            found = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=min(10, most - len(records)), MessageSystemAttributeNames=["All"]
            )
            if not found.get("Messages"):
                break
            for message in found["Messages"]:
                records.append(record(message, self.resources.attribute("ScanQueue", "Arn")))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return {"Records": records}
