"""Reports go back to the PACS once each, and a PACS that refuses one is asked again."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from pydicom import dcmread
from pynetdicom import AE, AllStoragePresentationContexts, evt

from brainscan.archive import File
from brainscan.domain import Kind, Outcome, TumorClass
from brainscan.gateway.node import serving
from brainscan.gateway.report_return import PacsNode, ReportReturn, ReturnError
from brainscan.gateway.spool import Spool
from brainscan.gateway.study_sender import StudySender
from brainscan.pipeline.intake import intake
from brainscan.pipeline.report import report
from brainscan.settings import Limits
from brainscan.store.upload import Upload
from brainscan.uploads.entries import prepare
from brainscan.uploads.ledger import BundleState, Ledger
from brainscan_local.phantom import head, to_dicom
from tests.conftest import World
from tests.making import analyzed, present


@contextmanager
def pacs(taken: list[str]) -> Iterator[Any]:
    """A PACS that stores every class, and keeps count of what it was sent."""
    entity = AE(ae_title="PACS")
    entity.supported_contexts = AllStoragePresentationContexts

    def store(event: Any) -> int:
        taken.append(event.dataset.Modality)
        return 0x0000

    server = present(entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)]))
    try:
        yield present(server.socket).getsockname()[1]
    finally:
        server.shutdown()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path, "uploads") as opened:
        yield opened


@pytest.fixture
def sent(world: World, ledger: Ledger, tmp_path: Path) -> Any:
    """A study that went through the gateway and intake, and waits for its answers."""
    spool = Spool(tmp_path)
    for image in to_dicom(head(seed=2, lesion=None, size=64, slices=4), "TWO"):
        spool.add(image, str(dcmread(io.BytesIO(image)).StudyInstanceUID))
    assert StudySender(spool, ledger, world.s3, "uploads", None, 0, Limits(), "north").send_ready() == (1, 0)
    [bundle] = ledger.bundles(BundleState.SENT)
    [version] = world.s3.list_object_versions(Bucket="uploads")["Versions"]
    head_of = world.s3.head_object(Bucket="uploads", Key=bundle.key)
    assert head_of["Metadata"]["brainscan-site"] == "north"
    intake(Upload("uploads", bundle.key, head_of["LastModified"], version["VersionId"]), world.services)
    return [world.services.table.scans.get(scan.scan_id) for scan in world.queued()]


def answer(world: World, scans: Any) -> str:
    """Give every scan its outcome, and report the series."""
    found = [analyzed(each, TumorClass.NO_TUMOR, 0.9) for each in scans]
    world.services.table.scans.commit(found, [Outcome.QUEUED] * len(found))
    [series_id] = {each.series_id for each in scans}
    report(series_id, world.services)
    return series_id


def test_a_report_is_returned_when_it_is_there_and_once(world: World, ledger: Ledger, sent: Any) -> None:
    taken: list[str] = []
    with pacs(taken) as port:
        returns = ReportReturn(
            ledger, world.services.table, world.services.results, PacsNode("127.0.0.1", port, "PACS", "BRAINSCAN")
        )
        assert returns.return_ready() == 0
        assert len(ledger.bundles(BundleState.SENT)) == 1
        series_id = answer(world, sent)
        assert returns.return_ready() == 1
        assert returns.return_ready() == 0
        assert taken == ["SR"]
    assert ledger.bundles(BundleState.SENT) == []
    assert ledger.was_delivered(series_id, present(world.services.table.reports.latest(series_id)).revision)


def test_a_pacs_that_takes_no_reports_is_asked_again_and_the_report_is_not_forgotten(
    world: World, ledger: Ledger, sent: Any, tmp_path: Path
) -> None:
    series_id = answer(world, sent)
    with serving(Spool(tmp_path / "other"), "127.0.0.1", 0, "PACS", []) as port:  # it takes images alone
        refusing = PacsNode("127.0.0.1", port, "PACS", "BRAINSCAN")
        with pytest.raises(ReturnError):
            ReportReturn(ledger, world.services.table, world.services.results, refusing).return_ready()
    revision = present(world.services.table.reports.latest(series_id)).revision
    assert not ledger.was_delivered(series_id, revision)
    taken: list[str] = []
    with pacs(taken) as port:
        willing = PacsNode("127.0.0.1", port, "PACS", "BRAINSCAN")
        assert (
            ReportReturn(ledger, world.services.table, world.services.results, cast(Any, willing)).return_ready() == 1
        )
    assert taken == ["SR"]


class Choosy:
    """A PACS that takes nothing of one study."""

    def __init__(self, refused: str) -> None:
        self.refused = refused
        self.took: list[Any] = []

    def store(self, objects: Any) -> None:
        if objects[0].StudyInstanceUID == self.refused:
            raise ReturnError("refused")
        self.took.append(str(objects[0].StudyInstanceUID))


def test_a_report_that_is_refused_holds_up_no_other(world: World, ledger: Ledger, tmp_path: Path) -> None:
    studies = [to_dicom(head(seed=2, lesion=None, size=64, slices=4), patient) for patient in ("TWO", "FOUR")]
    spool = Spool(tmp_path)
    uids = [str(dcmread(io.BytesIO(images[0])).StudyInstanceUID) for images in studies]
    for images, uid in zip(studies, uids, strict=True):
        for image in images:
            spool.add(image, uid)
    StudySender(spool, ledger, world.s3, "uploads", None, 0, Limits()).send_ready()
    for version in world.s3.list_object_versions(Bucket="uploads")["Versions"]:
        intake(Upload("uploads", version["Key"], version["LastModified"], version["VersionId"]), world.services)
        answer(world, [world.services.table.scans.get(scan.scan_id) for scan in world.queued()])
    choosy = Choosy(uids[0])
    with pytest.raises(ReturnError):
        ReportReturn(ledger, world.services.table, world.services.results, cast(Any, choosy)).return_ready()
    assert choosy.took == [uids[1]]
    assert len(ledger.bundles(BundleState.SENT)) == 1
    willing = Choosy("")
    assert ReportReturn(ledger, world.services.table, world.services.results, cast(Any, willing)).return_ready() == 1


def test_an_image_that_was_sent_is_not_taken_for_a_new_one(ledger: Ledger, sent: Any) -> None:
    image = to_dicom(head(seed=2, lesion=None, size=64, slices=4), "TWO")[0]
    assert type(prepare(File("again", data=image, kind=Kind.DICOM), ledger, None, Limits())).__name__ == "AlreadySent"
