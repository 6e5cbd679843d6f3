"""The DICOM viewer shows a series with its SEG: on the right voxels, slice by slice, as the reader wants it."""

import io
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from pydicom import dcmread

from brainscan.api.page import STATIC
from tests.browser.conftest import keeps_somebody_out, looking
from tests.browser.test_page import open_view
from tests.making import present

pytestmark = pytest.mark.skipif(
    not (STATIC / "vendor/niivue.js").is_file(), reason="the DICOM viewer is not built: make page"
)

SMALL: Any = {"width": 640, "height": 600}

INSIDE = np.s_[8:-8, 8:-8]
"""Of a picture of the canvas: without the page's round corners, whose edges are not drawn alike each time."""

VALUES_UNDER_THE_MASK = """canvas => {
    const { viewer } = canvas;
    const [shown, mask] = viewer.volumes;
    const [, columns, rows] = mask.hdr.dims;
    const values = [];
    mask.img.forEach((label, at) => {
        if (!label) return;
        const place = [at % columns, Math.floor(at / columns) % rows, Math.floor(at / columns / rows), 1];
        const mm = mask.hdr.affine.map(row => row.reduce((sum, each, axis) => sum + each * place[axis], 0));
        values.push(shown.getValue(...viewer.frac2vox(viewer.mm2frac(mm))));
    });
    return values;
}"""

AS_IT_OPENED = """dialog => {
    const labels = [...dialog.querySelectorAll("label")];
    const named = (name) => labels.find((label) => label.textContent.trim() === name).control;
    if (!named("Mask").checked) named("Mask").click();
    named("Opacity").value = "45";
    named("Opacity").dispatchEvent(new Event("input", { bubbles: true }));
    [...dialog.querySelectorAll("button")].find((button) => button.textContent === "Reset").click();
}"""
"""At once: an action of playwright's waits for frames, each of which is drawn in software."""

MARKS_OF_SLICES = """canvas => {
    const mask = canvas.viewer.volumes[1];
    const [, columns, rows, slices] = mask.hdr.dims;
    const counts = new Array(slices).fill(0);
    mask.img.forEach((label, at) => { counts[Math.floor(at / columns / rows)] += label > 0; });
    return counts;
}"""


@pytest.fixture(scope="module")
def opened(chromium: Browser, address: str) -> Iterator[Locator]:
    """The viewer's dialog, ready, over the series with the lesion; opened once, since it takes long."""
    with looking(chromium, address) as page:
        page.set_viewport_size(SMALL)  # each frame is drawn in software
        open_view(page, "series")
        draw_as_the_network(page)
        page.get_by_role("button", name="Open in the DICOM viewer").click()
        dialog = page.get_by_role("dialog", name="DICOM viewer")
        dialog.locator("canvas[data-ready]").wait_for(timeout=120_000)  # 4 MB, compiled and drawn in software
        yield dialog
        dialog.get_by_role("button", name="Close").click()
        expect(dialog).to_be_hidden()


def draw_as_the_network(page: Page) -> None:
    """Give a slice of the series' mask, not the largest, a reader's mask that is the network's."""
    scan = sorted(masked_slices(page), key=lambda each: int(each["tumor"]["area_px"]))[-2]
    [mask] = [link["url"] for link in scan["links"] if link["name"] == "mask"]
    place = f"/v1/scans/{scan['scan_id']}/mask?revision={scan['revision']}&class={scan['finding']}"
    put = f"""fetch('{mask}').then(answer => answer.blob())
        .then(body => fetch('{place}', {{method: 'PUT', headers: {{'Content-Type': 'image/png'}}, body}}))
        .then(answer => answer.status)"""
    assert page.evaluate(put) == 200


@pytest.fixture
def viewer(opened: Locator) -> Iterator[Locator]:
    """The viewer as it opens."""
    yield opened
    opened.evaluate(AS_IT_OPENED)
    drawn(opened)


def fetched(links: list[dict[str, Any]], name: str) -> bytes:
    [url] = [link["url"] for link in links if link["name"] == name]
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own stack
        return answer.read()


def masked_slices(page: Page) -> list[dict[str, Any]]:
    """The slices whose masks the series' SEG has: those with a tumor that count."""
    series_id = page.url.rpartition("=")[2]
    series = page.evaluate(f"fetch('/v1/series/{series_id}').then(answer => answer.json())")
    slices = page.evaluate(f"fetch('/v1/series/{series_id}/scans').then(answer => answer.json())")["items"]
    counted = {
        each["scan_id"] for each in json.loads(fetched(series["links"], "series.json"))["slices"] if each["counted"]
    }
    return [each for each in slices if each["tumor"] and each["scan_id"] in counted]


