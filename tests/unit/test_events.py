"""Messages are parsed at the door; what is wrong with one is told without repeating what it says."""

import json

import pytest

from brainscan.domain import Kind
from brainscan.events import MessageError, parse_scan, parse_uploads
from brainscan.store.queues import message
from tests.making import a_record, s3_event


def test_a_key_is_decoded_as_s3_encodes_it() -> None:
    [upload] = parse_uploads(
        s3_event("uploads", "exports/J%C3%BCrgen+1%2B2.zip", version_id="v1", sequencer="0055AED6")
    )
    assert upload.key == "exports/Jürgen 1+2.zip"
    assert (upload.bucket, upload.version_id, upload.sequencer) == ("uploads", "v1", "0055AED6")


def test_a_slash_that_was_encoded_is_a_slash_and_an_event_without_version_is_taken() -> None:
    [upload] = parse_uploads(s3_event("uploads", "folder%2Fscan.png"))
    assert upload.key == "folder/scan.png"
    assert upload.version_id is None
    assert upload.sequencer is None


def test_many_records_are_many_uploads() -> None:
    records = [json.loads(s3_event("uploads", f"{n}.png"))["Records"][0] for n in range(3)]
    assert [upload.key for upload in parse_uploads(json.dumps({"Records": records}))] == ["0.png", "1.png", "2.png"]


def test_s3s_test_event_and_removals_are_no_uploads() -> None:
    assert parse_uploads(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"})) == []
    assert parse_uploads(s3_event("uploads", "a.png", name="ObjectRemoved:Delete")) == []


def test_a_folder_marker_is_an_upload_as_every_object_is() -> None:
    notification = json.loads(s3_event("uploads", "exports/2026/"))
    notification["Records"][0]["s3"]["object"]["size"] = 0
    assert [upload.key for upload in parse_uploads(json.dumps(notification))] == ["exports/2026/"]


@pytest.mark.parametrize(
    "body",
    ["Jane Doe", '"Jane Doe"', "{}", '{"Records": [{"name": "Jane Doe"}]}', '{"Records": "Jane Doe"}', "[]", "null"],
)
def test_what_is_no_notification_is_refused_without_repeating_it(body: str) -> None:
    with pytest.raises(MessageError) as refused:
        parse_uploads(body)
    assert "Jane" not in f"{refused.value!r} {refused.value}"
    assert refused.value.__suppress_context__


def test_an_upload_does_not_print_its_key() -> None:
    [upload] = parse_uploads(s3_event("uploads", "Doe_Jane.png"))
    assert "Doe" not in repr(upload)


def test_a_scan_survives_its_message() -> None:
    record = a_record(kind=Kind.DICOM)
    assert parse_scan(message(record)).scan_id == record.scan_id


def test_a_message_that_is_no_scan_is_refused_without_repeating_it() -> None:
    with pytest.raises(MessageError) as refused:
        parse_scan('{"scan_id": {"name": "Jane Doe"}}')
    assert "Jane" not in str(refused.value)
    assert "scan_id" in str(refused.value)
