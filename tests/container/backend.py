"""moto behind a container: the template's resources, on the bridge's address of this machine."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import boto3
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from brainscan.identity import Pseudonyms
from brainscan.local import moto_dynamodb
from brainscan.local.events import record
from brainscan.local.resources import Resources
from brainscan.local.template import REGION, Template
from brainscan.pipeline.intake import Upload, intake
from brainscan.services import Services
from brainscan.settings import Limits
from brainscan.store import Results, ScanQueue, Scans, Uploads
from tests.container.engine import ADDRESS, ROOT

CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


class Backend:
    """moto's AWS as the analyze function finds it, with scans that wait for it."""

    def __enter__(self) -> Self:
        moto_dynamodb.patch()
        self._server = ThreadedMotoServer(ip_address=ADDRESS, port=0, verbose=False)
        self._server.start()
        _, port = self._server.get_host_and_port()
        self.url = f"http://{ADDRESS}:{port}"
        self._template = Template(ROOT / "template.yaml")
        self._resources = Resources(self._template, self.client)
        self._resources.make_all()
        self.scans = Scans(self.client("dynamodb"), self.name("Scans"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def client(self, service: str) -> Any:
        """A client of this AWS."""
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **CREDENTIALS)  # type: ignore[call-overload]

    def name(self, logical_id: str) -> str:
        """What `!Ref` gives: a bucket's or table's name, a queue's URL."""
        return self._resources.attribute(logical_id, "Ref")

    def environment(self, function: str) -> dict[str, str]:
        """A function's environment: what the template says, what Lambda adds, and where AWS is."""
        [spec] = [spec for spec in self._template.functions() if spec.logical_id == function]
        told = self._template.resolve(spec.environment, self._resources.attribute)
        return {name: str(value) for name, value in told.items()} | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
            "POWERTOOLS_TRACE_DISABLED": "true",  # the emulator has no daemon that takes traces
        }

    def memory_mb(self, function: str) -> int:
        """The template's MemorySize of a function."""
        [spec] = [spec for spec in self._template.functions() if spec.logical_id == function]
        return spec.memory_mb

    def take_in(self, files: Sequence[bytes]) -> None:
        """Upload files and register their scans, as the intake function does."""
        services = Services(
            uploads=Uploads(self.client("s3")),
            results=Results(self.client("s3"), self.name("ResultsBucket")),
            scans=self.scans,
            queue=ScanQueue(self.client("sqs"), self.name("ScanQueue")),
            pseudonyms=Pseudonyms(b"tests"),
            limits=Limits(),
        )
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
                records.append(record(message, self._resources.attribute("ScanQueue", "Arn")))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return {"Records": records}
