"""What is sent is de-identified, whole and sent once, whatever cuts the way to the bucket."""

import io
import json
import os
import sqlite3
import stat
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from pydicom import dcmread
from pydicom.fileset import FileSet
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.uploads import bundles, sending
from brainscan.uploads.ledger import BundleState, Ledger
from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.conftest import World
from tests.making import png, present, zipped

BUCKET = "uploads"


@pytest.fixture
def s3(aws: None) -> Any:
    client = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client


@pytest.fixture(scope="module")
def instances() -> list[bytes]:
    return to_dicom(head(seed=3, lesion=GLIOMA, size=64, slices=6))


@pytest.fixture
def folder(tmp_path: Path, instances: list[bytes]) -> Path:
    """A medium with its DICOMDIR, an archive of one image more, and what else lies about."""
    made = FileSet()
    for each in instances[:5]:
        made.add(dcmread(io.BytesIO(each)))
    made.write(tmp_path / "medium")
    (tmp_path / "medium/more.zip").write_bytes(zipped({"PHANTOM^ONE/6.dcm": instances[5], "notes.txt": b"hello"}))
    (tmp_path / "medium/photo.png").write_bytes(png())
    return tmp_path / "medium"


def upload(state: Path, *arguments: Any, expected: int = 0) -> str:
    said = CliRunner().invoke(
        app, ["upload", *map(str, arguments), "--to", BUCKET, "--state", str(state), "--no-follow"]
    )
    assert said.exit_code == expected, said.output
    assert "Traceback" not in said.output
    return said.output


def versions(s3: Any) -> list[dict[str, Any]]:
    return s3.list_object_versions(Bucket=BUCKET).get("Versions", [])


