"""The built template on an AWS-shaped emulator: an upload is answered once, whatever happens meanwhile."""

import json
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.dicom.report_identity import ReportObject
from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome
from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.container.capture import EVENTS, capture, shape
from tests.container.engine import ADDRESS, Engine
from tests.container.stack import ENDPOINT, PORT, Stack, deployed
from tests.making import png, present, zipped

FINAL = {Outcome.ANALYZED, Outcome.ABSTAINED}


@pytest.fixture(scope="module")
def stack(docker: Engine, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The deployed stack, with its first containers warm."""
    with deployed(docker, built, tmp_path_factory.mktemp("ministack")) as running:
        yield running


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The `brainscan` command as an operator of the stack runs it."""
    environment = {"AWS_ENDPOINT_URL": ENDPOINT, "AWS_DEFAULT_REGION": "us-east-1"}
    environment |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(app, ["dlq", *arguments])


def scans_of(stack: Stack, before: set[str]) -> dict[str, Outcome]:
    """Outcomes of the scans that came since `before`."""
    return {scan_id: outcome for scan_id, outcome in stack.outcomes().items() if scan_id not in before}


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own bridge
        return answer.read()


def settle(stack: Stack, before: set[str], count: int, timeout_s: float = 300) -> dict[str, Outcome]:
    """Wait until `count` new scans have a final outcome; their outcomes."""

    def done() -> bool:
        new = scans_of(stack, before)
        return len(new) >= count and Outcome.QUEUED not in new.values()

    stack.wait(done, timeout_s)
    return scans_of(stack, before)


def counted(stack: Stack, outcomes: dict[str, Outcome]) -> None:
    """Wait until the counts of an export, which follow the table's stream, are those of its scans."""
    export_id = present(stack.table.scans.get(next(iter(outcomes)))).export_id
    stack.wait(lambda: Counter(present(stack.table.exports.get(export_id)).counts) == Counter(outcomes.values()), 60)


def test_an_upload_becomes_a_result_with_links_that_end(stack: Stack) -> None:
    stack.upload("Doe, Jane/Kopf+1 ü.png", png(200, seed=1))
    [(scan_id, outcome)] = settle(stack, set(), 1).items()
    assert outcome in FINAL
    s3, key = stack.client("s3"), present(stack.table.scans.get(scan_id)).result_key
    stored = s3.get_object(Bucket=stack.outputs["ResultsBucket"], Key=key)["Body"].read()
    assert json.loads(stored)["research_use"] == RESEARCH_USE_STATEMENT
    assert b"Doe" not in stored

    where = {"Bucket": stack.outputs["ResultsBucket"], "Key": key}
    signer = stack.client("s3", config=Config(signature_version="s3v4"))  # what every region takes
    link = signer.generate_presigned_url("get_object", Params=where, ExpiresIn=60)
    assert fetched(link) == stored
    forged = link.replace("Signature=", "Signature=0")
    ended = signer.generate_presigned_url("get_object", Params=where, ExpiresIn=1)
    time.sleep(2)
    for refused in (forged, ended):
        with pytest.raises(urllib.error.HTTPError) as error:
            fetched(refused)
        assert error.value.code == 403


def test_the_api_answers_tokens_of_its_issuer_within_their_scopes(stack: Stack) -> None:
    readers = present(stack.readers)
    scan_id = next(iter(stack.outcomes()))
    scan, token = f"/v1/scans/{scan_id}", readers.token()
    assert readers.ask("/")[0] == 200
    assert readers.ask(scan)[0] == readers.ask(scan, "no.token.atall")[0] == 401
    status, body = readers.ask(scan, token)
    assert (status, json.loads(body)["scan_id"]) == (200, scan_id)
    assert readers.ask(f"{scan}/reviews", token, b'{"verdict": "rejected", "revision": 0}')[0] == 403
    assert not present(stack.table.scans.get(scan_id)).review


def test_a_dicom_series_is_reported_once_its_last_slice_is_answered(stack: Stack) -> None:
    before = set(stack.outcomes())
    slices = list(to_dicom(head(1, GLIOMA, 128, 6)))
    stack.upload("Doe, Jane.zip", zipped({f"DICOM/IM{number}": data for number, data in enumerate(slices)}))
    found = settle(stack, before, len(slices))
    bucket, s3 = stack.outputs["ResultsBucket"], stack.client("s3")

    def summaries() -> list[str]:
        listed = s3.list_objects_v2(Bucket=bucket, Prefix="reports/").get("Contents", [])
        return [each["Key"] for each in listed if each["Key"].endswith("/series.json")]

    stack.wait(summaries, 120)
    answer = json.loads(s3.get_object(Bucket=bucket, Key=summaries()[-1])["Body"].read())
    assert {each["scan_id"] for each in answer["slices"]} == set(found)
    assert answer["research_use"] == RESEARCH_USE_STATEMENT
    assert {*answer["files"], *answer["withheld"]} >= set(map(str, ReportObject))
    for key in answer["files"].values():
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_only_this_machines_bridge_reaches_the_emulator(docker: Engine, stack: Stack) -> None:
    port = f"{PORT:04X}"
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if " 0A " in line]
    reversed_address = "".join(f"{int(part):02X}" for part in reversed(ADDRESS.split(".")))
    assert [address for address in listening if address.endswith(f":{port}")] == [f"{reversed_address}:{port}"]


