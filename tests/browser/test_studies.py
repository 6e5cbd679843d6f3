"""Studies come first on the page: listed, counted, judged by key and on to the next, found again as they were left."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import READER, keeps_somebody_out
from tests.making import present

PAPER: Any = {"width": 703, "height": 1032}
"""What margins leave of A4, in CSS pixels."""

VIEWS = ("studies", "series", "scans", "study", "queue", "patient", "agreement", "missing")


def answer(page: Page, path: str) -> dict[str, Any]:
    """What the API answers."""
    return page.evaluate(f"fetch('/v1/{path}').then(answer => answer.json())")


def studies(page: Page, query: str = "") -> list[dict[str, Any]]:
    return answer(page, f"studies?limit=200&from=2020-01-01&{query}")["items"]


def disagreeing(page: Page) -> dict[str, Any]:
    """The study of which two series say different things."""
    return next(each for each in studies(page) if len(each["series"]) > 1)


def wait_for_image(page: Page) -> None:
    """Until the image of the view is drawn; a function of the page would be one that its policy forbids."""
    image = page.locator(".frame img").first
    expect(image).to_have_attribute("src", re.compile("."))
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 0


def open_view(page: Page, view: str) -> None:
    """Go to one of the page's views."""
    addresses: dict[str, Callable[[], str]] = {
        "studies": lambda: "/",
        "series": lambda: "/?list=series",
        "scans": lambda: "/?list=scans&outcome=analyzed&sort=probability",
        "study": lambda: f"/?study={disagreeing(page)['study_id']}",
        "queue": lambda: "/?review=needed&sort=review",
        "patient": lambda: f"/?patient={disagreeing(page)['patient_id']}",
        "agreement": lambda: "/?agreement",
        "missing": lambda: f"/?study={'0' * 32}",
    }
    if view == "missing":
        vars(page)["expected_complaints"] = [
            "Failed to load resource: the server responded with a status of 404 (Not Found)"
        ] * 2
    page.goto(addresses[view]())
    page.locator("main:not([aria-busy]) h1").wait_for()


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_for_everybody_and_fits(page: Page, view: Any) -> None:
    open_view(page, view)
    assert keeps_somebody_out(page) == []


def test_studies_are_the_first_view_with_verdict_volume_and_why_to_look(page: Page) -> None:
    study = disagreeing(page)
    row = page.locator("table.studies tbody tr", has=page.locator(f"a[href='/?study={study['study_id']}']"))
    expect(row).to_contain_text("glioma")
    expect(row).to_contain_text(re.compile(r"\d (cm|mm)³"))
    expect(row).to_contain_text("series disagree")
    expect(row).to_contain_text("1 called otherwise")


def test_filters_show_how_many_they_have_and_live_in_the_address(page: Page) -> None:
    page.locator("form[data-counted]").wait_for()
    gliomas = len(studies(page, "finding=glioma"))
    expect(page.get_by_label("Class").locator("option[value=glioma]")).to_have_text(f"glioma ({gliomas})")
    page.get_by_label("Class").select_option("glioma")
    expect(page).to_have_url(re.compile("finding=glioma"))
    expect(page.locator("table.studies tbody tr")).to_have_count(gliomas)
    expect(page.get_by_label("Class")).to_be_focused()
    page.get_by_label("Order").select_option("volume")
    page.reload()
    expect(page.get_by_label("Order")).to_have_value("volume")
    page.go_back()
    expect(page.get_by_label("Order")).to_have_value("")


def test_filters_are_reached_and_chosen_by_keyboard(page: Page) -> None:
    page.locator("form[data-counted]").wait_for()
    page.keyboard.press("f")
    expect(page.get_by_label("Class")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page).to_have_url(re.compile("finding=glioma"))
    page.locator("main:not([aria-busy]) form").wait_for()
    expect(page.get_by_label("Class")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("select[name=review]")).to_be_focused()


def test_a_range_of_years_is_a_question_like_any_other(page: Page) -> None:
    page.get_by_label("Arrived from").fill("2001-01-01")
    expect(page).to_have_url(re.compile("from=2001-01-01"))
    expect(page.locator("table.studies tbody tr")).to_have_count(len(studies(page)))
    expect(page.get_by_role("form", name="Filters")).to_be_visible()


