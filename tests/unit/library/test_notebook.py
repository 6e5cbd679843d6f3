"""The notebook of the docs runs from its first cell to its last, and finds what it says."""

import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).parents[3] / "docs/study.ipynb"


def test_every_cell_runs_and_the_lesion_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    notebook = json.loads(NOTEBOOK.read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"cell {number}", "exec"), names)  # noqa: S102 - the notebook is ours
    assert len(cells) == 5
    assert names["overlap"] > 0.3
    printed = capsys.readouterr().out
    assert "seg.dcm" in printed
    assert "glioma" in printed


def test_it_is_kept_without_outputs_and_says_what_it_is_not() -> None:
    notebook = json.loads(NOTEBOOK.read_text())
    assert not any(cell.get("outputs") for cell in notebook["cells"])
    assert "Research use only. Not a medical device." in "".join(notebook["cells"][0]["source"])
