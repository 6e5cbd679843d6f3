"""Intake asks S3 for an upload once, whatever its key is, and says what of it is withheld."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from brainscan.domain import Outcome
from brainscan.pipeline.intake import intake
from brainscan.store.upload import Upload
from brainscan.store.uploaded_objects import RANGE_BYTES
from tests.conftest import World
from tests.making import NOON, png
from tests.unit.pipeline.taken import listing, scans_of


def test_a_version_that_is_gone_is_skipped_and_says_so(world: World) -> None:
    export = intake(Upload("uploads", "never.png", NOON), world.services)
    assert (export.files, export.skipped, export.done) == (1, 1, True)
    assert listing(world, export)[0]["reasons"] == ["object_gone"]


@pytest.mark.parametrize(
    "key", ["a\tb.png", "a\rb.png", "a\nb.png", "a.png?versionId=1", "a+b c.png", "a%2Fb.png", "#a.png", "/a//b.png"]
)
def test_a_key_is_read_as_it_is_whatever_it_would_mean_in_an_address(world: World, key: str) -> None:
    export = intake(world.upload(key, png()), world.services)
    assert [record.outcome for record in scans_of(world, export)] == [Outcome.QUEUED]


@pytest.fixture
def reads(world: World) -> list[str]:
    """What is asked of the bucket of uploads."""
    asked: list[str] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        if params["Bucket"] == "uploads" and model.name != "PutObject":
            asked.append(model.name)

    world.s3.meta.events.register("provide-client-params.s3", note)
    return asked


def test_a_single_image_is_looked_at_and_read_with_one_request(world: World, reads: list[str]) -> None:
    upload = world.upload("a.png", png())
    intake(upload, world.services)
    assert reads == ["GetObject"]
    [scan] = world.queued()
    assert world.services.results.get(scan.staged_key) == png()


def test_an_image_that_is_more_than_a_beginning_is_read_whole(world: World, reads: list[str]) -> None:
    large = png() + bytes(2 * RANGE_BYTES)
    intake(world.upload("a.png", large), world.services)
    [scan] = world.queued()
    assert world.services.results.get(scan.staged_key) == large
    assert len(reads) > 1


def test_an_empty_object_has_no_beginning_and_is_rejected_as_empty(world: World, reads: list[str]) -> None:
    export = intake(world.upload("a.png", b""), world.services)
    assert listing(world, export)[0]["reasons"] == ["empty_file"]
    assert reads[:2] == ["GetObject", "HeadObject"]


class TestWithheld:
    def test_an_archived_object_is_skipped_and_says_so(self, world: World) -> None:
        put = world.s3.put_object(Bucket="uploads", Key="a.png", Body=png(), StorageClass="GLACIER")
        export = intake(Upload("uploads", "a.png", NOON, put["VersionId"]), world.services)
        assert (export.files, export.skipped, export.done) == (1, 1, True)
        assert listing(world, export)[0]["reasons"] == ["object_archived"]

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("KMS.DisabledException", "the key is disabled"),
            ("AccessDenied", "not authorized to perform: kms:Decrypt on the resource associated with this ciphertext"),
        ],
    )
    def test_an_object_under_a_key_that_denies_is_skipped_and_says_so(
        self, world: World, code: str, message: str
    ) -> None:
        upload = world.upload("a.png", png())
        refuse_reads(world, code, message)
        export = intake(upload, world.services)
        assert (export.files, export.skipped, export.done) == (1, 1, True)
        assert listing(world, export)[0]["reasons"] == ["key_denied"]

    def test_a_denial_that_may_be_ours_is_retried(self, world: World) -> None:
        upload = world.upload("a.png", png())
        refuse_reads(world, "AccessDenied", "not authorized to perform: s3:GetObject")
        with pytest.raises(ClientError, match="AccessDenied"):
            intake(upload, world.services)


def refuse_reads(world: World, code: str, message: str) -> None:
    """Have S3 answer every read of an upload's content with an error."""

    def refuse(params: dict[str, Any], **_: object) -> None:
        if params["Bucket"] == "uploads":
            raise ClientError({"Error": {"Code": code, "Message": message}}, "GetObject")

    world.s3.meta.events.register("before-parameter-build.s3.GetObject", refuse)