def test_a_study_names_the_series_it_rests_on_and_leads_to_it(page: Page) -> None:
    study = disagreeing(page)
    page.goto(f"/?study={study['study_id']}")
    table = page.get_by_role("region", name="Series of the study")
    expect(table).to_contain_text("the verdict rests on it")
    expect(table).to_contain_text("called otherwise")
    expect(page.get_by_role("region", name="Lesions")).to_contain_text("³")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile(f"series={study['rests_on']}"))


def test_who_comes_back_finds_the_list_as_it_was_left(page: Page) -> None:
    page.goto("/?list=scans")
    page.locator("table.scans tbody tr").first.wait_for()
    for _ in range(9):
        page.keyboard.press("j")
    before = page.evaluate("[document.activeElement.getAttribute('href'), scrollY]")
    page.keyboard.press("Enter")
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.keyboard.press("u")
    page.locator("table.scans tbody tr").first.wait_for()
    page.locator("main:not([aria-busy]) h1").wait_for()
    assert page.evaluate("[document.activeElement.getAttribute('href'), scrollY]") == before


def test_who_reloads_what_they_opened_still_comes_back_to_their_list(page: Page) -> None:
    page.goto("/?list=scans&outcome=analyzed")
    page.locator("table.scans tbody tr a.open").first.click()
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.reload()
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.keyboard.press("u")
    expect(page).to_have_url(re.compile(r"/\?list=scans&outcome=analyzed$"))
    expect(page.get_by_label("Outcome")).to_have_value("analyzed")


def test_a_decision_by_key_opens_the_next_and_can_be_undone(page: Page) -> None:
    first = page.locator("table.studies tbody tr a.open").first
    first.wait_for()
    order = page.locator("table.studies tbody tr a.open").evaluate_all(
        "all => all.map(each => each.getAttribute('href'))"
    )
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.keyboard.press("x")
    expect(page).to_have_url(re.compile(re.escape(order[1])))
    study = order[0].split("=")[1]
    assert answer(page, f"studies/{study}")["review_state"] == "rejected"
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.keyboard.press("z")
    expect(page).to_have_url(re.compile(re.escape(order[0])))
    after = answer(page, f"studies/{study}")
    assert after["review_state"] != "rejected"
    verdicts = [each["verdict"] for each in answer(page, f"studies/{study}/reviews")["items"]]
    assert verdicts[-2:] == ["rejected", "withdrawn"]
    expect(page.locator(".history")).to_contain_text(f"withdrawn by {READER}")


def test_volumes_of_series_that_do_not_lie_alike_are_joined_by_no_line(page: Page) -> None:
    patient = disagreeing(page)["patient_id"]
    told = answer(page, f"patients/{patient}/studies")
    series = [f"{number}" * 32 for number in range(4)]
    told["items"] = [told["items"][0] | {"received_at": f"2026-01-0{day}T12:00:00Z"} for day in (1, 2, 3)]
    told["follow_ups"] = [
        {"series_id": series[0], "volume_mm3": 50_000.0, "not_compared": "first_study"},
        {"series_id": series[2], "volume_mm3": 20_000.0, "compared_with": series[1], "compared_volume_mm3": 10_000.0,
         "change_percent": 100.0},
        {"series_id": series[3], "volume_mm3": 30_000.0, "compared_with": series[2], "compared_volume_mm3": 20_000.0,
         "change_percent": 50.0},
    ]  # fmt: skip
    page.route("**/v1/patients/*/studies", lambda route: route.fulfill(json=told))
    page.goto(f"/?patient={patient}")
    table = page.get_by_role("region", name="Studies")
    expect(table.locator("tbody tr").nth(1)).to_contain_text(re.compile(r"20\.0 cm³.*10\.0 cm³ 1{8}\+100 %"))
    points = page.locator(".trend-chart circle").evaluate_all("all => all.map(each => each.getAttribute('cx'))")
    lines = page.locator("line.trend")
    expect(lines).to_have_count(1)
    assert [lines.get_attribute(name) for name in ("x1", "x2")] == points[1:]


def test_what_does_not_exist_says_so_and_leads_back(page: Page) -> None:
    open_view(page, "missing")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such thing")
    page.get_by_role("link", name="Back to the worklist").click()
    expect(page.get_by_role("heading", name="Worklist")).to_be_visible()


