"""docs/walkthrough.md: a study of four series goes from a folder to what training reads, on the page and by command.

With BRAINSCAN_SCREENSHOTS=docs/walkthrough the page's views are written there.
"""

import io
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pydicom import dcmread
from typer.testing import CliRunner, Result

from brainscan.cli.main import app
from brainscan_local.phantom import GLIOMA, head, to_dicom
from brainscan_local.stack import LocalStack
from tests.browser.conftest import dropped
from tests.browser.test_drawing import drag
from tests.browser.test_studies import answer

MOST_BYTES = 100_000
"""Of each picture: the documentation is read over slow lines, too."""

SLICES = 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One study of a phantom: before contrast agent and after, each at two sizes."""
    root = tmp_path / "study"
    study = ""
    for number, (size, contrast) in enumerate(((256, False), (256, True), (192, False), (192, True)), start=1):
        series = root / f"series{number}"
        series.mkdir(parents=True)
        phantom = head(seed=44, lesion=GLIOMA, size=size, slices=SLICES, contrast=contrast)
        for place, data in enumerate(to_dicom(phantom, f"WALK{number}")):
            image = dcmread(io.BytesIO(data))
            study = study or image.StudyInstanceUID
            image.StudyInstanceUID, image.PatientID, image.PatientName = study, "WALK", "PHANTOM^WALK"
            image.SeriesNumber = number
            image.save_as(series / f"IM{place:02d}")
    (root / "report.txt").write_text("no image")
    return root


def shot(page: Page, name: str) -> None:
    """Write what is seen, where pictures are wanted."""
    if wanted := os.environ.get("BRAINSCAN_SCREENSHOTS"):
        path = Path(wanted) / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(io.BytesIO(page.screenshot())) as seen:
            seen.convert("RGB").quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)
        assert path.stat().st_size < MOST_BYTES


def run(*arguments: str) -> Result:
    """A command, which must succeed."""
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "120"})
    assert result.exit_code == 0, result.output
    return result


def test_a_folder_that_is_dropped_ends_as_training_data(
    page: Page, stack: LocalStack, folder: Path, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 1100, "height": 720})
    page.goto("/?exports")
    page.get_by_role("heading", name="Uploads").wait_for()
    dropped(page, folder)
    row = page.get_by_role("list", name="From this page").get_by_role("listitem").first
    expect(row).to_contain_text(re.compile(r"\d+ files analyzed, \d+ not"), timeout=200_000)
    expect(row).to_contain_text("skipped: study/report.txt: not an image")
    stack.drain(timeout_s=200)
    expect(row.get_by_role("link")).to_be_visible(timeout=60_000)
    shot(page, "1-dropped")

    row.get_by_role("link").click()
    page.locator("table.studies tbody tr a.open").click()
    table = page.get_by_role("region", name="Series of the study")
    expect(table.locator("tbody tr")).to_have_count(4)
    shot(page, "2-study")

    page.keyboard.press("s")
    page.locator("main:not([aria-busy]) .frame").wait_for()
    series_id = re.findall("series=([0-9a-f]{32})", page.url)[0]
    page.keyboard.press("d")
    expect(page.locator("canvas.drawn")).to_be_visible()
    page.keyboard.press("Delete")
    drag(page, (0.39, 0.54), (0.45, 0.54), (0.45, 0.60), (0.39, 0.60))
    page.get_by_label("Class of what is drawn").select_option("meningioma")
    page.get_by_role("button", name="Save").scroll_into_view_if_needed()
    shot(page, "3-drawing")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#undo")).to_contain_text("1 mask saved as yours")
    shot(page, "4-corrected")

    [corrected] = [each for each in answer(page, f"series/{series_id}/scans?limit=200")["items"] if each["review"]]
    assert corrected["finding"] == "meningioma"
    out = tmp_path / "corrections"
    run("export", "corrections", "--table", stack.table_name, "--bucket", stack.results_bucket, "--out", str(out))
    [mask_url] = [each["url"] for each in corrected["links"] if each["name"] == "reader_mask"]
    drawn = np.asarray(Image.open(io.BytesIO(page.request.get(mask_url).body()))) > 0
    assert _read_by_training(out, corrected["scan_id"]) == "meningioma"
    assert np.array_equal(np.asarray(Image.open(out / "masks" / f"{corrected['scan_id']}.png")) > 0, drawn)


def _read_by_training(folder: Path, scan_id: str) -> str:
    """The label that training reads of a slice, by what `training.train --data` reads folders with."""
    read_data = pytest.importorskip("training.datasets.splits").read_data
    [sample] = [sample for sample in read_data(folder) if sample.path.stem == scan_id]
    return str(sample.label)


def test_the_commands_do_the_same(stack: LocalStack, folder: Path, tmp_path: Path) -> None:
    table, bucket = ("--table", stack.table_name), ("--bucket", stack.results_bucket)
    to = ("--to", stack.uploads_bucket, *table, "--results", stack.results_bucket, "--state", str(tmp_path / "state"))
    for other in sorted(folder.glob("series*"))[1:]:
        shutil.rmtree(other)  # the page brings all four
    sent = CliRunner().invoke(app, ["upload", str(folder), *to])
    assert sent.exit_code == 1, "the letter is no image"
    assert "not sent" in sent.output
    stack.drain(timeout_s=200)
    listed = run("studies", *table).output
    assert "glioma" in listed
    [scan] = run("results", *table, "--finding", "glioma", "--format", "json", "--limit", "1").output.splitlines()
    scan_id = re.findall('"scan_id":"([0-9a-f]{32})"', scan)[0]
    run("review", scan_id, *table, "--correct", "meningioma")
    out = tmp_path / "corrections"
    run("export", "corrections", *table, *bucket, "--out", str(out))
    assert _read_by_training(out, scan_id) == "meningioma"
