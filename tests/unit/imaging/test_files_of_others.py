"""The files that ship inside pydicom and nibabel: each is answered, or refused with a reason; highdicom ships none."""

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from brainscan.dicom.header import read_header
from brainscan.dicom.source import read_source
from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.decode import count_frames, decode
from brainscan.imaging.sniff import sniff
from brainscan.settings import Limits

FOLDERS = {
    "pydicom": Path(pydicom.__file__).parent / "data/test_files",
    "nibabel": Path(nibabel.__file__).parent / "tests/data",
}
LEAST = {"pydicom": 80, "nibabel": 60}
"""Files that are there at least: a distribution that leaves them out would test nothing."""


def files(of: str) -> list[Path]:
    return sorted(path for path in FOLDERS[of].rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"})


def ending_of(data: bytes, kind: Kind) -> Reason | None:
    """Why a file is refused; None where each of its first frames has pixels."""
    limits = Limits()
    try:
        frames = count_frames(data, kind, limits)
        for frame in range(min(frames, 3)):
            decoded = decode(data, kind, limits, frame)
            assert decoded.pixels.ndim == 2
            assert np.isfinite(decoded.pixels).all()
        if kind is Kind.DICOM:
            assert len(read_header(data, limits).relevances) == frames
            assert read_source(data, limits.scan_bytes)
    except ScanError as refused:
        return refused.reason
    return None


@pytest.mark.parametrize("of", FOLDERS)
def test_each_file_is_answered_or_refused_with_a_reason(of: str) -> None:
    found = files(of)
    assert len(found) >= LEAST[of]
    endings = {path.name: ending_of(path.read_bytes(), sniff(path.read_bytes())) for path in found}
    assert None in endings.values()
    assert Reason.UNRECOGNIZED_CONTENT in endings.values()
