"""What failed every time is `failed`, its message ends in the dead-letter queue, and what is redriven is completed."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from brainscan.domain import Export, ExportState, Outcome, Part, Reason
from brainscan.pipeline.give_up import give_up_upload
from brainscan.pipeline.intake import intake, intake_part
from brainscan.services import Services
from brainscan.settings import Limits
from brainscan.store import retry
from brainscan.store.file_results import listing_of
from brainscan.store.queues import message
from brainscan.store.upload import Upload
from tests.conftest import World
from tests.making import a_record, png, s3_event, tarred, zipped

HANDLER = Path(__file__).parents[3] / "functions/give_up/handler.py"
IMAGES = {f"{n}.png": png(32, seed=n) for n in range(10)}


@pytest.fixture
def small(world: World) -> Services:
    """Services that expand four files an invocation."""
    return replace(world.services, limits=Limits(part_files=4))


def found(world: World, export: Export) -> Export:
    current = world.services.table.exports.get(export.export_id)
    assert current is not None
    return current


def listed(world: World, export: Export) -> list[tuple[str, ...]]:
    lines = listing_of(export.export_id, world.services.table, world.services.results).splitlines()
    return [(line["outcome"], *line["reasons"]) for line in map(json.loads, lines)]


class TestUploads:
    def test_one_that_never_came_in_is_a_failed_export_of_one_failed_file(self, world: World) -> None:
        export = give_up_upload(world.upload("a.png", png(32)), world.services)
        assert export is not None
        assert (export.state, export.files, export.skipped, export.done) == (ExportState.FAILED, 1, 0, True)
        assert listed(world, export) == [(Outcome.FAILED, Reason.RETRIES_EXHAUSTED)]

    def test_one_that_s3_does_not_even_speak_of_is_a_failed_export_too(self, world: World) -> None:
        upload = world.upload("a.png", png(32))

        def refuse(params: dict[str, Any], **_: object) -> None:
            if params["Bucket"] == "uploads":
                raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

        for operation in ("GetObject", "HeadObject"):
            world.s3.meta.events.register(f"before-parameter-build.s3.{operation}", refuse)
        with pytest.raises(ClientError):
            intake(upload, world.services)
        export = give_up_upload(upload, world.services)
        assert export is not None
        assert listed(world, export) == [(Outcome.FAILED, Reason.RETRIES_EXHAUSTED)]
        for operation in ("GetObject", "HeadObject"):
            world.s3.meta.events.unregister(f"before-parameter-build.s3.{operation}", refuse)
        assert intake(upload, world.services).export_id == export.export_id
        assert found(world, export).state is ExportState.EXPANDED

    def test_one_whose_answer_may_come_a_moment_later_is_not_given_up(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload = world.upload("a.png", png(32))

        def refuse(**_: object) -> None:
            raise ClientError({"Error": {"Code": "503", "Message": "Slow Down"}}, "HeadObject")

        world.s3.meta.events.register("before-parameter-build.s3.HeadObject", refuse)
        monkeypatch.setattr(retry, "BUDGET_S", 0)
        with pytest.raises(ClientError):
            give_up_upload(upload, world.services)

    def test_one_that_is_sent_again_comes_in(self, world: World) -> None:
        upload = world.upload("a.png", png(32))
        give_up_upload(upload, world.services)
        export = intake(upload, world.services)
        assert (export.state, export.files, export.scans) == (ExportState.EXPANDED, 1, 1)
        assert listed(world, export) == [(Outcome.QUEUED,)]

    def test_one_that_is_taken_in_stays_as_it_is(self, world: World) -> None:
        upload = world.upload("a.png", png(32))
        before = intake(upload, world.services)
        assert give_up_upload(upload, world.services) == before

    def test_one_that_is_gone_is_skipped(self, world: World) -> None:
        upload = world.upload("a.png", png(32))
        world.s3.delete_object(Bucket="uploads", Key="a.png", VersionId=upload.version_id)
        export = give_up_upload(upload, world.services)
        assert export is not None
        assert listed(world, export) == [(Outcome.SKIPPED, Reason.OBJECT_GONE)]

    def test_one_that_a_newer_version_replaced_stays_replaced(self, world: World) -> None:
        old = world.upload("a.png", png(32), sequencer="01")
        new = intake(world.upload("a.png", png(33), sequencer="02"), world.services)
        export = give_up_upload(old, world.services)
        assert export is not None
        assert export.state is ExportState.SUPERSEDED
        assert found(world, new).state is ExportState.EXPANDED


class TestParts:
    def test_its_neighbours_are_taken_in(self, world: World, small: Services) -> None:
        export = intake(world.upload("export.zip", zipped(IMAGES)), small)
        first, second, third = world.parts()
        for part in (first, third):
            intake_part(part, small)
        assert found(world, export).state is ExportState.EXPANDING
        give_up_upload(second, small)
        now = found(world, export)
        assert (now.state, now.files, now.scans) == (ExportState.FAILED, 7, 6)
        assert listed(world, export).count((Outcome.FAILED, Reason.RETRIES_EXHAUSTED)) == 1
        intake_part(second, small)
        now = found(world, export)
        assert (now.state, now.files, now.scans) == (ExportState.EXPANDED, 10, 10)
        assert listed(world, export) == [(Outcome.QUEUED,)] * 10

    def test_a_tar_ends_with_it_and_goes_on_when_it_is_sent_again(self, world: World, small: Services) -> None:
        export = intake(world.upload("export.tar", tarred(IMAGES, "")), small)
        [second] = world.parts()
        give_up_upload(second, small)
        assert (found(world, export).state, found(world, export).files) == (ExportState.FAILED, 5)
        intake_part(second, small)
        while parts := world.parts():
            for part in parts:
                intake_part(part, small)
        assert (found(world, export).state, found(world, export).files) == (ExportState.EXPANDED, 10)

    def test_one_that_is_done_stays_done(self, world: World, small: Services) -> None:
        export = intake(world.upload("export.zip", zipped(IMAGES)), small)
        parts = world.parts()
        for part in parts:
            intake_part(part, small)
        before = found(world, export)
        give_up_upload(parts[0], small)
        assert found(world, export) == before

    def test_one_that_is_done_while_it_is_given_up_counts_as_done(
        self, world: World, small: Services, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        export = intake(world.upload("export.zip", zipped(dict(list(IMAGES.items())[:8]))), small)
        first, second = world.parts()
        intake_part(first, small)
        conclude, late = type(small.table.exports).conclude, [second]

        def overtaken(exports: Any, written: Export) -> None:
            if written.state is ExportState.FAILED and late:
                intake_part(late.pop(), small)
            conclude(exports, written)

        monkeypatch.setattr(type(small.table.exports), "conclude", overtaken)
        give_up_upload(second, small)
        assert (found(world, export).state, found(world, export).files) == (ExportState.EXPANDED, 8)
        assert listed(world, export) == [(Outcome.QUEUED,)] * 8

    def test_one_of_an_unknown_export_is_nothing(self, world: World) -> None:
        assert give_up_upload(Part(export_id="0" * 32), world.services) is None


Handle = Callable[..., list[str]]


@pytest.fixture
def handle(world: World, monkeypatch: pytest.MonkeyPatch) -> Handle:
    """Hands the function messages of one of its queues; the ids of those to retry."""
    for name in ("POWERTOOLS_METRICS_DISABLED", "POWERTOOLS_TRACE_DISABLED"):
        monkeypatch.setenv(name, "true")
    spec = importlib.util.spec_from_file_location("give_up_handler", HANDLER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "services", lambda: world.services)
    context = SimpleNamespace(
        get_remaining_time_in_millis=lambda: 30_000,
        function_name="give-up",
        memory_limit_in_mb=512,
        invoked_function_arn="arn",
        aws_request_id="request",
    )

    def invoke(*bodies: str, queue: str) -> list[str]:
        records = [
            {
                "messageId": f"message {number}",
                "receiptHandle": f"receipt {number}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "0"},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
            }
            for number, body in enumerate(bodies)
        ]
        answer = module.lambda_handler({"Records": records}, context)
        return [each["itemIdentifier"] for each in answer["batchItemFailures"]]

    return invoke


def dead(world: World, name: str) -> list[str]:
    url = world.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return sorted(world._bodies(url))


class TestHandler:
    def test_a_scan_fails_with_its_reason_and_its_message_is_kept(self, world: World, handle: Handle) -> None:
        intake(world.upload("a.png", png(32)), world.services)
        [scan] = world.queued()
        assert handle(message(scan), queue="given-up-scans") == []
        record = world.services.table.scans.get(scan.scan_id)
        assert record is not None
        assert (record.outcome, record.reasons) == (Outcome.FAILED, (Reason.RETRIES_EXHAUSTED,))
        assert dead(world, "dead-scans") == [message(scan)]

    def test_what_speaks_of_nothing_is_kept_and_so_is_a_scan_that_nobody_registered(
        self, world: World, handle: Handle
    ) -> None:
        bodies = ["{}", message(a_record())]
        assert handle(*bodies, queue="given-up-scans") == []
        assert dead(world, "dead-scans") == sorted(bodies)
        assert handle("{}", "no JSON", queue="given-up-uploads") == []
        assert dead(world, "dead-uploads") == ["no JSON", "{}"]

    def test_an_upload_and_a_part_fail_and_their_messages_are_kept(
        self, world: World, small: Services, handle: Handle
    ) -> None:
        export = intake(world.upload("export.zip", zipped(IMAGES)), small)
        parts = [part.model_dump_json() for part in world.parts()]
        event = s3_event("uploads", "a.png", world.put("a.png", png(32)))
        assert handle(event, *parts, queue="given-up-uploads") == []
        assert found(world, export).state is ExportState.FAILED
        assert dead(world, "dead-uploads") == sorted([event, *parts])

    def test_one_that_the_table_refuses_comes_again_and_is_not_kept_before_it_failed(
        self, world: World, handle: Handle, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        intake(world.upload("a.png", png(32)), world.services)
        [scan] = world.queued()
        monkeypatch.setattr(
            type(world.services.table.scans), "commit", lambda *_: (_ for _ in ()).throw(ConnectionError)
        )
        assert handle("{}", message(scan), queue="given-up-scans") == ["message 1"]
        assert dead(world, "dead-scans") == ["{}"]

    def test_uploads_with_names_leave_none_in_what_is_logged(
        self, world: World, handle: Handle, capsys: pytest.CaptureFixture[str]
    ) -> None:
        event = s3_event("uploads", "Doe%5EJane.png", world.put("Doe^Jane.png", png(32)))
        handle(event, queue="given-up-uploads")
        assert "Doe" not in capsys.readouterr().out


def test_an_upload_is_named_by_its_event_alone(world: World) -> None:
    """Also where S3 told no version, the one that is there is meant."""
    upload = world.upload("a.png", png(32))
    export = give_up_upload(Upload("uploads", "a.png", upload.received_at), world.services)
    assert export is not None
    assert intake(upload, world.services).export_id == export.export_id
