"""The worklist page does what a reader needs: find, look, judge, and find again; at a desk and on a phone."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from brainscan.domain import Delivery, DeliveryState, Reason
from brainscan.store import Table
from brainscan_local.phantom import head, to_png
from brainscan_local.stack import LocalStack
from tests.browser.conftest import READER, keeps_somebody_out, violations
from tests.making import NOON, present, zipped

A_PAGE = 50
"""Rows that a list shows at once."""
VIEWS = ("list", "scan", "series", "exports", "statistics")


def scans(page: Page, query: str = "") -> list[dict[str, Any]]:
    """What the API answers."""
    return page.evaluate(f"fetch('/v1/scans?limit=200&{query}').then(answer => answer.json())")["items"]


def with_mask(page: Page) -> dict[str, Any]:
    """A scan with something to look at, not reviewed yet."""
    return next(scan for scan in scans(page) if scan["tumor"] and scan["predicted"] and not scan["review"])


def open_view(page: Page, view: str) -> None:
    """Go to one of the page's views."""
    if view == "scan":
        page.goto(f"/?scan={with_mask(page)['scan_id']}")
    elif view == "series":
        listed = page.evaluate("fetch('/v1/series?from=2020-01-01').then(answer => answer.json())")["items"]
        # Other tests send series, too: the one of this tier has the most slices.
        with_lesion = [each for each in listed if each["lesion_count"]]
        largest = max(with_lesion, key=lambda each: int(each["slices_analyzed"]) + int(each["slices_abstained"]))
        page.goto(f"/?series={largest['series_id']}")
    else:
        page.goto("/?list=scans" if view == "list" else f"/?{view}")
    page.locator("main:not([aria-busy]) h1").wait_for()


def rows(page: Page) -> Any:
    return page.locator("table.worklist tbody tr")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_for_everybody_fits_and_says_what_it_is_for(page: Page, view: Any) -> None:
    open_view(page, view)
    assert keeps_somebody_out(page) == []
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(page.get_by_role("note").first).to_be_in_viewport()
    expect(page.get_by_role("note").first).to_have_text("Research use only. Not a medical device.")