def test_a_duplicate_event_and_an_overwritten_upload_count_once(stack: Stack) -> None:
    before = set(stack.outcomes())
    first = stack.upload("overwritten.png", png(180, seed=2))
    settle(stack, before, 1)
    second = stack.upload("overwritten.png", png(180, seed=3))
    settle(stack, before, 2)
    stack.drain()

    records = stack.table.scans.get_many(sorted(scans_of(stack, before)))
    superseded = {record.source.version_id: record.superseded for record in records.values()}
    assert superseded == {first: True, second: False}

    body = {"eventName": "ObjectCreated:Put", "eventTime": "2026-03-01T12:00:00.000Z", "s3": {}}
    body["s3"] = {
        "bucket": {"name": stack.outputs["UploadsBucket"]},
        "object": {"key": "overwritten.png", "versionId": second, "sequencer": "00" * 8},
    }
    stack.client("sqs").send_message(
        QueueUrl=stack.outputs["UploadQueueUrl"], MessageBody=json.dumps({"Records": [body]})
    )
    stack.drain()
    assert stack.table.scans.get_many(list(records)) == records
    assert set(scans_of(stack, before)) == set(records)


def test_a_poison_message_ends_in_the_dead_letter_queue_and_a_redrive_brings_a_repaired_scan_back(
    stack: Stack, operator: Callable[..., Any]
) -> None:
    before = set(stack.outcomes())
    queue = {"QueueUrl": stack.outputs["ScanQueueUrl"]}
    bucket = {"Bucket": stack.outputs["ResultsBucket"]}
    mappings = stack.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    [mapping] = [each for each in mappings if "ScanQueue" in each["EventSourceArn"]]
    stack.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    stack.upload("repaired.png", png(180, seed=4))
    stack.wait(lambda: len(scans_of(stack, before)) == 1 and stack.depth("ScanQueue") == 1, 120)
    [scan_id] = scans_of(stack, before)
    source = {**bucket, "Key": present(stack.table.scans.get(scan_id)).staged_key}
    data = stack.client("s3").get_object(**source)["Body"].read()
    stack.client("s3").delete_object(**source)
    stack.client("sqs").send_message(**queue, MessageBody="Jane Doe")
    stack.retry_after("ScanQueue", 2)
    stack.client("lambda").update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)

    stack.wait(lambda: stack.depth("ScanDLQ") == 2, 480)

    assert present(stack.table.scans.get(scan_id)).outcome == Outcome.FAILED
    stack.retry_after("ScanQueue", 720)
    listed = operator("list", "--stack", "brainscan")
    assert listed.exit_code == 0, listed.output
    assert "Jane" not in listed.output
    stack.client("s3").put_object(**source, Body=data)
    letters = stack.client("sqs").receive_message(
        QueueUrl=stack.outputs["ScanDLQUrl"], MaxNumberOfMessages=10, VisibilityTimeout=0
    )["Messages"]
    [message_id] = [letter["MessageId"] for letter in letters if scan_id in letter["Body"]]
    assert scan_id in operator("show", message_id).output
    assert operator("redrive", message_id).output == "sent back: 1\n"
    stack.wait(lambda: present(stack.table.scans.get(scan_id)).outcome in FINAL, 120)
    assert stack.depth("ScanDLQ") == 1


