"""Files that a reader drops on the page come into the stack; each that was not analyzed is named with its reason."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from brainscan_local.stack import LocalStack
from tests.browser.conftest import dropped
from tests.making import zipped

TRIES = 5
"""How often the page tries a part before it waits for the reader."""

QUICK = "const slow = setTimeout; window.setTimeout = (act, ms, ...more) => slow(act, ms / 10, ...more)"
"""The page waits a tenth as long as it says between tries and questions."""

UNREACHED = "Failed to load resource: net::ERR_FAILED"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A medium: a short series in a folder of its own, a picture that is broken, a letter, and an index."""
    root = tmp_path / "medium"
    (root / "series").mkdir(parents=True)
    for number, data in enumerate(to_dicom(head(seed=31, lesion=GLIOMA, slices=4), "DROPPED")):
        (root / "series" / f"IM{number}").write_bytes(data)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (root / "letter.txt").write_text("no image")
    (root / "DICOMDIR").write_bytes(b"index")
    return root


@pytest.fixture
def uploads(page: Page) -> Page:
    """The view that takes files."""
    page.add_init_script(QUICK)
    page.goto("/?exports")
    page.get_by_role("heading", name="Uploads").wait_for()
    return page


def choose(page: Page, label: str, *paths: Path) -> Locator:
    """Choose files or a folder; the row that tells of them."""
    page.get_by_label(label, exact=True).set_input_files(list(paths))
    return page.get_by_role("list", name="From this page").get_by_role("listitem").first


def followed(stack: LocalStack, row: Locator, text: str | re.Pattern[str]) -> None:
    """Until the row says so, however busy the machine is."""
    expect(row).to_contain_text(text, timeout=150_000)
    stack.check()


def test_a_folder_that_is_dropped_is_analyzed_and_tells_what_was_not(
    uploads: Page, stack: LocalStack, folder: Path
) -> None:
    dropped(uploads, folder)
    row = uploads.get_by_role("list", name="From this page").get_by_role("listitem").first
    followed(stack, row, re.compile(r"\d files? analyzed, \d not"))
    lines = row.get_by_role("list", name="Not analyzed").get_by_role("listitem").all_inner_texts()
    told = {line.split(": ")[1]: line for line in lines}
    assert told["medium/DICOMDIR"] == "not sent: medium/DICOMDIR: index of the medium, no image"
    assert told["medium/letter.txt"] == "skipped: medium/letter.txt: not an image"
    assert told["medium/broken.png"].startswith("rejected: medium/broken.png: ")
    assert {path for path in told if "/IM" in path} <= {f"medium/series/IM{n}" for n in range(4)}
    row.get_by_role("link").click()
    expect(uploads.locator("table.studies tbody tr")).to_have_count(1)


def test_nothing_is_said_to_be_without_names(uploads: Page) -> None:
    field = uploads.get_by_role("region", name="Add scans")
    expect(field).to_contain_text("nothing is de-identified in the browser")
    expect(field).to_contain_text("brainscan upload --deidentify")


def test_archives_and_files_go_side_by_side_and_the_view_can_be_left(
    uploads: Page, stack: LocalStack, tmp_path: Path
) -> None:
    pixels = head(seed=32, lesion=None, slices=3).volume
    archive, loose = tmp_path / "some.zip", tmp_path / "loose.png"
    archive.write_bytes(zipped({"a.png": to_png(pixels[0]), "b.png": b"\x89PNG\r\n\x1a\nbroken"}))
    loose.write_bytes(to_png(pixels[1]))
    choose(uploads, "Files", archive, loose)
    uploads.get_by_role("link", name="Statistics").click()
    uploads.get_by_role("heading", name="Statistics").wait_for()
    uploads.get_by_role("link", name="Uploads").click()
    row = uploads.get_by_role("list", name="From this page").get_by_role("listitem").first
    followed(stack, row, re.compile(r"\d files? analyzed, \d not"))
    expect(row).to_contain_text(re.compile("rejected: some.zip, file 2: "))


def test_who_may_not_upload_is_told_so(uploads: Page, folder: Path) -> None:
    def refuse(route: Route) -> None:
        route.fulfill(status=403, content_type="application/json", body='{"message": "Forbidden"}')

    uploads.route("**/v1/uploads", refuse)
    uploads.expected_complaints = [  # type: ignore[attr-defined]
        "Failed to load resource: the server responded with a status of 403 (Forbidden)"
    ]
    row = choose(uploads, "Files", folder / "broken.png")
    expect(row).to_contain_text("not sent: broken.png: you may not upload here")
    expect(row).to_contain_text("0 files analyzed, 1 not.")


def test_an_upload_that_is_cut_off_goes_on_where_it_stopped(uploads: Page, stack: LocalStack, tmp_path: Path) -> None:
    picture = tmp_path / "cut.png"
    picture.write_bytes(to_png(head(seed=33, lesion=None, slices=3).volume[1]))
    begun: list[str] = []
    uploads.on("request", lambda asked: begun.append(asked.url) if asked.url.endswith("/v1/uploads") else None)
    parts = re.compile(r"partNumber=")
    uploads.route(parts, lambda route: route.abort())
    uploads.expected_complaints = [UNREACHED] * TRIES  # type: ignore[attr-defined]
    row = choose(uploads, "Files", picture)
    expect(row).to_contain_text("Cut off: The bucket cannot be reached. What has arrived is kept.", timeout=90_000)
    uploads.unroute(parts)
    row.get_by_role("button", name="Go on").click()
    followed(stack, row, re.compile(r"\d files? analyzed, \d not"))
    assert len(begun) == 1


def test_an_upload_that_is_given_up_leaves_nothing(uploads: Page, stack: LocalStack, tmp_path: Path) -> None:
    picture = tmp_path / "given-up.png"
    picture.write_bytes(to_png(head(seed=34, lesion=None, slices=3).volume[1]))
    uploads.route(re.compile("partNumber="), lambda route: route.abort())
    uploads.expected_complaints = [UNREACHED] * TRIES  # type: ignore[attr-defined]
    row = choose(uploads, "Files", picture)
    row.get_by_role("button", name="Go on").wait_for(timeout=90_000)
    row.get_by_role("button", name="Give up").click()
    expect(row).to_contain_text("not sent: given-up.png: given up")
    assert "Uploads" not in stack.client("s3").list_multipart_uploads(Bucket=stack.uploads_bucket)


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(uploads: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.nii"
    with large.open("wb") as file:
        file.truncate(256 * 1024**2 + 1)
    uploads.expected_complaints = [  # type: ignore[attr-defined]
        "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
    ]
    row = choose(uploads, "Files", large)
    expect(row).to_contain_text("not sent: large.nii: a file may have 268435456 bytes at most")
