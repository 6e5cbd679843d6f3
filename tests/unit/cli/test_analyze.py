"""`brainscan analyze` says in words what it found, and writes masks where their sources lie."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from pyarrow import parquet
from pydicom import dcmread
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from brainscan_local.phantom.head import Phantom
from tests import series as mr


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return head(seed=1, lesion=GLIOMA)


def analyze(*arguments: Any) -> str:
    done = CliRunner().invoke(app, ["analyze", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_one_image_is_answered_in_words(phantom: Phantom, tmp_path: Path) -> None:
    largest = int(phantom.lesion.sum(axis=(1, 2)).argmax())
    (tmp_path / "scan.png").write_bytes(to_png(phantom.volume[largest]))
    said = analyze(tmp_path / "scan.png", "--out", tmp_path / "out")
    assert f"{tmp_path / 'scan.png'}: glioma, " in said
    assert "% sure; " in said
    assert "px are outlined" in said
    assert "Research use only. Not a medical device." in said
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "scan.mask.png",
        "scan.overlay.png",
        "scan.result.json",
        "results.jsonl",
    }


def test_one_file_that_is_no_image_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n cut off")
    assert "scan.png: rejected, unreadable" in analyze(tmp_path / "scan.png", "--out", tmp_path / "out")


def test_what_is_left_out_of_many_files_is_told_with_its_reasons(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    [adc] = mr.mr_series(1, ImageType=["DERIVED", "PRIMARY", "DIFFUSION", "ADC"])
    (tmp_path / "in/adc.dcm").write_bytes(mr.file_bytes(adc))
    (tmp_path / "in/empty.png").write_bytes(b"")
    said = " ".join(analyze(tmp_path / "in", "--out", tmp_path / "out").split())
    assert "skipped derived map 1" in said
    assert "rejected empty file 1" in said


def test_a_nifti_volume_gets_a_mask_in_its_space_and_volumes_of_its_lesions(phantom: Phantom, tmp_path: Path) -> None:
    slice_mm, row_mm, column_mm = phantom.spacing_mm
    affine = np.array([[-column_mm, 0, 0, 90], [0, -row_mm, 0, 80], [0, 0, slice_mm, -40], [0, 0, 0, 1.0]])
    nib.save(nib.Nifti1Image(phantom.volume.transpose(2, 1, 0).astype(np.int16), affine), tmp_path / "head.nii.gz")
    said = analyze(tmp_path / "head.nii.gz", "--out", tmp_path / "out")
    mask: Any = nib.load(tmp_path / "out/head.nii.mask.nii.gz")
    np.testing.assert_allclose(mask.affine, affine)
    assert mask.shape == phantom.volume.transpose(2, 1, 0).shape
    lines = [json.loads(line) for line in (tmp_path / "out/results.jsonl").read_text().splitlines()]
    assert len(lines) == 12
    summary = json.loads((tmp_path / "out/head.nii.series.json").read_text())
    [*lesions] = summary["lesions"]
    assert lesions
    voxel_mm3 = slice_mm * row_mm * column_mm
    outlined = {each["scan_id"]: each["area_px"] for each in summary["slices"]}
    for lesion in lesions:
        assert 0 < lesion["volume_mm3"] <= voxel_mm3 * sum(outlined[each] for each in lesion["slices"]) * 1.001
    assert lesions[0]["volume_mm3"] > 1000
    assert f"{lesions[0]['volume_mm3'] / 1000:.2f} ml" in said
    drawn = np.asanyarray(mask.dataobj).sum(axis=(0, 1))
    assert drawn.sum() == sum(outlined.values()) > 0
    truth = phantom.lesion.transpose(2, 1, 0)
    found = np.asanyarray(mask.dataobj).astype(bool)
    assert 2 * (truth & found).sum() / (truth.sum() + found.sum()) > 0.5


def test_a_dicom_folder_gets_the_report_of_its_series(phantom: Phantom, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    for number, instance in enumerate(to_dicom(phantom)):
        (tmp_path / f"study/{number:02d}").write_bytes(instance)
    said = analyze(tmp_path / "study", "--out", tmp_path / "out")
    assert "12 inputs" in said
    [report] = (tmp_path / "out/reports").glob("*/*")
    assert {"fhir.json", "series.json", "sr.dcm", "seg.dcm"} <= {path.name for path in report.iterdir()}
    summary = json.loads((report / "series.json").read_text())
    assert f"{summary['predicted']}, {summary['confidence']:.0%} sure" in said


def test_the_listing_is_written_as_csv_and_parquet_too(phantom: Phantom, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_bytes(to_png(phantom.volume[5]))
    (tmp_path / "in/b.png").write_bytes(b"")
    analyze(tmp_path / "in", "--out", tmp_path / "out", "--format", "csv")
    analyze(tmp_path / "in", "--out", tmp_path / "out", "--format", "parquet")
    with (tmp_path / "out/results.csv").open() as listing:
        rows = list(csv.DictReader(listing))
    table = parquet.read_table(tmp_path / "out/results.parquet").to_pylist()
    assert [(row["outcome"], row["reasons"]) for row in rows] == [("analyzed", ""), ("rejected", "empty_file")]
    assert [row["path"] for row in table] == [row["path"] for row in rows]
    probabilities = [table[0][f"probability_{name}"] for name in ("glioma", "meningioma", "no_tumor", "pituitary")]
    assert sum(probabilities) == pytest.approx(1)
    assert table[0]["confidence"] == max(probabilities) == float(rows[0]["confidence"])
    assert table[0]["overlay"] == str(tmp_path / "out/a.overlay.png")


def _two_pictures_of_one_uid(phantom: Phantom, folder: Any) -> None:
    """A series of three, and another picture by the name and at the place of its second."""
    one, other = to_dicom(phantom)[4:7], to_dicom(head(seed=9, lesion=GLIOMA))[5]
    uid = dcmread(io.BytesIO(one[1]))
    again = dcmread(io.BytesIO(other))
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "ImagePositionPatient"):
        setattr(again, keyword, getattr(uid, keyword))
    (folder / "first").mkdir(parents=True)
    (folder / "second").mkdir()
    for number, instance in enumerate(one):
        (folder / f"first/{number}.dcm").write_bytes(instance)
    again.save_as(folder / "second/1.dcm")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_of_two_pictures_of_one_uid_and_place_one_counts_and_the_other_is_named_as_superseded(
    phantom: Phantom, tmp_path: Path, form: str
) -> None:
    _two_pictures_of_one_uid(phantom, tmp_path / "in")
    out = tmp_path / "out"
    said = analyze(tmp_path / "in", "--out", out, "--format", form)
    replaced, counting = (str(tmp_path / f"in/{each}/1.dcm") for each in ("first", "second"))
    assert f"{replaced}: superseded by {counting}" in said
    if form == "json":
        rows = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
        assert {row["path"]: row.get("superseded_by") for row in rows}[replaced] == counting
    else:
        rows = list(csv.DictReader((out / "results.csv").open()))
    assert [row["path"] for row in rows if row["outcome"] == "skipped"] == [replaced]
    assert len(rows) == 4
    result = json.loads((out / "first/1.result.json").read_text())
    assert (result["superseded"], result["reasons"]) == (True, ["superseded"])
    assert not (out / "first/1.mask.png").exists()
    assert (out / "second/1.mask.png").exists()
    [summary] = out.glob("reports/*/*/series.json")
    slices = {each["scan_id"] for each in json.loads(summary.read_text())["slices"]}
    assert len(slices) == 3
    assert result["scan_id"] not in slices


def test_lines_on_standard_output_end_with_what_was_superseded(phantom: Phantom, tmp_path: Path) -> None:
    _two_pictures_of_one_uid(phantom, tmp_path / "in")
    said = analyze(tmp_path / "in", "--out", tmp_path / "out", "--json")
    *_, last = [json.loads(line) for line in said.splitlines()]
    assert (last["path"], last["reasons"]) == (str(tmp_path / "in/first/1.dcm"), ["superseded"])