def tumor_pixels(page: Page) -> list[int]:
    """What the uploaded DICOM files have where the slices that count have their masks."""
    values: list[int] = []
    for each in masked_slices(page):
        mask = np.asarray(Image.open(io.BytesIO(fetched(each["links"], "mask"))))
        values += dcmread(io.BytesIO(fetched(each["links"], "source"))).pixel_array[mask > 0].tolist()
    return values


def drawn(viewer: Locator) -> None:
    """Until the canvas shows what was asked for: it is drawn in the next frame."""
    frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    viewer.page.evaluate(frame)


def state(viewer: Locator, of: str) -> Any:
    """Something of niivue's."""
    return viewer.locator("canvas").evaluate(f"({{ viewer }}) => {of}")


def shot(viewer: Locator) -> np.ndarray:
    """(height, width, 3) of what the canvas shows."""
    return np.asarray(Image.open(io.BytesIO(viewer.locator("canvas").screenshot())).convert("RGB"))


def coloured(viewer: Locator) -> int:
    """Pixels that are not gray: the mask."""
    drawn(viewer)
    pixels = shot(viewer).astype(int)
    return int((pixels[..., 0] - pixels[..., 2] > 30).sum())


def test_the_viewer_is_for_everybody_and_fits(viewer: Locator) -> None:
    assert keeps_somebody_out(viewer.page) == []
    viewer.page.set_viewport_size(SMALL)


def test_the_mask_lies_on_the_very_voxels_that_it_was_made_from(viewer: Locator) -> None:
    found = viewer.locator("canvas").evaluate(VALUES_UNDER_THE_MASK)
    assert len(found) > 100
    assert sorted(found) == sorted(tumor_pixels(viewer.page))


def test_the_mask_opens_at_its_largest_slice_and_moves_with_the_slices(viewer: Locator) -> None:
    opened = coloured(viewer)
    slider = viewer.get_by_role("slider", name="Slice")
    seen = []
    for number in range(1, 13):
        slider.fill(str(number))
        expect(viewer.get_by_text(f"{number} / 12")).to_be_visible()
        seen.append(coloured(viewer))
    assert opened == max(seen) > 0
    marks = viewer.locator("canvas").evaluate(MARKS_OF_SLICES)
    assert len({*seen}) > 1
    assert [count > 0 for count in seen] in ([count > 0 for count in marks], [count > 0 for count in marks[::-1]])
    viewer.locator("canvas").focus()
    viewer.page.keyboard.press("k")
    expect(viewer.get_by_text("11 / 12")).to_be_visible()
    viewer.locator("canvas").hover()
    viewer.page.mouse.wheel(0, -100)
    expect(viewer.get_by_text("11 / 12")).to_be_hidden()


def test_the_mask_can_be_hidden_outlined_and_faded(viewer: Locator) -> None:
    filled = coloured(viewer)
    viewer.get_by_label("Outline only").check()
    assert 0 < coloured(viewer) < filled
    viewer.page.keyboard.press("o")
    assert coloured(viewer) == filled
    faint = shot(viewer)
    viewer.get_by_label("Opacity").fill("90")
    coloured(viewer)
    assert shot(viewer)[..., 2].sum() < faint[..., 2].sum()  # orange has no blue
    viewer.page.keyboard.press("m")
    expect(viewer.get_by_role("checkbox", name="Mask")).not_to_be_checked()
    assert coloured(viewer) == 0


def test_a_drag_changes_the_window_and_leaves_the_mask(viewer: Locator) -> None:
    canvas = viewer.locator("canvas")
    expect(viewer.get_by_role("note")).to_be_visible()
    window = viewer.locator("p[role=status]")
    told, before, mask = window.inner_text(), shot(viewer), coloured(viewer)
    box = present(canvas.bounding_box())
    page = viewer.page
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.45, steps=4)
    page.mouse.up()
    assert window.inner_text() != told
    assert coloured(viewer) > mask * 0.8
    assert not np.array_equal(shot(viewer), before)


READERS_MARKS = """canvas => {
    const [, network, reader] = canvas.viewer.volumes;
    const [, columns, rows] = reader.hdr.dims;
    const marked = [...reader.img.keys()].filter((at) => reader.img[at]);
    return { count: marked.length, inside: marked.every((at) => network.img[at] > 0),
        slices: [...new Set(marked.map((at) => Math.floor(at / columns / rows)))] };
}"""


