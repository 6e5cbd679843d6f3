"""The built template on an AWS-shaped emulator: real events, real event source mappings, the real image."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from brainscan.domain import Outcome
from brainscan.store import Table
from tests.container.engine import ADDRESS, ROOT, Engine
from tests.container.package import package, told
from tests.container.readers import Readers

MINISTACK = ROOT / ".venv-ministack/bin/ministack"
PORT = 4566
ENDPOINT = f"http://{ADDRESS}:{PORT}"
"""Where the containers and this machine find AWS: on the engine's bridge, which nothing else reaches."""

STACK = "brainscan"
CODE_BUCKET = "code"
REGION = "us-east-1"
PARAMETERS: dict[str, str | int] = {
    "IntakeConcurrency": 2,
    "AnalyzeConcurrency": 3,
    "MaxReceiveCount": 5,
}
"""Containers at once: Lambda's mapping starts at two, and more than that is slower on two cores. The pauses of five
receives, the fewest that the template takes, are over in minutes."""

READY_S = 90


class Stack:
    """The deployed stack, and what a hospital and an operator do with it."""

    def __init__(self, engine: Engine, home: Path) -> None:
        self.engine = engine
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None
        self.outputs: dict[str, str] = {}
        self.readers: Readers | None = None
        self._packaged: dict[str, Any] = {}

    def start(self) -> None:
        """Start the emulator; what an earlier one kept is there again."""
        log = (self._home / "ministack.log").open("a")
        self._process = subprocess.Popen(
            [str(MINISTACK)], env=self._environment(), stdout=log, stderr=log, start_new_session=True
        )
        self.wait(self._ready, READY_S)

    def stop(self) -> None:
        """Stop the emulator, its function containers too."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None
        for container in self.containers():
            self.engine.docker("rm", "--force", container)

    def deploy(self, built: Path) -> None:
        """Create the stack from what `sam build` made, and a user pool whose tokens its API takes.

        Raises:
            RuntimeError: a resource could not be made; the text says which and why.
        """
        self.client("s3").create_bucket(Bucket=CODE_BUCKET)
        self._packaged = package(built, self.client("s3"), CODE_BUCKET)
        self.readers = Readers(self.client, ENDPOINT, REGION)
        self.outputs = self.create(STACK, PARAMETERS | self.readers.parameters)
        self.readers.route(self.resources(STACK))

    def create(self, name: str, parameters: Mapping[str, str | int]) -> dict[str, str]:
        """Create a stack of the template with these parameters and else its defaults; its outputs.

        Raises:
            RuntimeError: a resource could not be made; the text says which and why.
        """
        body = told(self._packaged, parameters)
        self.client("s3").put_object(Bucket=CODE_BUCKET, Key=f"{name}.json", Body=body.encode())
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{ENDPOINT}/{CODE_BUCKET}/{name}.json",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        self.wait(lambda: not self._described(name)["StackStatus"].endswith("IN_PROGRESS"), 180)
        made = self._described(name)
        if made["StackStatus"] != "CREATE_COMPLETE":
            events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
            raise RuntimeError([(e["LogicalResourceId"], e.get("ResourceStatusReason")) for e in events])
        return {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}

    def resources(self, name: str) -> dict[str, str]:
        """Physical ids of a stack's resources, by their logical ones."""
        found = self.client("cloudformation").describe_stack_resources(StackName=name)["StackResources"]
        return {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}

    # -- what there is

    def client(self, service: str, config: Config | None = None) -> Any:
        """A client of this AWS."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=ENDPOINT,
            region_name=REGION,
            config=config,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    @property
    def table(self) -> Table:
        """The table."""
        return Table.over(self.client("dynamodb"), self.outputs["TableName"])

    def containers(self) -> list[str]:
        """Ids of the functions' containers."""
        return self.engine.docker("ps", "--quiet", "--no-trunc", "--filter", "label=ministack").split()

    def analyzers(self) -> list[str]:
        """Ids of the containers of the image."""
        return self.engine.docker("ps", "--quiet", "--no-trunc", "--filter", "ancestor=analyze:analyze").split()

    def depth(self, queue: str) -> int:
        """Messages in a queue, waiting and in flight, by its output's name short of `Url`."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client("sqs").get_queue_attributes(QueueUrl=self.outputs[f"{queue}Url"], AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def outcomes(self) -> dict[str, Outcome]:
        """Every scan's outcome, by its id."""
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["TableName"])
        items = [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("SCAN#")]
        return {item["scan_id"]["S"]: Outcome(item["outcome"]["S"]) for item in items}

    # -- what is done with it

    def upload(self, key: str, data: bytes) -> str:
        """Put one object; its version."""
        put = self.client("s3").put_object(Bucket=self.outputs["UploadsBucket"], Key=key, Body=data)
        return str(put["VersionId"])

    def retry_after(self, queue: str, seconds: int) -> None:
        """How long a queue hides a message that a function has taken; the template's is minutes."""
        self.client("sqs").set_queue_attributes(
            QueueUrl=self.outputs[f"{queue}Url"], Attributes={"VisibilityTimeout": str(seconds)}
        )

    def drain(self, timeout_s: float = 240) -> None:
        """Wait until no upload or scan is on its way."""
        self.wait(lambda: not any(map(self.depth, ("UploadQueue", "ScanQueue", "RetryQueue"))), timeout_s)

    def wait(self, holds: Callable[[], object], timeout_s: float) -> None:
        """Wait until something holds.

        Raises:
            TimeoutError: it does not come to hold; the text ends with the emulator's log.
        """
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError((self._home / "ministack.log").read_text()[-3000:])
            time.sleep(0.5)

    # -- the parts

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{ENDPOINT}/_ministack/ready", timeout=5) as answer:  # noqa: S310 - our own
                return bool(answer.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def _described(self, name: str) -> dict[str, Any]:
        return dict(self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0])

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "DOCKER_HOST": f"unix://{self.engine.socket}",
            "BIND_HOST": ADDRESS,
            "MINISTACK_HOST": ADDRESS,
            "GATEWAY_PORT": str(PORT),
            "AWS_ENDPOINT_URL": ENDPOINT,
            "AWS_ACCESS_KEY_ID": "testing",  # whose signatures it knows: presigned links are verified
            "AWS_SECRET_ACCESS_KEY": "testing",
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "docker",
            "LAMBDA_STRICT": "1",
            "LAMBDA_DOCKER_FLAGS": "--tmpfs /tmp --memory 3008m",
            "PERSIST_STATE": "1",
            "S3_PERSIST": "1",
            "STATE_DIR": str(self._home / "state"),
            "S3_DATA_DIR": str(self._home / "s3"),
        }


@contextmanager
def deployed(engine: Engine, built: Path, home: Path) -> Iterator[Stack]:
    """A fresh stack, gone afterwards."""
    stack = Stack(engine, home)
    try:
        stack.start()
        stack.deploy(built)
        yield stack
    finally:
        stack.stop()
