"""Libraries that quote what they find in a header have nobody to quote it to."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

PROGRAM = """
import numpy as np
from brainscan.dicom.capture import capture
from brainscan.dicom.source import SourceImage, read_source
from brainscan.dicom.report_identity import ReportIdentity
from brainscan.domain import Outcome, SeriesResult
from brainscan.imaging.overlay import overlay
from tests import series as mr
from tests.making import NOON, PSEUDONYMS

[image] = mr.mr_series(1, PatientName="Canary", PatientAge="Canary", SpecificCharacterSet="ISO_IR 6")
header = read_source(mr.file_bytes(image), 10**9)
answer = SeriesResult(series_id="5", revision=1, outcome=Outcome.ANALYZED)
picture = overlay(np.full((mr.ROWS, mr.COLUMNS), 99, np.uint8), mr.disc(5))
made = capture(picture, answer, SourceImage(header), ReportIdentity(PSEUDONYMS, "5", 1, "f" * 64, NOON))
assert str(made.PatientName) == "Canary"
print("made")
"""


def test_a_name_that_highdicom_warns_of_reaches_neither_output_nor_log() -> None:
    environment = {"PATH": "", "PYTHONPATH": f"{ROOT / 'layers/brainscan'}:{ROOT}", "PYTHONWARNINGS": "default"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "made\n", done.stderr
    assert "Canary" not in done.stderr
