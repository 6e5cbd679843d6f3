"""Fixtures of the tests that analyze, report, erase a patient, and read stored scans again."""

import io
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from brainscan.domain import Export, ExportState, Finding, Outcome, ScanRecord, TumorClass, Verdict
from brainscan.domain.reprocess import ReprocessedScan, Run
from brainscan.inference.runtime import Model
from brainscan.observability import logger
from brainscan.pipeline import runs
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.intake import intake
from brainscan.pipeline.predict import ScanPrediction
from brainscan.pipeline.runs import Selection, batch_scans, select_scans, start
from brainscan.store.objects import drawn_key
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from tests import series as mr
from tests.conftest import World
from tests.making import NOON, a_record, analyzed, opinion, png, present, zipped
from tests.tiny_model import write_model
from tests.unit.pipeline.erasing import ONE, PICTURE, SLICES, TWO, Hospital, answer, look_on, reported
from tests.unit.pipeline.reporting import MASKS, Scanned
from tests.unit.pipeline.reprocessing import SCANS, Executions


@pytest.fixture
def scanned(world: World) -> Callable[..., Any]:
    export_id = a_record().export_id
    world.services.table.exports.conclude(Export(export_id=export_id, state=ExportState.EXPANDED, received_at=NOON))

    def scan(
        images: Any = None, masks: Any = MASKS, numbers: Any = range(6), classes: Any = None, **changes: Any
    ) -> Scanned:
        made = Scanned(world, images or mr.mr_series(), masks, classes or {})
        made.settle(numbers, **changes)
        return made

    return scan


@pytest.fixture
def logged() -> Iterator[Any]:
    """What the functions' logger writes, from now on."""
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(logger.registered_formatter)
    logger.addHandler(handler)
    yield told
    logging.getLogger(logger.name).removeHandler(handler)


@pytest.fixture(scope="module")
def slices() -> dict[str, list[bytes]]:
    """Slices of a series each of two patients."""
    return {
        name: to_dicom(head(seed=seed, lesion=GLIOMA, size=64, slices=SLICES), name)
        for seed, name in enumerate(("ONE", "TWO"))
    }


@pytest.fixture
def arrived(world: World, slices: dict[str, list[bytes]]) -> Hospital:
    """What both patients have in the buckets before anything is analyzed."""
    world.s3.put_bucket_versioning(Bucket="results", VersioningConfiguration={"Status": "Enabled"})
    files = {f"{name}/IM{n}": data for name, each in slices.items() for n, data in enumerate(each)}
    shared = world.upload("Doe/friday.zip", zipped(files | {"viewer.exe": b"MZ", "picture.png": b"cut off"}))
    alone = world.upload("Doe/slice.dcm", slices["ONE"][0])
    return Hospital(world, intake(shared, world.services), intake(alone, world.services))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that calls every scan a glioma, at once."""
    finding = analyzed(a_record(), TumorClass.GLIOMA, 0.9)
    found = Finding(**finding.model_dump(include=set(Finding.model_fields)))
    answered = ScanPrediction(finding=found, rows=16, columns=16, image_png=PICTURE, mask_png=PICTURE)
    monkeypatch.setattr("brainscan.pipeline.erase_files.WORKERS", 1)  # moto lists a bucket while no thread writes to it
    monkeypatch.setattr("brainscan.pipeline.analyze.predict", lambda scans, *_: [answered] * len(scans))


@pytest.fixture
def hospital(arrived: Hospital, tmp_path: Path) -> Hospital:
    """All of it analyzed, reported, reviewed and seen by the shadow."""
    services = arrived.world.services
    answer(arrived)
    for patient in (ONE, TWO):
        reported(arrived, patient)
        scan = arrived.scans(patient)[0]
        services.table.scans.review(scan.scan_id, 0, opinion(Verdict.CONFIRMED))
        services.table.summaries.review_series(present(scan.series_id), 0, opinion(Verdict.CONFIRMED))
        services.table.summaries.review_study(present(scan.study_id), 0, opinion(Verdict.CONFIRMED))
        services.table.models.of_series([present(scan.series_id)], "f" * 64)
        fields: dict[str, Any] = {"model_id": "f" * 64, "run_id": "run", "outcome": Outcome.ANALYZED}
        services.table.runs.put_reprocessed([ReprocessedScan(scan_id=scan.scan_id, **fields)])
        services.results.put(drawn_key(scan.scan_id, "a reader", PICTURE), PICTURE, "image/png")
    look_on(arrived, tmp_path)
    services.table.statistics.of_day(NOON.date().isoformat())  # the stream is followed
    return arrived


@pytest.fixture
def three(world: World) -> Any:
    """An export of two scans and a blank one, taken in and waiting."""
    blank = io.BytesIO()
    Image.new("L", (64, 64)).save(blank, "PNG")
    files = {"a.png": png(96, seed=1), "b.png": png(64, seed=2), "blank.png": blank.getvalue()}
    export = intake(world.upload("export.zip", zipped(files)), world.services)
    return export, sorted(world.queued(), key=lambda scan: scan.source.entry_index or 0)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("candidate")
    write_model(folder, TumorClass.PITUITARY)
    return Model.load(folder)


@pytest.fixture
def machine() -> Executions:
    return Executions()


@pytest.fixture
def stored(world: World, network: Model) -> dict[str, ScanRecord]:
    """Scans that the image's model has answered."""
    phantom = head(seed=7, lesion=GLIOMA, size=96, slices=12)
    for number in range(SCANS):
        intake(world.upload(f"{number}.png", to_png(phantom.volume[number + 3])), world.services)
    results = analyze(world.queued(), world.services, network)
    return {each.scan_id: each.record for each in results if each.record}


@pytest.fixture
def begun(
    world: World, stored: dict[str, ScanRecord], candidate: Model, machine: Executions, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """A run over all of them, two scans a batch."""
    monkeypatch.setattr(runs, "BATCH", 2)
    batches = batch_scans(select_scans(world.services.table, candidate.manifest.model_id, Selection()))
    run = Run(
        run_id="5f0e",
        model_id=candidate.manifest.model_id,
        selection="all",
        by="dr.k",
        started_at=datetime.now(UTC),
        scans=SCANS,
        batches=len(batches),
        most_at_once=2,
        dollars_per_second=1.0,
        dollars_per_scan=0.5,
    )
    start(run, batches, world.services.table, world.services.results, machine)
    return run
