"""What readers judged becomes a set of slices that training reads as it is, without a patient or a reader by name."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import CLASSES, Geometry, Outcome, TumorClass, Verdict
from brainscan.imaging.mask import encode_mask
from brainscan.pipeline.reader_masks import DrawnMask, save_reader_mask
from brainscan.store import Results, Table
from tests.conftest import TABLE
from tests.making import a_record, analyzed, opinion, present
from tests.summaries import DAY, a_series

GLIOMA, MENINGIOMA, NONE = TumorClass.GLIOMA, TumorClass.MENINGIOMA, TumorClass.NO_TUMOR
CORONAL = a_series(0, NONE, series_id="5" * 32, geometry=Geometry(normal=(0.0, -1.0, 0.1)))


def picture(seed: int) -> bytes:
    """A head of its own, with a text chunk that must not travel."""
    small = Image.fromarray(np.random.default_rng(seed).integers(60, 250, (8, 8)).astype(np.uint8))
    told, out = PngImagePlugin.PngInfo(), io.BytesIO()
    told.add_text("Patient", "Canary^Jane")
    small.resize((96, 96), Image.Resampling.BICUBIC).save(out, "PNG", pnginfo=told)
    return out.getvalue()


def disc() -> np.ndarray:
    rows, columns = np.mgrid[:96, :96] - 48
    return np.hypot(rows, columns) < 12


@pytest.fixture
def judged(table: Table) -> Table:
    """Sixteen scans: four confirmed, four corrected, four rejected, four of a series that a reader calls clear."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="results")
    for number in range(16):
        place = {"series_id": "5" * 32, "study_id": "6" * 32} if number >= 12 else {}
        waiting = a_record(number, patient_id=f"{number % 6}" * 32, order=number, **place)
        keys = {f"{name}_key": f"results/{waiting.scan_id}/{name}.png" for name in ("image", "mask")}
        told = keys | {"rows": 96, "columns": 96}
        record = analyzed(waiting, CLASSES[number % 4], 0.9, needs_review=True).model_copy(update=told)
        s3.put_object(Bucket="results", Key=present(record.image_key), Body=picture(number))
        s3.put_object(Bucket="results", Key=present(record.mask_key), Body=encode_mask(disc()))
        table.scans.register([waiting])
        table.scans.commit([record], [Outcome.QUEUED])
        verdict = [Verdict.CONFIRMED, Verdict.CORRECTED, Verdict.REJECTED, None][number // 4]
        if verdict:
            other = CLASSES[(number + 1) % 4] if verdict is Verdict.CORRECTED else None
            table.scans.review(record.scan_id, 0, opinion(verdict, other, "Dr. Canary"))
    table.scans.review(a_record(0).scan_id, 1, opinion(Verdict.CORRECTED, MENINGIOMA, "Dr. Second"))
    table.summaries.put(CORONAL)
    table.summaries.review_series(CORONAL.series_id, 0, opinion(Verdict.CONFIRMED, reader="Dr. Canary"))
    return table


def export(out: Any, *args: Any) -> Any:
    return CliRunner().invoke(
        app, ["export", "corrections", "--table", TABLE, "--bucket", "results", "--out", str(out), *args]
    )


def test_training_reads_the_set_as_it_is(judged: Table, tmp_path: Path) -> None:
    read_data = pytest.importorskip("training.datasets.splits").read_data
    assert export(tmp_path / "set").exit_code == 0
    samples = {sample.path.stem: sample for sample in read_data(tmp_path / "set")}
    assert len(samples) == 12
    confirmed, corrected = samples[a_record(1).scan_id], samples[a_record(5).scan_id]
    assert (confirmed.label, corrected.label) == (CLASSES[1], CLASSES[2])
    assert np.array_equal(np.asarray(Image.open(confirmed.mask)) > 0, disc())
    assert corrected.mask is None
    clear = samples[a_record(12).scan_id]
    assert (clear.label, clear.mask, clear.plane) == ("no_tumor", None, "coronal")
    assert not {a_record(n).scan_id for n in range(8, 12)} & set(samples)


def test_a_set_beside_others_keeps_its_groups_by_patient(judged: Table, tmp_path: Path) -> None:
    export(tmp_path / "set")
    rows = list(csv.DictReader((tmp_path / "set/index.csv").open()))
    assert {row["group"] for row in rows} == {f"{n}" * 32 for n in range(6)}
    assert {row["part"] for row in rows} == {"train"}


def test_neither_patients_nor_readers_are_named_in_it(judged: Table, tmp_path: Path) -> None:
    export(tmp_path / "set")
    files = [path for path in (tmp_path / "set").rglob("*") if path.is_file()]
    assert len(files) == 12 + 2 + 3  # images, masks, tables
    assert not [path for path in files if b"Canary" in path.read_bytes() or b"Second" in path.read_bytes()]
    assert not [path for path in files if path.suffix == ".png" and Image.open(path).info]


def test_it_tells_how_readers_agree_with_the_network_and_each_other(judged: Table, tmp_path: Path) -> None:
    export(tmp_path / "set")
    told = json.loads((tmp_path / "set/agreement.json").read_text())
    assert told["network_and_readers"]["pairs"] == 12
    assert told["readers"] == {"pairs": 1, "equal": 0.0, "kappa": 0.0}
    reviews = list(csv.DictReader((tmp_path / "set/reviews.csv").open()))
    both = [(row["reader"], row["verdict"]) for row in reviews if row["scan_id"] == a_record(0).scan_id]
    assert both == [("1", "confirmed"), ("2", "corrected")]


def test_days_narrow_it_and_what_is_there_is_never_written_over(judged: Table, tmp_path: Path) -> None:
    assert export(tmp_path / "none", "--to", "2021-01-01").exit_code == 1
    assert export(tmp_path / "set", "--from", DAY, "--to", DAY).exit_code == 0
    assert export(tmp_path / "set").exit_code == 2


def ring() -> np.ndarray:
    """What a reader draws."""
    rows, columns = np.mgrid[:96, :96] - 50
    return np.hypot(rows, columns) < 10


def drawn(table: Table, number: int, mask: np.ndarray, called: TumorClass, reader: str) -> None:
    """A reader draws on one of the scans."""
    record = present(table.scans.get(a_record(number).scan_id))
    results = Results(boto3.client("s3"), "results")
    save_reader_mask(DrawnMask(encode_mask(mask), called, reader), record.scan_id, record.revision, results, table)


def test_a_drawn_mask_goes_with_the_class_and_training_learns_from_its_pixels(judged: Table, tmp_path: Path) -> None:
    splits = pytest.importorskip("training.datasets.splits")
    samples = pytest.importorskip("training.datasets.samples")
    drawn(judged, 5, ring(), GLIOMA, "Dr. Canary")
    drawn(judged, 1, ring(), MENINGIOMA, "Dr. Canary")
    drawn(judged, 4, np.zeros_like(ring()), NONE, "Dr. Canary")
    assert export(tmp_path / "set").exit_code == 0
    found = {sample.path.stem: sample for sample in splits.read_data(tmp_path / "set")}
    for number, label in ((5, "glioma"), (1, "meningioma")):
        sample = found[a_record(number).scan_id]
        assert sample.label == label
        assert np.array_equal(samples.read_mask(sample), ring()), "not the network's, which is a larger disc"
    empty = found[a_record(4).scan_id]
    assert (empty.label, empty.mask, empty.mask_known) == ("no_tumor", None, True)


def test_it_tells_how_far_masks_overlap(judged: Table, tmp_path: Path) -> None:
    drawn(judged, 1, ring(), MENINGIOMA, "Dr. Canary")
    drawn(judged, 1, disc(), MENINGIOMA, "Dr. Second")
    drawn(judged, 5, disc(), GLIOMA, "Dr. Canary")
    export(tmp_path / "set")
    told = json.loads((tmp_path / "set/agreement.json").read_text())
    shared = 2 * int((ring() & disc()).sum()) / int(ring().sum() + disc().sum())
    assert told["masks_of_readers"] == {"pairs": 1, "mean_dice": pytest.approx(shared)}
    assert told["masks_of_network_and_readers"] == {"pairs": 2, "mean_dice": 1.0}
    rows = list(csv.DictReader((tmp_path / "set/reviews.csv").open()))
    mine = [(row["drawn"], row["dice"]) for row in rows if row["scan_id"] == a_record(1).scan_id]
    assert mine == [("", ""), ("yes", str(shared)), ("yes", "1.0")]


def test_where_every_image_is_gone_the_set_is_empty_and_says_so(judged: Table, tmp_path: Path) -> None:
    s3 = boto3.client("s3")
    for each in s3.list_objects_v2(Bucket="results")["Contents"]:
        s3.delete_object(Bucket="results", Key=each["Key"])
    done = export(tmp_path / "set")
    assert done.exit_code == 0
    assert "0 slices in" in done.output
    assert len((tmp_path / "set/index.csv").read_text().splitlines()) == 1
