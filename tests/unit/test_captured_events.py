"""S3 events of an AWS-shaped emulator beside the laptop stack's: where they differ, and that it is all one."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from brainscan.events import parse_uploads
from brainscan_local import moto_s3
from tests.container.capture import EVENTS, KEY, capture
from tests.making import present

CREATED = ("put", "copy", "multipart")
READ = {"eventName", "eventTime", "s3.bucket.name", "s3.object.key", "s3.object.versionId", "s3.object.sequencer"}
"""What `brainscan.events` takes from a record."""


@pytest.fixture(scope="module")
def captured() -> dict[str, Any]:
    """Bodies by what happened: `python -m tests.container.capture` wrote them."""
    return {path.stem: json.loads(path.read_text()) for path in EVENTS.glob("*.json")}


@pytest.fixture(scope="module")
def laptop() -> Iterator[dict[str, Any]]:
    """The same happenings as the laptop stack's moto announces them."""
    with pytest.MonkeyPatch.context() as patched, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patched.setenv(name, "testing")
        patched.delenv("AWS_ENDPOINT_URL", raising=False)
        moto_s3.patch()
        yield capture(lambda service: boto3.client(service, region_name="us-east-1"))


def paths(value: Any, path: str = "") -> set[str]:
    """Every field of a message, by its path."""
    if isinstance(value, dict):
        return set().union(*(paths(inner, f"{path}.{name}") for name, inner in value.items()))
    return paths(value[0], path) if isinstance(value, list) else {path.removeprefix(".Records.")}


@pytest.mark.parametrize("what", CREATED)
@pytest.mark.parametrize("source", ["captured", "laptop"])
def test_an_upload_is_named_whoever_announces_it(what: Any, source: str, request: pytest.FixtureRequest) -> None:
    [upload] = parse_uploads(json.dumps(request.getfixturevalue(source)[what]))
    assert (upload.bucket, upload.key) == ("captured", KEY)
    assert upload.version_id
    assert upload.sequencer


@pytest.mark.parametrize("source", ["captured", "laptop"])
def test_sequencers_grow_as_versions_follow_each_other(source: str, request: pytest.FixtureRequest) -> None:
    events = request.getfixturevalue(source)
    uploads = [parse_uploads(json.dumps(events[what]))[0] for what in CREATED]
    assert [u.sequencer for u in uploads] == sorted(present(u.sequencer) for u in uploads)
    assert len({u.version_id for u in uploads}) == len(CREATED)


def test_deletions_and_the_test_event_are_no_uploads(captured: dict[str, Any]) -> None:
    assert captured["delete"]["Records"][0]["eventName"] == "ObjectRemoved:DeleteMarkerCreated"
    assert parse_uploads(json.dumps(captured["delete"])) == []
    assert parse_uploads(json.dumps(captured["test"])) == []


def test_the_laptops_events_are_older_and_lack_only_what_no_function_reads(
    captured: dict[str, Any], laptop: dict[str, Any]
) -> None:
    assert captured["put"]["Records"][0]["eventVersion"] == "2.6"
    assert laptop["put"]["Records"][0]["eventVersion"] < "2.6"
    for what in CREATED:
        missing = paths(captured[what]) - paths(laptop[what])
        assert missing
        assert not missing & READ
