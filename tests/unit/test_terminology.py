"""A class is one row: whatever names, codes or colours classes derives from it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from brainscan.api.page import classes_css, classes_js
from brainscan.domain import CLASSES, TUMORS, TumorClass

ROOT = Path(__file__).parents[2]
ROW = """    METASTASIS = (
        "metastasis", "brain metastasis", "#f2d94e", _snomed("94225005", "Metastatic malignant neoplasm to brain"),
        BRAIN, True,
    )
"""
"""What a fifth class is, besides a model."""


def test_values_labels_colours_and_codes_are_unique() -> None:
    for column in ("value", "label", "color"):
        assert len({getattr(each, column) for each in CLASSES}) == len(CLASSES)
    assert len({each.concept for each in CLASSES}) == len(CLASSES)
    assert all(re.fullmatch("#[0-9a-f]{6}", each.color) for each in CLASSES)


def test_what_is_no_tumor_is_one_class() -> None:
    assert [each for each in CLASSES if each not in TUMORS] == [TumorClass.NO_TUMOR]


def test_the_page_of_dicom_answers_lists_every_tumor_as_the_table_has_it() -> None:
    page = (ROOT / "docs/dicom-answers.md").read_text()
    for each in TUMORS:
        concept, site = each.concept, each.site
        row = f"| `{each}` | `{concept.code}` {concept.meaning} | `{site.code}` {site.meaning} | `{each.color}` |"
        assert row in page


def test_the_page_gets_its_classes_from_the_table() -> None:
    for each in CLASSES:
        assert f'"{each}": "{each.label}"' in classes_js()
        assert f".{each} {{ --tone: {each.color}; }}" in classes_css()


def test_no_other_file_of_the_page_names_a_class() -> None:
    static = ROOT / "layers/brainscan/brainscan/api/static"
    named = {path.name for path in static.glob("*.*") for each in CLASSES if each in path.read_text()}
    assert named == set()


@pytest.mark.timeout(600)
def test_a_fifth_class_is_one_row_and_a_model(tmp_path: Path) -> None:
    library = tmp_path / "brainscan"
    shutil.copytree(ROOT / "layers/brainscan/brainscan", library)
    terms = library / "terminology.py"
    before, mark, after = terms.read_text().partition("    NO_TUMOR = ")
    terms.write_text(before + ROW + mark + after)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-o", f"pythonpath={tmp_path} layers/brainscan_local .", "tests/unit/fifth_class/with_metastasis.py"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "BRAINSCAN_LIBRARY": str(library)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
