"""A reader draws masks on the slices of a series, by pointer, finger and keys; they are kept beside the network's."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import keeps_somebody_out
from tests.browser.test_studies import answer, disagreeing
from tests.making import present


def slices(page: Page) -> list[dict[str, Any]]:
    """The slices of the series that the study of two rests on."""
    return answer(page, f"series/{disagreeing(page)['rests_on']}/scans?limit=200")["items"]


def mask(page: Page, scan: dict[str, Any], name: str) -> np.ndarray:
    """One of a scan's masks, True on tumor."""
    [url] = [each["url"] for each in scan["links"] if each["name"] == name]
    return np.asarray(Image.open(io.BytesIO(page.request.get(url).body()))) > 0


@pytest.fixture
def drawing(page: Page) -> Iterator[Page]:
    """The series, with the brush in hand."""
    page.goto(f"/?series={disagreeing(page)['rests_on']}")
    page.locator("main:not([aria-busy]) .frame").wait_for()
    page.keyboard.press("d")
    expect(page.locator("canvas.drawn")).to_be_visible()
    yield page
    while not page.locator("#undo").is_hidden():  # as it was, for the tests that follow
        page.keyboard.press("Escape")
        page.locator("#undo button").click()
        expect(page.locator("#undo")).to_be_hidden()


def now(page: Page) -> int:
    """The slice that is shown, counted from 0."""
    return int(page.locator(".caption strong").inner_text().split(" /")[0]) - 1


def drag(page: Page, *shares: tuple[float, float]) -> None:
    """A stroke over the frame, through points in shares of its width and height."""
    box = present(page.locator(".frame").bounding_box())
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in shares]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point, steps=5)
    page.mouse.up()


def test_a_stroke_on_two_slices_becomes_the_readers_masks_and_leaves_the_networks(drawing: Page) -> None:
    page = drawing
    before, first = slices(page), now(page)
    page.get_by_role("button", name="Clear").click()
    drag(page, (0.45, 0.5), (0.55, 0.5))
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Draw mask")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("canvas.drawn")).to_be_visible()
    page.keyboard.press("Delete")
    drag(page, (0.5, 0.45), (0.5, 0.55))
    page.get_by_role("button", name="Save 2 slices").click()
    expect(page.locator("#undo")).to_contain_text("2 masks saved as yours")
    after = slices(page)
    wide, high = mask(page, after[first], "reader_mask"), mask(page, after[first + 1], "reader_mask")
    assert wide.shape == (after[first]["rows"], after[first]["columns"])
    (rows, columns), (more_rows, fewer) = (np.ptp(np.nonzero(each), axis=1) for each in (wide, high))
    assert columns > 2 * rows
    assert more_rows > 2 * fewer
    middle = np.mean(np.nonzero(wide), axis=1) / wide.shape
    assert np.allclose(middle, 0.5, atol=0.03)
    assert np.array_equal(mask(page, after[first], "mask"), mask(page, before[first], "mask"))
    assert after[first]["review"]["verdict"] == "confirmed"
    page.keyboard.press("d")
    expect(page.locator("img.mask.reader")).to_be_visible()
    expect(page.get_by_text("reader's mask")).to_be_visible()


def test_the_keys_alone_draw_undo_erase_and_save(drawing: Page) -> None:
    page = drawing
    first = now(page)
    page.keyboard.press("Delete")
    for key in ("ArrowRight", "Space", "ArrowLeft", "ArrowLeft", "Space", "z", "z"):
        page.keyboard.press(key)
    for key in ("[", "Space", "s"):
        page.keyboard.press(key)
    expect(page.locator("#undo")).to_contain_text("1 mask saved as yours")
    drawn = mask(page, slices(page)[first], "reader_mask")
    assert np.isclose(drawn.sum(), np.pi * 5**2, rtol=0.1)
    expect(page.locator("canvas.drawn")).to_be_visible()
    page.keyboard.press("e")
    page.keyboard.press("]")
    page.keyboard.press("Space")
    expect(page.get_by_text("this one is empty: no tumor")).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator(".caption")).to_contain_text("no tumor")
    assert slices(page)[first]["finding"] == "no_tumor"
    page.locator("#undo button").click()
    expect(page.locator("#undo")).to_be_hidden()
    history = answer(page, f"scans/{slices(page)[first]['scan_id']}/reviews")["items"]
    assert history[-1]["verdict"] == "withdrawn"


def test_a_finger_paints_and_does_not_move_the_picture(drawing: Page) -> None:
    page = drawing
    page.keyboard.press("Delete")
    box = present(page.locator(".frame").bounding_box())
    client = page.context.new_cdp_session(page)
    y = box["y"] + box["height"] / 2
    for kind, share in (("touchStart", 0.4), ("touchMove", 0.5), ("touchMove", 0.6), ("touchEnd", None)):
        points = [{"x": box["x"] + share * box["width"], "y": y}] if share else []
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    expect(page.get_by_text("1 mask drawn, not saved yet")).to_be_visible()
    assert page.locator(".stage").evaluate("each => each.style.transform") in ("", "translate(0%, 0%) scale(1)")
    pixels = "each => [...each.getContext('2d').getImageData(0, 0, each.width, each.height).data]"
    assert np.count_nonzero(page.locator("canvas.drawn").evaluate(pixels)[3::4]) > 300


def test_drawing_keeps_nobody_out_and_fits(drawing: Page) -> None:
    assert keeps_somebody_out(drawing) == []