def test_an_answer_that_does_not_come_is_told_and_asked_for_again(page: Page) -> None:
    study = disagreeing(page)["study_id"]
    refused = {"detail": "The table does not answer now."}
    vars(page)["expected_complaints"] = [
        "Failed to load resource: the server responded with a status of 503 (Service Unavailable)"
    ]
    page.route(f"**/v1/studies/{study}", lambda route: route.fulfill(status=503, json=refused), times=1)
    page.goto(f"/?study={study}")
    expect(page.get_by_role("heading", level=1)).to_have_text("This could not be shown")
    expect(page.get_by_role("alert")).to_contain_text("The table does not answer now.")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("region", name="Series of the study")).to_be_visible()


@pytest.mark.both_widths
def test_a_distance_is_measured_in_millimetres_with_two_clicks(page: Page) -> None:
    open_view(page, "study")
    page.keyboard.press("r")
    frame = page.locator(".frame")
    expect(page.get_by_role("button", name="Ruler")).to_have_attribute("aria-pressed", "true")
    wait_for_image(page)
    box = present(frame.bounding_box())
    middle = box["height"] / 2
    for across in (0.4, 0.6):
        frame.click(position={"x": box["width"] * across, "y": middle})
    scan = answer(page, "scans/" + disagreeing(page)["key_slice"])
    scale = min(box["width"] / scan["columns"], box["height"] / scan["rows"])
    told = float(page.locator(".ruler-told").inner_text().removesuffix(" mm"))
    assert told == pytest.approx(0.2 * box["width"] / scale * scan["spacing_mm"][1], rel=0.05)


def test_a_distance_is_measured_by_keyboard_alone(page: Page) -> None:
    open_view(page, "study")
    wait_for_image(page)
    page.get_by_role("button", name="Ruler").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".frame")).to_be_focused()
    for key in ("Enter", "ArrowRight", "ArrowDown", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    scan = answer(page, "scans/" + disagreeing(page)["key_slice"])
    row, column = scan["spacing_mm"]
    told = float(page.locator(".ruler-told").inner_text().removesuffix(" mm"))
    assert told == pytest.approx(((8 * column) ** 2 + (9 * row) ** 2) ** 0.5, abs=0.06)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".ruler-told")).to_have_text(f"{told:.1f} mm")


def test_windows_change_the_image_and_not_the_mask(page: Page) -> None:
    open_view(page, "study")
    page.get_by_label("Window").select_option("inverted")
    assert page.locator(".frame img").first.evaluate("each => each.style.filter") == "invert(1)"
    page.keyboard.press("w")
    expect(page.get_by_label("Window")).to_have_value("as stored")


def test_a_report_on_paper_has_verdict_and_lesions_and_no_controls(page: Page) -> None:
    open_view(page, "study")
    page.emulate_media(media="print")
    expect(page.get_by_role("note").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Lesions")).to_be_visible()
    for hidden in ("header", ".verdicts", ".controls"):
        expect(page.locator(hidden).first).to_be_hidden()


@pytest.mark.parametrize("part", ["study", "series"])
def test_a_report_is_one_page_on_which_nothing_is_cut_off(page: Page, part: str) -> None:
    open_view(page, "study")
    if part == "series":
        page.keyboard.press("s")
        page.locator("main:not([aria-busy]) .caption").wait_for()
    wait_for_image(page)
    assert len(re.findall(rb"/Type */Page\b", page.pdf(format="A4"))) == 1
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    cut = "all => all.filter(each => each.scrollWidth > each.parentElement.clientWidth).length"
    assert page.locator(".scroll").evaluate_all(cut) == 0


def test_what_is_listed_for_review_is_confirmed_together_after_a_question(page: Page) -> None:
    open_view(page, "queue")
    waiting = len(studies(page, "review=needed"))
    button = page.get_by_role("button", name="Confirm all")
    if not waiting:
        expect(button).to_have_count(0)
        return
    button.click()
    page.get_by_role("button", name="Leave them").click()
    assert len(studies(page, "review=needed")) == waiting
    button.click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm all").click()
    expect(page.locator("#count")).to_contain_text("No study matches")
    confirmed = [each for each in studies(page, "review=confirmed") if each["review"]["reader"] == READER]
    assert len(confirmed) >= waiting
    expect(page.locator("#undo")).to_contain_text(f"{waiting} judged together")
    page.keyboard.press("z")
    expect(page.locator("#undo")).to_be_hidden()
    assert len(studies(page, "review=needed")) == waiting