def test_what_a_reader_drew_is_outlined_where_it_was_drawn(viewer: Locator) -> None:
    found = viewer.locator("canvas").evaluate(READERS_MARKS)
    assert found["count"] > 20
    assert found["inside"]
    assert len(found["slices"]) == 1
    expect(viewer.locator("p[role=status]")).to_contain_text("Outlined in blue: what readers drew.")
    viewer.page.keyboard.press("m")
    assert state(viewer, "viewer.volumes[2].opacity") == 0


ZOOM, AT = "viewer.scene.pan2Dxyzmm[3]", "[...viewer.scene.pan2Dxyzmm].slice(0, 3)"


def test_it_zooms_by_button_key_and_fingers_and_is_moved(viewer: Locator) -> None:
    viewer.get_by_role("button", name="Zoom in").click()
    viewer.page.keyboard.press("+")
    assert state(viewer, ZOOM) == pytest.approx(1.4**2)
    viewer.get_by_label("Drag to").select_option("move")
    window, before = state(viewer, "viewer.volumes[0].cal_max"), state(viewer, AT)
    box = present(viewer.locator("canvas").bounding_box())
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    viewer.page.mouse.move(x, y)
    viewer.page.mouse.down()
    viewer.page.mouse.move(x + 60, y, steps=4)
    viewer.page.mouse.up()
    moved = state(viewer, AT)
    assert moved != before
    assert state(viewer, "viewer.volumes[0].cal_max") == window
    viewer.get_by_role("button", name="Fit").click()
    client = viewer.page.context.new_cdp_session(viewer.page)
    for kind, apart in (("touchStart", 40), ("touchMove", 80), ("touchMove", 120), ("touchEnd", 0)):
        points = [{"x": x + sign * apart, "y": y} for sign in (-1, 1)] if apart else []
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert state(viewer, ZOOM) == pytest.approx(3, rel=0.05)
    viewer.page.keyboard.press("0")
    assert (state(viewer, ZOOM), state(viewer, AT)) == (1, [0, 0, 0])


def test_presets_change_the_window_and_reset_brings_it_back(viewer: Locator) -> None:
    opened, gray = viewer.locator("p[role=status]").inner_text(), shot(viewer)
    seen = set()
    for name in ("soft", "high contrast", "full range", "inverted"):
        viewer.get_by_label("Window").select_option(name)
        drawn(viewer)
        seen.add(shot(viewer).tobytes())
    assert len(seen | {gray.tobytes()}) == 5
    viewer.get_by_role("button", name="Reset").click()
    drawn(viewer)
    assert viewer.locator("p[role=status]").inner_text() == opened
    assert np.array_equal(shot(viewer)[INSIDE], gray[INSIDE])


def test_three_planes_stand_side_by_side_and_meet_where_one_points(viewer: Locator) -> None:
    one = state(viewer, "viewer.screenSlices.length")
    viewer.get_by_label("Planes").select_option("three planes")
    drawn(viewer)
    assert (one, state(viewer, "viewer.screenSlices.length")) == (1, 3)
    assert sorted(state(viewer, "viewer.screenSlices.map(each => each.axCorSag)")) == [0, 1, 2]
    assert coloured(viewer) > 0
    before = state(viewer, "[...viewer.scene.crosshairPos]")
    left, top, width, height = state(viewer, "[...viewer.screenSlices[1].leftTopWidthHeight]")
    ratio = state(viewer, "viewer.uiData.dpr")
    viewer.locator("canvas").click(position={"x": (left + width * 0.3) / ratio, "y": (top + height * 0.4) / ratio})
    assert state(viewer, "[...viewer.scene.crosshairPos]") != before
    viewer.page.keyboard.press("p")
    assert state(viewer, "viewer.screenSlices.length") == 1


def test_a_drag_with_the_ruler_leaves_a_distance_in_millimetres(viewer: Locator) -> None:
    viewer.page.keyboard.press("r")
    box = present(viewer.locator("canvas").bounding_box())
    y = box["y"] + box["height"] / 2
    ends = [box["width"] * share for share in (0.45, 0.55)]
    viewer.page.mouse.move(box["x"] + ends[0], y)
    viewer.page.mouse.down()
    viewer.page.mouse.move(box["x"] + ends[1], y, steps=4)
    viewer.page.mouse.up()
    place = (
        f"at => [...viewer.screenXY2mm(at * viewer.uiData.dpr, {box['height'] / 2} * viewer.uiData.dpr)].slice(0, 3)"
    )
    first, last = state(viewer, f"[{ends[0]}, {ends[1]}].map({place})")
    [measured] = state(viewer, "viewer.document.completedMeasurements")
    assert measured["distance"] == pytest.approx(np.linalg.norm(np.subtract(first, last)[:3]), rel=0.02)
    viewer.get_by_role("button", name="Reset").click()
    assert state(viewer, "viewer.document.completedMeasurements") == []
