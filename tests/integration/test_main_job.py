"""The main job on the laptop stack: every upload once, whatever S3, SQS and the senders do."""

import io
import json
import random
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brainscan.domain import Outcome, Reason
from brainscan.services import services
from brainscan.store.queues import message
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from brainscan_local.stack import LocalStack
from tests.listing import listed_scans
from tests.making import png, present, s3_event, zipped

RETRY_S = 0.05


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack(retry_delay_s=RETRY_S) as stack:
        yield stack


def huge_png_header() -> bytes:
    """A PNG that says it is 40,000 x 40,000."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(40_001)))
        + chunk(b"IEND", b"")
    )


def put(stack: LocalStack, key: str, data: bytes) -> str:
    """Upload without S3's own notification being the only one: the version, for events of our own."""
    return stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=key, Body=data)["VersionId"]


def send(stack: LocalStack, queue: str, bodies: list[str]) -> None:
    for body in bodies:
        stack.client("sqs").send_message(QueueUrl=stack.queue_url(queue), MessageBody=body)


def bodies_in(stack: LocalStack, queue: str) -> list[str]:
    found = []
    sqs, url = stack.client("sqs"), stack.queue_url(queue)
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for each in messages:
            found.append(each["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return found


def all_scans(export_ids: Any) -> Any:
    table = services().table
    return [record for export_id in export_ids for record in table.queries.of_export(export_id, limit=500).items]


def test_everything_twice_and_shuffled_with_bad_among_good(stack: LocalStack) -> None:
    phantom = head(seed=7, lesion=GLIOMA, slices=4)
    good = {f"good {number}.png": to_png(pixels) for number, pixels in enumerate(phantom.volume)}
    good["slice without suffix"] = to_dicom(phantom)[1]
    archive = zipped(
        {"../../etc/passwd.png": png(), "fine/a.png": to_png(phantom.volume[0]), "fine/notes.txt": b"hello"}
    )
    bad = {
        "corrupt.png": to_png(phantom.volume[0])[:300],
        "text.png": b"this is no picture",
        "huge.png": huge_png_header(),
        "bomb.zip": zipped({"bomb.png": bytes(64 * 1024**2)}),
        "traversal+and?good.zip": archive,
    }
    uploads = good | bad
    versions = {key: put(stack, key, data) for key, data in uploads.items()}
    stack.drain(timeout_s=120)
    from urllib.parse import quote_plus

    events = [
        s3_event(stack.uploads_bucket, quote_plus(key), version, sequencer=f"{place:016X}")
        for place, (key, version) in enumerate(versions.items())
    ]
    shuffled = events * 2
    random.Random(0).shuffle(shuffled)
    send(stack, "UploadQueue", shuffled)
    stack.drain(timeout_s=120)

    pseudonyms = services().pseudonyms
    exports = {key: pseudonyms.export_id(stack.uploads_bucket, key, version) for key, version in versions.items()}
    outcomes = {key: [(r.outcome, *r.reasons) for r in all_scans([export])] for key, export in exports.items()}
    for key in good:
        [(outcome, *_)] = outcomes[key]
        assert outcome in {Outcome.ANALYZED, Outcome.ABSTAINED}, key
    assert outcomes["corrupt.png"] == [(Outcome.REJECTED, Reason.UNREADABLE)]
    assert outcomes["text.png"] == [(Outcome.REJECTED, Reason.UNRECOGNIZED_CONTENT)]
    assert outcomes["huge.png"] == [(Outcome.REJECTED, Reason.TOO_MANY_PIXELS)]
    assert outcomes["bomb.zip"] == [(Outcome.REJECTED, Reason.COMPRESSION_RATIO_TOO_HIGH)]
    assert [outcome for outcome, *_ in outcomes["traversal+and?good.zip"]] == [Outcome.REJECTED, Outcome.ANALYZED] or [
        outcome for outcome, *_ in outcomes["traversal+and?good.zip"]
    ] == [Outcome.REJECTED, Outcome.ABSTAINED]
    assert outcomes["traversal+and?good.zip"][0] == (Outcome.REJECTED, Reason.PATH_TRAVERSAL)

    # The same scans, delivered twice more by the ScanQueue, change nothing.
    before = {record.scan_id: record for record in all_scans(exports.values())}
    again = [message(record) for record in before.values()] * 2
    random.Random(1).shuffle(again)
    send(stack, "ScanQueue", again)
    stack.drain(timeout_s=120)
    assert {record.scan_id: record for record in all_scans(exports.values())} == before

    for key, export_id in exports.items():
        counted = {o: n for o, n in present(services().table.exports.get(export_id)).counts.items() if n}
        assert counted == Counter(outcome for outcome, *_ in outcomes[key]), key
    assert bodies_in(stack, "UploadDLQ") == []
    assert bodies_in(stack, "ScanDLQ") == []


def test_poison_goes_to_the_dead_letter_queue_while_its_neighbours_succeed(stack: LocalStack) -> None:
    version = put(stack, "neighbour.png", to_png(head(seed=3, lesion=None, slices=2).volume[0]))
    send(stack, "UploadQueue", ["not JSON", json.dumps({"Records": [{"no": "event"}]})])
    send(stack, "ScanQueue", ["{}"])
    send(stack, "UploadQueue", [json.dumps({"Event": "s3:TestEvent", "Bucket": stack.uploads_bucket})])
    stack.drain(timeout_s=60)
    export_id = services().pseudonyms.export_id(stack.uploads_bucket, "neighbour.png", version)
    assert present(services().table.exports.get(export_id)).done
    assert sorted(bodies_in(stack, "UploadDLQ")) == ["not JSON", '{"Records": [{"no": "event"}]}']
    assert bodies_in(stack, "ScanDLQ") == ["{}"]


def test_a_scan_whose_bytes_are_lost_fails_after_its_retries_and_succeeds_when_redriven(stack: LocalStack) -> None:
    data = to_png(head(seed=5, lesion=None, slices=2).volume[1])
    key = "lost.png"
    version = put(stack, key, data)
    stack.drain(timeout_s=60)
    [record] = all_scans([services().pseudonyms.export_id(stack.uploads_bucket, key, version)])
    # Put the table back to where the scan waits, and take its bytes away.
    waiting = record.model_copy(update={"outcome": Outcome.QUEUED, "needs_review": False})
    assert services().table.scans.commit([waiting], [record.outcome]) == [True]
    s3 = stack.client("s3")
    s3.delete_object(Bucket=stack.results_bucket, Key=record.staged_key)
    send(stack, "ScanQueue", [message(waiting)])
    stack.drain(timeout_s=60)
    failed = present(services().table.scans.get(record.scan_id))
    assert (failed.outcome, failed.reasons) == (Outcome.FAILED, (Reason.RETRIES_EXHAUSTED,))
    [dead] = bodies_in(stack, "ScanDLQ")
    s3.put_object(Bucket=stack.results_bucket, Key=record.staged_key, Body=data)
    send(stack, "ScanQueue", [dead])
    stack.drain(timeout_s=60)
    assert present(services().table.scans.get(record.scan_id)).outcome == record.outcome


def test_an_overwritten_object_leaves_one_version_in_the_worklists(stack: LocalStack) -> None:
    first, second = (to_png(head(seed=seed, lesion=None, slices=2).volume[1]) for seed in (11, 12))
    versions = [put(stack, "again.png", data) for data in (first, second)]
    stack.drain(timeout_s=60)
    events = [
        s3_event(stack.uploads_bucket, "again.png", version, sequencer=f"F{place}")
        for place, version in enumerate(versions)
    ]
    send(stack, "UploadQueue", [events[1], events[0]])
    stack.drain(timeout_s=60)
    table, pseudonyms = services().table, services().pseudonyms
    old, new = (pseudonyms.export_id(stack.uploads_bucket, "again.png", version) for version in versions)
    assert [record.superseded for record in all_scans([new])] == [False]
    assert all(record.superseded for record in all_scans([old]))
    day = all_scans([new])[0].day
    shown = {r.export_id for o in (Outcome.ANALYZED, Outcome.ABSTAINED) for r in listed_scans(table, day, outcome=o)}
    assert new in shown
    assert old not in shown


def test_many_records_in_one_message_are_many_uploads(stack: LocalStack) -> None:
    phantom = head(seed=21, lesion=None, slices=3)
    keys = [f"many/{number}.png" for number in range(3)]
    versions = [put(stack, key, to_png(pixels)) for key, pixels in zip(keys, phantom.volume, strict=True)]
    stack.drain(timeout_s=60)
    records = [
        json.loads(s3_event(stack.uploads_bucket, key, v))["Records"][0] for key, v in zip(keys, versions, strict=True)
    ]
    missing = json.loads(s3_event(stack.uploads_bucket, "never-uploaded.png", "no-such-version"))["Records"]
    send(stack, "UploadQueue", [json.dumps({"Records": [*records, *missing]})])
    stack.drain(timeout_s=60)
    for key, version in zip(keys, versions, strict=True):
        export = present(
            services().table.exports.get(services().pseudonyms.export_id(stack.uploads_bucket, key, version))
        )
        assert export.scans == 1
    assert bodies_in(stack, "UploadDLQ") == []


def test_nothing_is_left_in_the_temporary_folder(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    files = {f"{number}.png": png(seed=number) for number in range(20)}
    put(stack, "export.zip", io.BytesIO(zipped(files)).getvalue())
    stack.drain(timeout_s=60)
    assert list(tmp_path.iterdir()) == []