def sent(s3: Any) -> dict[str, bytes]:
    """Every file in every version of every object of the bucket."""
    found: dict[str, bytes] = {}
    for version in versions(s3):
        body = s3.get_object(Bucket=BUCKET, Key=version["Key"], VersionId=version["VersionId"])["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                assert name not in found, "a file was sent twice"
                found[name] = archive.read(name)
    return found


def test_images_leave_without_what_identifies_the_patient_and_the_key_map_stays(
    s3: Any, folder: Path, tmp_path: Path, instances: list[bytes]
) -> None:
    said = upload(tmp_path / "state", folder, expected=1)
    copies = [dcmread(io.BytesIO(data)) for data in sent(s3).values()]
    assert len(copies) == 6
    [version] = versions(s3)
    body = s3.get_object(Bucket=BUCKET, Key=version["Key"])["Body"].read()
    assert b"PHANTOM" not in body
    assert "PHANTOM" not in version["Key"]
    originals = [dcmread(io.BytesIO(each)) for each in instances]
    assert {copy.PixelData for copy in copies} == {original.PixelData for original in originals}
    assert len({copy.SeriesInstanceUID for copy in copies}) == 1
    with Ledger(tmp_path / "state", BUCKET) as ledger:
        known = dict(ledger.identities())
    assert known[copies[0].PatientID] == "PHANTOM-ONE"
    assert {known[copy.SOPInstanceUID] for copy in copies} == {original.SOPInstanceUID for original in originals}
    for name in ("ledger.sqlite", "secret"):
        assert stat.S_IMODE((tmp_path / "state" / name).stat().st_mode) == 0o600
    for left, reason in (("photo.png", "not dicom"), ("DICOMDIR", "not an image"), ("notes.txt", "not an image")):
        assert any(left in line and reason in line for line in said.splitlines() if line.startswith("not sent: "))


def test_the_same_folder_again_uploads_nothing(s3: Any, folder: Path, tmp_path: Path) -> None:
    upload(tmp_path / "state", folder, expected=1)
    before = versions(s3)
    (folder / "renamed").write_bytes((folder / "more.zip").read_bytes())
    assert "0 files sent to uploads, 7 sent before" in upload(tmp_path / "state", folder, expected=1)
    assert "cannot read" in upload(tmp_path / "state", folder, tmp_path / "nonexistent", expected=2)
    assert versions(s3) == before


def test_files_are_sent_as_they_are_where_that_is_asked_for(s3: Any, folder: Path, tmp_path: Path) -> None:
    upload(tmp_path / "state", folder / "photo.png", "--no-deidentify")
    assert list(sent(s3).values()) == [(folder / "photo.png").read_bytes()]


def test_bundles_are_of_a_good_size_and_content_that_comes_twice_is_in_one_once(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "BUNDLE_FILES", 3)
    for number in range(8):
        (tmp_path / f"{number}.png").write_bytes(png(seed=number % 7))
    upload(tmp_path / "state", *sorted(tmp_path.glob("*.png")), "--no-deidentify")
    assert len(sent(s3)) == 7
    assert len(versions(s3)) == 3
    assert not list((tmp_path / "state/bundles").iterdir())


class Cut:
    """A client whose line is cut at the so-many-th call of a method, before or after S3 heard it."""

    def __init__(self, client: Any, method: str, call: int, *, heard: bool) -> None:
        self._client, self._method, self._left, self._heard = client, method, call, heard
        self.parts: list[int] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "upload_part":
            return lambda **named: (self._maybe_cut(name, found, named), self.parts.append(named["PartNumber"]))[0]
        return (lambda **named: self._maybe_cut(name, found, named)) if name == self._method else found

    def _maybe_cut(self, name: str, found: Any, named: Any) -> Any:
        if name == self._method:
            self._left -= 1
            if self._left == 0:
                if self._heard:
                    found(**named)
                raise EndpointConnectionError(endpoint_url="https://s3.test")
        return found(**named)


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize(
    ("method", "call"),
    [("create_multipart_upload", 1), ("upload_part", 1), ("upload_part", 3), ("complete_multipart_upload", 1)],
)
def test_an_upload_that_was_cut_goes_on_where_it_stopped(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, call: int, heard: bool
) -> None:
    monkeypatch.setattr(sending, "PART_BYTES", 5 * 1024**2)
    monkeypatch.setattr(sending, "PARALLEL", 1)
    contents = [b"\x89PNG\r\n\x1a\n" + os.urandom(6 * 1024**2) for _ in range(3)]
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.png").write_bytes(content)
    cut, whole = Cut(s3, method, call, heard=heard), Cut(s3, "", 0, heard=False)
    clients = iter([cut, whole])
    monkeypatch.setattr("brainscan.cli.upload.s3_client", lambda: next(clients))
    said = upload(tmp_path / "state", *sorted(tmp_path.glob("*.png")), "--no-deidentify", expected=3)
    assert "run the same command again" in said
    upload(tmp_path / "state", *sorted(tmp_path.glob("*.png")), "--no-deidentify")
    assert sorted(sent(s3).values()) == sorted(contents)
    assert len(versions(s3)) == 1
    assert not set(cut.parts) & set(whole.parts)
    assert len({*cut.parts, *whole.parts}) >= 3 or (method, heard) == ("upload_part", True)
    with Ledger(tmp_path / "state", BUCKET) as ledger:
        [bundle] = ledger.bundles(BundleState.SENT)
        assert not ledger.spooled(bundle).exists()


def test_an_upload_says_its_site(s3: Any, tmp_path: Path) -> None:
    for name, more in (("1.png", ()), ("2.png", ("--site", "north"))):
        (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(100))
        upload(tmp_path / "state", tmp_path / name, "--no-deidentify", *more)
    found = [s3.head_object(Bucket=BUCKET, Key=each["Key"])["Metadata"] for each in versions(s3)]
    assert {each.get("brainscan-site") for each in found} == {None, "north"}


def test_an_upload_that_s3_gave_up_meanwhile_begins_anew(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n" + os.urandom(100))
    clients = iter([Cut(s3, "complete_multipart_upload", 1, heard=False), s3])
    monkeypatch.setattr("brainscan.cli.upload.s3_client", lambda: next(clients))
    upload(tmp_path / "state", tmp_path / "1.png", "--no-deidentify", expected=3)
    [begun] = s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    s3.abort_multipart_upload(Bucket=BUCKET, Key=begun["Key"], UploadId=begun["UploadId"])
    upload(tmp_path / "state", tmp_path / "1.png", "--no-deidentify")
    assert len(sent(s3)) == 1


def test_a_process_that_dies_while_it_packs_leaves_nothing_half(
    s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1.png").write_bytes(png())

    def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("brainscan.uploads.ledger.Ledger.add_packed", dies)
        CliRunner().invoke(
            app, ["upload", str(tmp_path / "1.png"), "--to", BUCKET, "--state", str(tmp_path / "state"), "--no-follow"]
        )
    upload(tmp_path / "state", tmp_path / "1.png", "--no-deidentify")
    assert len(sent(s3)) == 1


def test_the_ledger_is_on_the_disk_before_a_call_returns(tmp_path: Path) -> None:
    with Ledger(tmp_path, BUCKET) as ledger:
        with sqlite3.connect(tmp_path / "ledger.sqlite") as other:
            [[mode]] = other.execute("PRAGMA journal_mode").fetchall()
        assert mode == "wal"
        assert ledger.secret == ledger.secret
        assert len(ledger.secret) == 32


def test_an_export_knows_the_token_of_its_bundle_and_no_other_metadata(world: World) -> None:
    from brainscan.pipeline.intake import intake
    from brainscan.store.upload import Upload
    from tests.making import NOON

    for key, token, expected in (("a", "0a" * 16, "0a" * 16), ("b", "PHANTOM^ONE", None)):
        version = world.s3.put_object(Bucket="uploads", Key=key, Body=png(), Metadata={"brainscan-sent-as": token})[
            "VersionId"
        ]
        export = intake(Upload("uploads", key, NOON, version), world.services)
        assert present(world.services.table.exports.get(export.export_id)).token == expected
        assert "PHANTOM" not in json.dumps(export.model_dump(mode="json"))
