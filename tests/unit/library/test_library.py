"""`import brainscan` is at once there, and gives to Python what the command gives to a shell."""

import doctest
import importlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread

import brainscan
from brainscan.domain import Kind, Outcome, Reason, TumorClass
from brainscan.inference.manifest import ModelError
from brainscan.inference.runtime import Model
from brainscan.store import Table
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from brainscan_local.phantom.head import Phantom
from tests.making import a_record, analyzed, present

SLOW = {"boto3", "pydicom", "numpy", "skimage", "PIL", "ai_edge_litert", "pydantic", "typer"}


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return head(seed=1, lesion=GLIOMA)


def test_importing_it_imports_nothing_that_takes_long() -> None:
    program = "import brainscan, sys; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert not {name for name in SLOW if f"'{name}'" in loaded}


def test_what_it_offers_is_what_its_types_say() -> None:
    stated = Path(brainscan.__file__).with_suffix(".pyi").read_text()
    for name in brainscan.__all__:
        assert getattr(brainscan, name) is not None
        assert name in stated
    assert set(brainscan.__all__) <= set(dir(brainscan))
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        brainscan.analyse  # type: ignore[attr-defined] # noqa: B018 - read for its refusal


@pytest.mark.parametrize("module", ["brainscan.library.analysis", "brainscan.library.query"])
def test_the_examples_of_docstrings_hold(module: str) -> None:
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted
    assert not found.failed


def test_a_file_an_array_and_a_dataset_of_one_picture_are_answered_alike(
    phantom: Phantom, network: Model, tmp_path: Path
) -> None:
    largest = int(phantom.lesion.sum(axis=(1, 2)).argmax())
    pixels, instance = phantom.volume[largest], to_dicom(phantom)[largest]
    (tmp_path / "slice.dcm").write_bytes(instance)
    other = dcmread(io.BytesIO(instance))
    other.SOPInstanceUID += ".1"  # by one name they would be one image, of which the last counts
    sources = [tmp_path / "slice.dcm", other, pixels]
    by_path, by_dataset, by_array = brainscan.analyze(sources, network).scans
    assert [present(scan.record).kind for scan in (by_path, by_dataset, by_array)] == [Kind.DICOM, Kind.DICOM, Kind.PNG]
    assert (
        present(by_path.record).predicted
        is present(by_dataset.record).predicted
        is present(by_array.record).predicted
        is TumorClass.GLIOMA
    )
    assert present(by_path.record).probabilities == present(by_dataset.record).probabilities
    assert present(by_array.record).confidence == pytest.approx(present(by_path.record).confidence, abs=0.02)
    assert present(by_array.mask).shape == pixels.shape
    assert present(by_array.mask).dtype == bool
    assert int(present(by_array.mask).sum()) == present(present(by_array.record).tumor).area_px > 0


def test_values_of_any_depth_reach_the_network_as_they_are(phantom: Phantom, network: Model) -> None:
    pixels = phantom.volume[5]
    exact, shifted = brainscan.analyze([pixels, pixels.astype(np.float64) - 1024], network).scans
    assert present(shifted.record).kind is Kind.TIFF
    assert present(present(shifted.record).probabilities)[TumorClass.GLIOMA] == pytest.approx(
        present(present(exact.record).probabilities)[TumorClass.GLIOMA], abs=1e-3
    )


@pytest.mark.parametrize("wrong", [np.zeros((3, 4, 5)), np.array([["a"]]), np.zeros((0, 4))])
def test_an_array_that_is_no_picture_is_refused(wrong: Any, network: Model) -> None:
    with pytest.raises(ValueError, match="rows, columns"):
        brainscan.analyze(wrong, network)
    with pytest.raises(TypeError, match="not int"):
        brainscan.analyze(cast(Any, [7]), network)


def test_a_folder_gives_series_that_are_saved_as_the_pipeline_reports_them(
    phantom: Phantom, network: Model, tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    for number, instance in enumerate(to_dicom(phantom)):
        (folder / f"{number:02d}.dcm").write_bytes(instance)
    shutil.copy(folder / "03.dcm", folder / "again.dcm")
    (folder / "notes.txt").write_text("no image")
    analysis = brainscan.analyze(folder, network)
    [series] = analysis.series
    assert len(analysis.scans) == 14
    assert analysis.scans[-1].reasons == (Reason.UNRECOGNIZED_CONTENT,)
    assert len(series.result.slices) == 12
    assert [scan.path for scan in analysis.scans if scan.superseded_by] == [str(folder / "03.dcm")]
    assert series.result.predicted is TumorClass.GLIOMA
    analysis.save(tmp_path / "out")
    [report] = (tmp_path / "out/reports").glob("*/*")
    assert {"fhir.json", "series.json", "sr.dcm"} <= {path.name for path in report.iterdir()}
    summary = json.loads((report / "series.json").read_text())
    assert summary["predicted"] == "glioma"
    assert set(summary["files"]) | set(summary["withheld"]) >= {"seg", "sr", "capture", "fhir", "series"}
    assert all((tmp_path / "out" / key).is_file() for key in summary["files"].values())
    assert summary["research_use"] == analysis.research_use == "Research use only. Not a medical device."


def test_a_model_that_is_not_there_is_told_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSCAN_MODEL_DIR", str(tmp_path))
    with pytest.raises(ModelError, match=r"BRAINSCAN_MODEL_DIR is .* holds no manifest.json; name the folder"):
        brainscan.open_model()
    monkeypatch.delenv("BRAINSCAN_MODEL_DIR")
    monkeypatch.setattr("brainscan.inference.shipped.PACKAGED", tmp_path)
    with pytest.raises(ModelError, match=r"install the wheel.*BRAINSCAN_MODEL_DIR"):
        brainscan.analyze(np.zeros((64, 64), np.uint8))


def test_a_query_finds_what_the_table_holds(table: Table) -> None:
    records = [analyzed(a_record(number), TumorClass.GLIOMA, 0.5 + number / 20) for number in range(9)]
    table.scans.register([a_record(number) for number in range(9)])
    table.scans.commit(records, [Outcome.QUEUED] * 9)
    day = records[0].received_at.date()
    found = list(brainscan.query("scans", finding="glioma", first=day, min_confidence=0.7, sort="probability"))
    assert [record.confidence for record in found] == sorted((present(r.confidence) for r in records[4:]), reverse=True)
    assert {record.scan_id for record in brainscan.query("scans", export=records[0].export_id)} == {
        record.scan_id for record in records
    }


def test_a_query_without_a_table_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAINSCAN_TABLE_NAME", raising=False)
    with pytest.raises(ValueError, match="BRAINSCAN_TABLE_NAME"):
        brainscan.query()


def test_a_png_on_its_own_needs_no_series(phantom: Phantom, network: Model, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(to_png(phantom.volume[5]))
    analysis = brainscan.analyze(str(tmp_path / "a.png"), network)
    assert [scan.outcome for scan in analysis.scans] == [Outcome.ANALYZED]
    assert analysis.series == ()


def test_two_volumes_in_one_folder_are_two_series(phantom: Phantom, network: Model, tmp_path: Path) -> None:
    for name, volume in {"a.nii.gz": phantom.volume[4:7], "b.nii.gz": phantom.volume[5:9]}.items():
        nib.save(nib.Nifti1Image(volume.T.astype(np.int16), np.diag([1, 1, 5, 1])), tmp_path / name)
    found = brainscan.analyze(tmp_path, network)
    assert [len(series.scans) for series in found.series] == [3, 4]
    assert len({present(scan.record).scan_id for scan in found.scans}) == 7
