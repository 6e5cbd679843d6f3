"""A gateway that is killed, restarted and cut off loses no image that it acknowledged, and sends none twice."""

import io
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at import

from brainscan.gateway.node import CANNOT_UNDERSTAND, MR_STORAGE, OUT_OF_RESOURCES, serving
from brainscan.gateway.report_return import PacsNode, ReturnError
from brainscan.gateway.spool import Spool
from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.gateways import Bucket, Gateway, uids, wait_for

SLICES = 200
RESENDS = 60


@pytest.fixture(scope="module")
def instances() -> list[bytes]:
    """Slices of five studies."""
    studies = [to_dicom(head(seed, GLIOMA, size=48, slices=SLICES // 5), str(seed)) for seed in range(1, 6)]
    return [instance for study in studies for instance in study]


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    running = Bucket()
    yield running
    running.go_away()


def store(port: int, images: Sequence[bytes], until: int | None = None) -> list[bytes]:
    """Send images as a PACS does; those that were not acknowledged, which it keeps and sends again."""
    entity = AE(ae_title="PACS")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    entity.add_requested_context(MRImageStorage, ExplicitVRLittleEndian)
    association = entity.associate("127.0.0.1", port, ae_title="BRAINSCAN")
    left: list[Any] = []
    for number, image in enumerate(images):
        if number == until or not association.is_established:
            return left + list(images[number:])
        try:
            status = association.send_c_store(dcmread(io.BytesIO(image)))
        except RuntimeError:
            return left + list(images[number:])
        if getattr(status, "Status", None) != 0:
            left.append(image)
    association.release()
    return left


def test_killed_again_and_again_among_200_slices_it_loses_none_and_doubles_none(
    tmp_path: Path, bucket: Bucket, instances: list[bytes]
) -> None:
    waiting, choice = list(instances), random.Random(7)
    for kill in range(2):
        running = Gateway(tmp_path, bucket, "--no-deidentify")
        waiting = store(running.port, waiting, until=50)
        if kill:
            time.sleep(choice.uniform(0.3, 2.5))  # while it packs, sends, or just after
        running.kill()
    assert 0 < len(waiting) < SLICES
    running = Gateway(tmp_path, bucket, "--no-deidentify")
    assert not store(running.port, waiting)
    assert not store(running.port, instances[:RESENDS])  # a PACS that lost an acknowledgement
    wait_for(lambda: not list((tmp_path / "studies").glob("*/*")) and not list((tmp_path / "bundles").iterdir()))
    assert "stopped" in running.stop()
    sent = bucket.images()
    assert uids(sent) == uids(instances)
    by_uid = {str(dcmread(io.BytesIO(each)).SOPInstanceUID): each for each in instances}
    for each in sent:
        read = dcmread(io.BytesIO(each))
        assert read.PixelData == dcmread(io.BytesIO(by_uid[str(read.SOPInstanceUID)])).PixelData


def test_while_the_network_is_away_images_are_taken_and_wait(
    tmp_path: Path, bucket: Bucket, instances: list[bytes]
) -> None:
    bucket.go_away()
    running = Gateway(tmp_path, bucket)
    assert not store(running.port, instances[:20])
    time.sleep(4)
    running.kill()
    bucket.come_back()
    running = Gateway(tmp_path, bucket)
    wait_for(lambda: len(bucket.images()) == 20)
    said = running.stop()
    assert "PHANTOM" not in said
    assert not any(b"PHANTOM" in image for image in bucket.images())


def echo(port: int, title: str = "BRAINSCAN", caller: str = "PACS") -> bool:
    entity = AE(ae_title=caller)
    entity.add_requested_context(Verification)
    association = entity.associate("127.0.0.1", port, ae_title=title)
    if not association.is_established:
        return False
    status = association.send_c_echo()
    association.release()
    return status.Status == 0


def test_it_answers_echo_by_its_title_and_only_to_whom_it_knows(tmp_path: Path) -> None:
    with serving(Spool(tmp_path), "127.0.0.1", 0, "BRAINSCAN", ["PACS"]) as port:
        assert echo(port)
        assert not echo(port, title="OTHER")
        assert not echo(port, caller="STRANGER")


def test_every_mr_storage_class_is_accepted_in_any_transfer_syntax(tmp_path: Path) -> None:
    with serving(Spool(tmp_path), "127.0.0.1", 0, "BRAINSCAN", []) as port:
        for syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.201"):
            entity = AE(ae_title="PACS")
            for storage in MR_STORAGE:
                entity.add_requested_context(storage, syntax)
            association = entity.associate("127.0.0.1", port, ae_title="BRAINSCAN")
            assert len(association.accepted_contexts) == len(MR_STORAGE) == 5
            association.release()


def test_a_disk_that_is_full_is_told_to_the_sender_who_keeps_the_image(
    tmp_path: Path, instances: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool, "add", full)
    with serving(spool, "127.0.0.1", 0, "BRAINSCAN", []) as port:
        assert store(port, instances[:2]) == instances[:2]
    assert (OUT_OF_RESOURCES, CANNOT_UNDERSTAND) == (0xA700, 0xC000)


def test_an_image_of_a_process_that_died_while_writing_is_not_taken_for_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.add(b"whole", "1.2.3")
    (tmp_path / "incoming/half").write_bytes(b"ha")
    again = Spool(tmp_path)
    [study] = again.quiet_studies(0)
    assert [path.read_bytes() for path in study.files] == [b"whole"]
    assert not list((tmp_path / "incoming").iterdir())
    assert not list(again.quiet_studies(60))


def test_reports_go_back_by_c_store_and_a_pacs_that_refuses_is_told_apart(
    tmp_path: Path, instances: list[bytes]
) -> None:
    spool = Spool(tmp_path)
    objects = [dcmread(io.BytesIO(each)) for each in instances[:3]]
    with serving(spool, "127.0.0.1", 0, "PACS", ["BRAINSCAN"]) as port:
        PacsNode.parse(f"PACS@127.0.0.1:{port}", "BRAINSCAN").store(objects)
        assert spool.waiting() == 3
        with pytest.raises(ReturnError):
            PacsNode("127.0.0.1", port, "OTHER", "BRAINSCAN").store(objects)
    with pytest.raises(ReturnError):
        PacsNode("127.0.0.1", port, "PACS", "BRAINSCAN").store(objects)
    for wrong in ("PACS", "PACS@host", "@host:1", "PACS@host:x"):
        with pytest.raises(ValueError, match="TITLE@HOST:PORT"):
            PacsNode.parse(wrong, "BRAINSCAN")