def test_the_list_of_keys_is_for_everybody(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert keeps_somebody_out(page) == []


def test_a_target_too_small_to_hit_is_found(page: Page) -> None:
    page.evaluate("""() => document.querySelector(".filter").after(...[1, 2].map(() => {
        const link = Object.assign(document.createElement("a"), { href: "/", textContent: "a" });
        Object.assign(link.style, { display: "block", width: "9px", height: "9px" });
        return link;
    }))""")
    assert {rule for rule, _ in violations(page)} == {"target-size"}


def test_keys_of_a_single_character_can_be_switched_off(page: Page) -> None:
    scan = with_mask(page)
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Keys of a single character").uncheck()
    page.goto(f"/?scan={scan['scan_id']}")
    page.get_by_role("button", name="Reject").wait_for()
    for key in ("x", "m", "?", "u"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()
    expect(page.get_by_role("checkbox", name="Mask")).to_be_checked()
    page.goto("/")
    rows(page).first.wait_for()
    page.keyboard.press("ArrowDown")
    expect(rows(page).first.locator("a.open")).to_be_focused()
    [after] = [each for each in scans(page) if each["scan_id"] == scan["scan_id"]]
    assert not after["review"]


def test_an_upload_shows_its_progress_and_then_its_scans(page: Page, stack: LocalStack, tmp_path: Path) -> None:
    before = {scan["scan_id"] for scan in scans(page)}
    phantom = head(seed=41, lesion=None, slices=6)
    archive = tmp_path / "new.zip"
    archive.write_bytes(zipped({f"{n}.png": to_png(pixels) for n, pixels in enumerate(phantom.volume)}))
    page.goto("/?exports")
    page.get_by_role("heading", name="Uploads").wait_for()
    stack.upload(archive)
    stack.run_until(lambda: len(scans(page)) >= len(before) + 6, timeout_s=100)
    page.reload()
    newest = page.locator("li.export").first
    expect(newest).to_contain_text("6 of 6 scans have their outcome")
    expect(newest.get_by_role("progressbar")).to_have_js_property("value", 6)


def test_filters_live_in_the_address(page: Page) -> None:
    open_view(page, "list")
    page.get_by_label("Outcome").select_option("rejected")
    expect(page).to_have_url(re.compile("outcome=rejected"))
    expect(rows(page)).to_have_count(len(scans(page, "outcome=rejected")))
    page.reload()
    expect(page.get_by_label("Outcome")).to_have_value("rejected")
    page.go_back()
    expect(rows(page)).to_have_count(min(len(scans(page)), A_PAGE))


def test_the_mask_can_be_hidden_outlined_and_faded(page: Page) -> None:
    open_view(page, "scan")
    mask = page.locator("img.mask:not(.reader)")
    expect(mask).to_be_visible()
    page.get_by_label("Opacity").fill("80")
    assert mask.evaluate("each => each.style.opacity") == "0.8"
    page.get_by_label("Outline only").check()
    assert "mask-outline" in mask.evaluate("each => each.style.filter")
    page.get_by_role("checkbox", name="Mask").uncheck()
    expect(mask).to_be_hidden()


@pytest.mark.both_widths
def test_the_image_zooms_and_pans_with_its_mask(page: Page) -> None:
    open_view(page, "scan")
    page.get_by_role("button", name="Zoom in").click()
    page.locator(".frame").press("ArrowLeft")
    transform = page.locator(".stage").evaluate("each => each.style.transform")
    assert "scale(1.4)" in transform
    assert "translate(10%" in transform
    page.get_by_role("button", name="Fit").click()
    assert "scale(1)" in page.locator(".stage").evaluate("each => each.style.transform")


def test_a_confirmed_finding_is_found_under_the_new_filter(page: Page) -> None:
    scan = with_mask(page)
    page.goto(f"/?scan={scan['scan_id']}")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text(f"confirmed by {READER}")).to_be_visible()
    open_view(page, "list")
    page.locator("select[name=review]").select_option("confirmed")
    expect(page.locator(f"a[href='/?scan={scan['scan_id']}']")).to_be_visible()


def test_a_review_of_what_another_reader_has_changed_is_refused(page: Page) -> None:
    scan = with_mask(page)
    page.goto(f"/?scan={scan['scan_id']}")
    page.get_by_role("button", name="Reject").wait_for()
    review = f"""fetch('/v1/scans/{scan["scan_id"]}/reviews', {{method: 'POST', headers: {{'Content-Type':
        'application/json'}}, body: '{{"verdict": "confirmed", "revision": 0}}'}}).then(answer => answer.status)"""
    assert page.evaluate(review) == 201
    vars(page)["expected_complaints"] = [
        "Failed to load resource: the server responded with a status of 409 (Conflict)"
    ]
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("alert")).to_contain_text("has changed")


def test_a_series_scrolls_and_jumps_to_its_key_slice(page: Page) -> None:
    open_view(page, "series")
    caption = page.locator(".caption strong")
    page.get_by_label("Slice", exact=True).fill("1")
    expect(caption).to_have_text("1 / 12")
    page.keyboard.press("j")
    page.locator(".frame").hover()
    page.mouse.wheel(0, 100)
    expect(caption).not_to_have_text("1 / 12")
    key = page.get_by_role("button", name="Key slice")
    key.click()
    expect(caption).to_have_text(f"{key.inner_text().split()[-1]} / 12")
    expect(page.locator(".strip-chart rect.strip")).to_have_count(12)


def test_a_series_says_whether_its_report_is_in_the_pacs(page: Page, stack: LocalStack) -> None:
    open_view(page, "series")
    line = page.locator(".delivery")
    expect(line).to_have_count(0)
    reports = Table.over(stack.client("dynamodb"), stack.table_name).reports
    report = present(reports.latest(page.url.rpartition("=")[2]))
    failed = Delivery(state=DeliveryState.FAILED, at=NOON, reason=Reason.RETRIES_EXHAUSTED)
    delivered = Delivery(state=DeliveryState.DELIVERED, at=NOON, objects=3)
    for delivery, words in ((failed, "not in the PACS: retries exhausted"), (delivered, "In the PACS: 3 objects")):
        assert reports.put_delivery(report.series_id, report.revision, delivery)
        page.reload()
        expect(line).to_contain_text(words)
    assert keeps_somebody_out(page) == []


def test_all_can_be_done_without_a_mouse(page: Page) -> None:
    open_view(page, "list")
    rows(page).first.wait_for()
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.getAttribute('href')")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.getAttribute('href')") != first
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(re.escape(first)))
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.keyboard.press("m")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()
    page.keyboard.press("f")
    assert page.evaluate("document.activeElement.name") == "finding"
