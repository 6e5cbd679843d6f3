"""Answers can be written for the series of every vendor at hand, and a validator finds no error in them."""

import io
import os
import subprocess
from collections import defaultdict
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
from highdicom.seg import segread

from brainscan.dicom.capture import capture
from brainscan.dicom.pixels import frame_count
from brainscan.dicom.report_identity import ReportIdentity
from brainscan.dicom.seg import segmentation
from brainscan.dicom.source import SourceImage, read_source
from brainscan.dicom.spacing import frame_spacing
from brainscan.dicom.sr import measurement_report
from brainscan.domain import Series, TumorClass
from brainscan.imaging.measure import measure
from brainscan.imaging.overlay import overlay
from brainscan.series.acquisitions import SliceSource
from brainscan.series.result import analyze_series
from tests import series as mr
from tests.making import NOON, PSEUDONYMS

SHARED = Path(os.environ.get("BRAINSCAN_SHARED", Path(__file__).parents[4] / "shared"))
DICOM = SHARED / "data/dicom"
FOLDERS = sorted({path.parent for path in DICOM.rglob("*.dcm")})


def series_in(folder: Path) -> list[SourceImage]:
    """The slices of the folder's first series."""
    found: dict[str, list[Any]] = defaultdict(list)
    for path in sorted(folder.glob("*.dcm")):
        header = read_source(path.read_bytes(), 10**9)
        frames = frame_count(header)
        found[header.SeriesInstanceUID] += [SourceImage(header, n if frames > 1 else None) for n in range(frames)]
    return next(iter(found.values()))


def errors(image: Any, path: Path) -> list[str]:
    image.save_as(path, enforce_file_format=True)
    told = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    return [line for line in told.stderr.splitlines() if line.startswith("Error")]


@pytest.mark.skipif(not FOLDERS, reason="no ../shared/data/dicom here (BRAINSCAN_SHARED says where it is)")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_a_series_of_this_vendor_gets_valid_answers(folder: Path, tmp_path: Path) -> None:
    images = series_in(folder)
    rows, columns = images[0].header.Rows, images[0].header.Columns
    grid = np.mgrid[:rows, :columns]
    mask = np.hypot(grid[0] - rows / 2, grid[1] - columns / 3) < rows / 10
    outlined = {len(images) // 2, len(images) // 2 + 1}
    records = [
        mr.answered(n, TumorClass.GLIOMA, mask).model_copy(
            update={"tumor": measure(mask, frame_spacing(images[n].header, n))}
        )
        if n in outlined
        else mr.answered(n)
        for n in range(len(images))
    ]
    series = Series(series_id="5" * 32, expected=len(images), revision=1)
    by_id = {record.scan_id: image for record, image in zip(records, images, strict=True)}
    sources = {scan_id: SliceSource(image.plane) for scan_id, image in by_id.items()}
    analysis = analyze_series(series, records, sources, lambda counted: [mask] * len(counted))
    [lesion] = analysis.result.lesions
    assert lesion.volume_mm3
    stack = [by_id[scan_id] for scan_id in analysis.stack]
    labels = {analysis.stack.index(scan_id): label for scan_id, label in analysis.labels.items()}
    answer = analysis.result
    identity = ReportIdentity(PSEUDONYMS, answer.series_id, 1, "f" * 64, NOON)
    seg = segmentation(stack, labels, answer.lesions, identity)
    picture = overlay(np.full((rows, columns), 99, np.uint8), mask)
    made = {
        "seg": seg,
        "sr": measurement_report(answer, by_id, seg, identity),
        "capture": capture(picture, answer, by_id[lesion.key_slice], identity),
    }
    for image in made.values():
        assert image.PatientID == images[0].header.PatientID
        assert image.StudyInstanceUID == images[0].header.StudyInstanceUID
    back = segread(io.BytesIO(mr.file_bytes(seg)))
    assert [np.array_equal(frame, mask) for frame in back.pixel_array] == [True, True]
    if which("dciodvfy") is None:
        pytest.skip("dciodvfy is not installed (Debian: dicom3tools)")
    assert {name: errors(image, tmp_path / name) for name, image in made.items()} == {name: [] for name in made}