def test_a_burst_of_200_scans_is_answered_by_several_containers_each_scan_once(stack: Stack) -> None:
    before = set(stack.outcomes())
    begun = time.perf_counter()
    stack.upload("burst.zip", zipped({f"slice{n:03d}": png(160, seed=1000 + n) for n in range(190)}))
    for n in range(10):
        stack.upload(f"burst{n}.png", png(160, seed=2000 + n))
    several = 0

    def done() -> bool:
        nonlocal several
        several = max(several, len(stack.analyzers()))
        new = scans_of(stack, before)
        return len(new) == 200 and Outcome.QUEUED not in new.values()

    stack.wait(done, 800)
    took_s = time.perf_counter() - begun
    outcomes = Counter(scans_of(stack, before).values())
    assert set(outcomes) <= FINAL
    assert several > 1
    export_id = present(
        next(
            r for r in map(stack.table.scans.get, scans_of(stack, before)) if present(r).source.entry_index is not None
        )
    ).export_id
    assert Counter(present(stack.table.exports.get(export_id)).counts) == Counter(
        r.outcome for r in stack.table.queries.of_export(export_id, limit=200).items
    )
    assert stack.depth("ScanDLQ") <= 1
    print(f"\n200 scans in {took_s:.0f} s by up to {several} containers: {dict(outcomes)}")


def test_killing_a_container_in_the_middle_of_a_batch_loses_and_doubles_nothing(stack: Stack, docker: Engine) -> None:
    stack.drain()
    before = set(stack.outcomes())
    stack.retry_after("ScanQueue", 15)
    stack.upload("killed.zip", zipped({f"slice{n:03d}": png(512, seed=3000 + n) for n in range(64)}))
    stack.wait(lambda: bool(FINAL & set(scans_of(stack, before).values())), 400)
    for container in stack.analyzers():
        docker.docker("kill", container)
    assert Outcome.QUEUED in scans_of(stack, before).values()

    outcomes = settle(stack, before, 64)
    stack.drain()

    assert len(outcomes) == 64
    assert set(outcomes.values()) <= FINAL
    counted(stack, outcomes)
    stack.retry_after("ScanQueue", 720)


def test_stopping_the_emulator_between_upload_and_processing_loses_and_doubles_nothing(stack: Stack) -> None:
    before = set(stack.outcomes())
    stack.retry_after("UploadQueue", 15)
    stack.retry_after("ScanQueue", 15)
    stack.upload("stopped.zip", zipped({f"slice{n:03d}": png(160, seed=4000 + n) for n in range(16)}))

    stack.stop()
    stack.start()

    outcomes = settle(stack, before, 16)
    assert len(outcomes) == 16
    assert set(outcomes.values()) <= FINAL
    # Their counts are not asked for: they follow the table's stream, which this emulator forgets when it stops.


def test_events_have_the_shape_of_those_that_the_unit_tests_use(stack: Stack) -> None:
    found = capture(stack.client)
    kept = {path.stem: json.loads(path.read_text()) for path in EVENTS.glob("*.json")}
    assert {name: shape(event) for name, event in found.items()} == {name: shape(event) for name, event in kept.items()}


def test_the_template_is_deployed_with_its_defaults_and_makes_neither_api_nor_deliveries(stack: Stack) -> None:
    outputs = stack.create("defaults", {})
    made = set(stack.resources("defaults"))
    assert {"Intake", "Analyze", "Report", "ReprocessMachine", "Monitoring"} <= made
    assert not [name for name in made if name.startswith(("ResultsApi", "ResultsHttpApi", "Deliver"))]
    assert stack.outputs.keys() - outputs.keys() == {"ResultsUrl"}


def test_the_template_is_deployed_with_a_pacs(stack: Stack) -> None:
    outputs = stack.create("pacs", {"StowUrl": "https://pacs.example/dicom-web"})
    assert {"DeliveryQueueUrl", "DeliveryDLQUrl"} <= outputs.keys()
    assert {"Deliver", "DeliveryGiveUpQueue", "PacsCredentials"} <= set(stack.resources("pacs"))
