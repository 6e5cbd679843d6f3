"""DICOM as hospitals send it: series in order, a DICOMDIR held against its files, every public sample named."""

import io
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from brainscan.domain import Kind, Outcome, Reason
from brainscan.pipeline.intake import intake
from brainscan.store.file_results import listing_of
from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.conftest import World
from tests.making import present, zipped
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient

SHARED = Path(os.environ.get("BRAINSCAN_SHARED", "../shared")) / "data"
SLICES = 5


@pytest.fixture(scope="module")
def slices() -> list[bytes]:
    return to_dicom(head(seed=1, lesion=GLIOMA, size=64, slices=SLICES))


def directory(*records: tuple[str, list[str]]) -> bytes:
    """A DICOMDIR with records of a type and a referenced file."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    dataset.DirectoryRecordSequence = []
    for kind, path in records:
        record = Dataset()
        record.DirectoryRecordType = kind
        if path:
            record.ReferencedFileID = path
        dataset.DirectoryRecordSequence.append(record)
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    return file.getvalue()


def listing(world: World, export: Any) -> Any:
    lines = listing_of(export.export_id, world.services.table, world.services.results).splitlines()
    return [json.loads(line) for line in lines]


def test_a_series_is_in_the_order_of_its_positions_whatever_its_files_are_called(
    world: World, slices: list[bytes]
) -> None:
    names = random.Random(3).sample(range(100), SLICES)
    files = {f"IM{name:04d}": data for name, data in zip(names, slices, strict=True)}
    export = intake(world.upload("export.zip", zipped(dict(sorted(files.items())))), world.services)
    [series_id] = {scan.series_id for scan in world.queued()}
    ordered = world.services.table.series.scans(present(series_id)).items
    assert [world.services.results.get(record.staged_key) for record in ordered] == slices
    assert export.scans == present(world.services.table.series.get(present(series_id))).expected == SLICES


def test_loose_slices_out_of_order_with_repeats_end_as_one_series(world: World, slices: list[bytes]) -> None:
    uploads = [world.upload(f"inbox/{place}", data) for place, data in enumerate(slices)]
    for upload in random.Random(5).sample(uploads * 2, 2 * SLICES):
        intake(upload, world.services)
    [series_id] = {scan.series_id for scan in world.queued()}
    ordered = world.services.table.series.scans(present(series_id)).items
    assert [world.services.results.get(record.staged_key) for record in ordered] == slices
    assert present(world.services.table.series.get(present(series_id))).remaining == SLICES


def test_a_dicomdir_is_held_against_the_files_that_are_there(world: World, slices: list[bytes]) -> None:
    found = directory(
        ("PATIENT", []),
        ("IMAGE", ["DICOM", "IM0"]),
        ("IMAGE", ["DICOM", "IM1"]),
        ("IMAGE", ["DICOM", "LOST"]),
        ("PRIVATE", []),
    )
    files = {
        "disc/DICOMDIR": found,
        "disc/DICOM/IM0": slices[0],
        "disc/dicom/im1": slices[1],
        "disc/DICOM/EXTRA": slices[2],
        "disc/VIEWER.EXE": b"MZ\x90\x00 a viewer",
        "disc/AUTORUN.INF": b"[autorun]",
    }
    export = intake(world.upload("disc.zip", zipped(files)), world.services)
    lines = listing(world, export)
    assert [(line["index"], line["outcome"], line["reasons"], line.get("listed")) for line in lines] == [
        (0, "skipped", ["not_an_image"], True),
        (1, "queued", [], True),
        (2, "queued", [], True),
        (3, "queued", [], False),
        (4, "skipped", ["not_an_image"], False),
        (5, "skipped", ["not_an_image"], False),
        (None, "skipped", ["missing_file"], None),
        (0, "skipped", ["private_record"], None),
    ]
    assert (export.files, export.skipped, export.counts) == (6, 3, {Outcome.QUEUED: 3})
    assert all(
        set(line) <= {"index", "inner", "entry_digest", "outcome", "reasons", "scan_ids", "listed"} for line in lines
    )


def test_a_damaged_dicomdir_costs_its_files_nothing(world: World, slices: list[bytes]) -> None:
    damaged = directory(("IMAGE", ["IM0"]))[:-20]
    export = intake(world.upload("disc.zip", zipped({"DICOMDIR": damaged, "IM0": slices[0]})), world.services)
    assert export.counts[Outcome.QUEUED] == 1


def test_what_is_not_for_the_network_is_skipped_with_its_reason_and_counted(world: World, slices: list[bytes]) -> None:
    pixels = gradient(16, 16)
    others = {
        "ct": dicom_object(pixels, Modality="CT"),
        "scout": dicom_object(pixels, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
        "adc": dicom_object(pixels, ImageType=["DERIVED", "PRIMARY", "ADC"]),
        "phase": dicom_object(pixels, ImageType=["ORIGINAL", "PRIMARY", "P"]),
        "knee": dicom_object(pixels, BodyPartExamined="KNEE"),
    }
    files = {name: dicom_bytes(dataset) for name, dataset in others.items()} | {"brain": slices[0]}
    export = intake(world.upload("export.zip", zipped(files)), world.services)
    assert [line["reasons"] for line in listing(world, export)] == [
        ["other_modality"],
        ["localizer"],
        ["derived_map"],
        ["phase_image"],
        ["other_body_part"],
        [],
    ]
    assert (export.files, export.skipped, len(world.queued())) == (6, 5, 1)


def test_an_ambiguous_image_is_queued_with_a_flag(world: World) -> None:
    data = dicom_bytes(dicom_object(gradient(16, 16), Modality="OT", BodyPartExamined="XQ7", SeriesInstanceUID="1.2.3"))
    intake(world.upload("scan", data), world.services)
    assert [scan.flags for scan in world.queued()] == [(Reason.UNCLEAR_MODALITY, Reason.UNCLEAR_BODY_PART)]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public samples are not beside the checkout")
def test_every_public_sample_gets_its_outcome(world: World) -> None:
    samples = sorted(path for folder in ("dicom", "nifti") for path in (SHARED / folder).rglob("*") if path.is_file())
    for path in samples:
        export = intake(world.upload(str(path.relative_to(SHARED)), path.read_bytes()), world.services)
        outcomes = {line["outcome"] for line in listing(world, export)}
        expected = {"rejected"} if path.name == "LICENSE" else {"queued"}
        assert outcomes == expected, path
    assert len(samples) == 54
    known = world.services.table.scans.get_many([scan.scan_id for scan in world.queued()])
    standing = Counter(record.kind for record in known.values() if not record.superseded)
    # 47 images and 3 of 8 frames; four of them are there in four encodings each, and stand in their series once.
    assert standing == {Kind.DICOM: 47 + 3 * 8 - 4 * 3, Kind.NIFTI: 52}
