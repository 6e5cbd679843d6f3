"""The laptop stack: what template.yaml describes, running in this process and one child, on 127.0.0.1."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from brainscan.domain import BrainscanError
from brainscan.services import services
from brainscan.settings import limits, settings
from brainscan_local import functions
from brainscan_local.events import Worker
from brainscan_local.invoke import invoking
from brainscan_local.paths import checkout
from brainscan_local.poller import Poller
from brainscan_local.resources import Resources
from brainscan_local.server import HOST, MotoServer
from brainscan_local.streams import StreamWorker
from brainscan_local.template import REGION, MappingSpec, StreamSpec, Template

QUIET_POLL_S = 0.1

ISOLATED = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": HOST,
    "no_proxy": HOST,
    "POWERTOOLS_METRICS_DISABLED": "true",
}
"""What keeps this process from the user's own AWS; besides, every other variable of the AWS SDK is taken away."""


class StackError(BrainscanError):
    """The laptop stack cannot go on."""


class LocalStack:
    """Every resource and function of the template, from `with` to its end.

    The functions' own handlers run in threads of this process, one invocation a function at a time; buckets,
    queues, tables and secrets are moto's, in a child process. While the stack runs, this process's environment is the
    functions', and its AWS credentials are fakes that only the local endpoint takes.

        with LocalStack() as stack:
            stack.upload(Path("scan.png"))
            stack.drain(timeout_s=60)
            stack.client("s3").list_objects_v2(Bucket=stack.results_bucket)

    Args:
        template: template.yaml; default: the checkout's.
        parameters: Template parameters in place of their defaults.
        retry_delay_s: How long a failed message waits for its next delivery, in place of the visibility timeout.
    """

    def __init__(
        self,
        template: Path | None = None,
        parameters: Mapping[str, str] | None = None,
        retry_delay_s: float = 0.2,
    ) -> None:
        self._template_path = template
        self._parameters = parameters
        self._retry_delay_s = retry_delay_s
        self._undo = ExitStack()
        self._workers: list[Poller] = []
        self._still: tuple[list[int], list[int]] | None = None
        self._clients: dict[str, Any] = {}

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.enter_context(_environment(ISOLATED, without="AWS_"))
            loaded: dict[str, functions.Function] = {}
            server = MotoServer(lambda_url=undo.enter_context(invoking(loaded)))
            undo.callback(server.stop)
            template = Template(self._template_path or checkout() / "template.yaml", self._parameters)
            self.endpoint_url = server.url
            undo.enter_context(_environment({"AWS_ENDPOINT_URL": self.endpoint_url}))
            self._resources = Resources(template, self.client)
            self._resources.make_all()
            specs = template.functions()
            told = functions.environment_of(specs, template, self._resources.attribute)
            undo.enter_context(_environment(told | {"BRAINSCAN_UPLOADS_BUCKET": self.uploads_bucket}))
            loaded |= {function.name: function for function in map(functions.load, specs)}
            undo.callback(self._stop)
            self._mappings = template.mappings()
            self._workers = [
                self._worker(mapping, loaded[functions.name_of(mapping.function_id)]) for mapping in self._mappings
            ]
            self._streams = [
                self._stream(mapping, loaded[functions.name_of(mapping.function_id)]) for mapping in template.streams()
            ]
            self._workers += self._streams
            for worker in self._workers:
                worker.start()
            self._undo = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undo.close()

    # -- what there is

    @property
    def uploads_bucket(self) -> str:
        """Name of the bucket that takes uploads."""
        return self._resources.attribute("UploadsBucket", "Ref")

    @property
    def results_bucket(self) -> str:
        """Name of the bucket with images, masks and results."""
        return self._resources.attribute("ResultsBucket", "Ref")

    @property
    def table_name(self) -> str:
        """Name of the table of scans."""
        return self._resources.attribute("Scans", "Ref")

    def queue_url(self, logical_id: str) -> str:
        """URL of a queue by its name in the template, such as "ScanDLQ"."""
        return self._resources.attribute(logical_id, "Ref")

    def machine_arn(self, logical_id: str) -> str:
        """ARN of a state machine by its name in the template."""
        return self._resources.attribute(logical_id, "Arn")

    def secret_arn(self, logical_id: str) -> str:
        """ARN of a secret by its name in the template, such as "PacsCredentials"."""
        return self._resources.attribute(logical_id, "Ref")

    def client(self, service: str) -> Any:
        """A low-level client of a local service, such as "s3"."""
        if service not in self._clients:
            config = Config(retries={"mode": "standard", "max_attempts": 3})
            made = boto3.client(service, endpoint_url=self.endpoint_url, config=config)  # type: ignore[call-overload]
            self._clients[service] = made
        return self._clients[service]

    def depth(self, logical_id: str) -> int:
        """Messages in a queue: waiting, delayed and in flight together."""
        names = ("", "NotVisible", "Delayed")
        wanted: Any = [f"ApproximateNumberOfMessages{name}" for name in names]
        url = self.queue_url(logical_id)
        found = self.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
        return sum(int(found[name]) for name in wanted)

    # -- what it does

    def upload(self, path: Path, key: str | None = None) -> str:
        """Put a file into the uploads bucket, as a hospital would; its key (default: the file's name)."""
        key = key or path.name
        self.client("s3").upload_file(str(path), self.uploads_bucket, key)
        return key

    def drain(self, timeout_s: float) -> None:
        """Wait until the functions' queues are empty and nothing is in flight.

        Raises:
            TimeoutError: it takes longer.
            StackError: see `check`.
        """
        self.run_until(self._quiet, timeout_s)

    def run_until(self, predicate: Callable[[], bool], timeout_s: float) -> None:
        """Let the stack work until `predicate()` holds; it is asked about ten times a second.

        Raises:
            TimeoutError: it takes longer.
            StackError: see `check`.
        """
        deadline = time.monotonic() + timeout_s
        while not predicate():
            self.check()
            if time.monotonic() > deadline:
                depths = {mapping.queue_id: self.depth(mapping.queue_id) for mapping in self._mappings}
                raise TimeoutError(f"still at work after {timeout_s:g} s: {depths}")
            time.sleep(QUIET_POLL_S)

    def check(self) -> None:
        """Make sure that every function still takes messages.

        Raises:
            StackError: one ended because its queue could not be reached; whoever waits for it would wait forever.
        """
        for worker in self._workers:
            if worker.error is not None:
                raise StackError(f"{worker.name} no longer takes messages") from worker.error

    # -- the parts

    def _quiet(self) -> bool:
        """True if nothing is queued or in flight.

        Looks twice, and for batches in between: a message may hop to a queue that was looked at before. A stream has
        nothing left when it was read to its end twice since the first look: the first read may have begun before it.
        """
        batches = [worker.batches for worker in self._workers]
        reads = [worker.empty_reads for worker in self._streams]
        if any(self.depth(mapping.queue_id) for mapping in self._mappings):
            self._still = None
            return False
        if self._still is None or self._still[0] != batches:
            self._still = (batches, reads)
            return False
        return all(now >= before + 2 for now, before in zip(reads, self._still[1], strict=True))

    def _stream(self, mapping: StreamSpec, function: functions.Function) -> StreamWorker:
        arn = self._resources.attribute(mapping.table_id, "StreamArn")
        dead = self._resources.attribute(mapping.dead_letter_id, "Ref") if mapping.dead_letter_id else None
        clients = self.client("dynamodbstreams"), self.client("sqs")
        return StreamWorker(*clients, function, mapping, arn, dead, self._retry_delay_s)

    def _worker(self, mapping: MappingSpec, function: functions.Function) -> Worker:
        attribute = self._resources.attribute
        url, arn = attribute(mapping.queue_id, "Ref"), attribute(mapping.queue_id, "Arn")
        return Worker(self.client("sqs"), function, mapping, url, arn, self._retry_delay_s)

    def _stop(self) -> None:
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            worker.join()
        self._workers = []


@contextmanager
def _environment(values: Mapping[str, str], without: str | None = None) -> Iterator[None]:
    """Set variables, take away all others whose name begins with `without`, and put all back as it was."""
    before = dict(os.environ)
    taken = {name for name in before if without is not None and name.startswith(without)}
    for name in taken:
        del os.environ[name]
    os.environ.update(values)
    _forget()
    try:
        yield
    finally:
        for name in {*values, *taken}:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]
        _forget()


def _forget() -> None:
    """Drop what this process remembers of an environment that is no longer its own, as a new process would."""
    for remembered in (settings, limits, services):
        remembered.cache_clear()
    boto3.DEFAULT_SESSION = None
