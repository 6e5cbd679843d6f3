"""A running stack with its page, and Debian's Chromium to look at it with."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pydicom import dcmread

from brainscan.cli.serve import page as serving_page
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from brainscan_local.stack import LocalStack
from tests.making import present, zipped

CHROMIUM = shutil.which("chromium")
WIDTHS = (1280, 390)
"""A desk and a phone, in CSS pixels."""

HEIGHT = 860

READER = "Dr. Reader"

CHECKED: Final = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}
"""All that axe knows of WCAG 2.2, levels A and AA; the size of targets it leaves out unless told."""

expect.set_options(timeout=30_000)


def violations(page: Page) -> list[tuple[str, str]]:
    """What axe finds against the view that is open: the rule, and the element that breaks it."""
    found = Axe().run(page, options=CHECKED).response["violations"]
    return [(each["id"], node["html"]) for each in found for node in each["nodes"]]


def keeps_somebody_out(page: Page) -> list[tuple[str, str]]:
    """What axe finds against the view that is open, at a desk and on a phone; and whether it is wider than either."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += violations(page)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(("wider than the window", str(width)))
    return found


def dropped(page: Page, path: Path) -> None:
    """Drag a folder of this machine onto the page, as a file manager does."""
    box = present(page.get_by_role("region", name="Add scans").bounding_box())
    devtools = page.context.new_cdp_session(page)
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 8}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        devtools.send("Input.dispatchDragEvent", {"type": kind, **place, "data": data})


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """The laptop stack after one upload: studies of one and of two series, loose images, and one that is broken."""
    phantom = head(seed=7, lesion=GLIOMA, slices=12)
    files = {f"series/{number}": data for number, data in enumerate(to_dicom(phantom))}
    files |= {f"study/{number}": data for number, data in enumerate(_study_of_two_series())}
    files |= {f"loose/{place}.png": to_png(phantom.volume[place]) for place in (2, 5, 8)}
    archive = tmp_path_factory.mktemp("upload") / "export.zip"
    archive.write_bytes(zipped(files | {"broken.png": b"\x89PNG\r\n\x1a\nbroken"}))
    with LocalStack() as stack:
        stack.upload(archive)
        stack.drain(timeout_s=300)
        yield stack


def _study_of_two_series() -> list[bytes]:
    """A study in which one series shows a lesion and the other does not."""
    ill = to_dicom(head(seed=8, lesion=GLIOMA, slices=12), "TWO")
    well = to_dicom(head(seed=9, lesion=None, slices=12, contrast=False), "TWO")
    study = dcmread(io.BytesIO(ill[0])).StudyInstanceUID
    for place, data in enumerate(well):
        image = dcmread(io.BytesIO(data))
        image.StudyInstanceUID = study
        out = io.BytesIO()
        image.save_as(out)
        well[place] = out.getvalue()
    return [*ill, *well]


@pytest.fixture(scope="session")
def address(stack: LocalStack) -> Iterator[str]:
    """Where the page is."""
    with serving_page(READER) as address:
        yield address


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, drawing in software."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that is marked `both_widths` looks at the page at a desk and on a phone; any other, at a desk."""
    if "page" in metafunc.fixturenames:
        widths = WIDTHS if metafunc.definition.get_closest_marker("both_widths") else WIDTHS[:1]
        metafunc.parametrize("page", widths, indirect=True, ids=lambda width: f"{width}px")


@pytest.fixture
def page(request: pytest.FixtureRequest, chromium: Browser, address: str) -> Iterator[Page]:
    """A fresh page, on the worklist; whatever it complains of on the console fails the test."""
    with looking(chromium, address, request.param) as page:
        yield page


@contextmanager
def looking(chromium: Browser, address: str, width: int = WIDTHS[0]) -> Iterator[Page]:
    """A page in a browser of its own, on the worklist; what it complains of on the console is an error in the end."""
    context = chromium.new_context(viewport={"width": width, "height": HEIGHT}, base_url=address)
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/")
    page.get_by_role("heading", name="Worklist").wait_for()
    yield page
    context.close()
    assert complaints == getattr(page, "expected_complaints", [])
