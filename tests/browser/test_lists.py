"""Lists: how they go on where pages are empty or end, what their tabs and links keep, and what an open one asks.

Most of the API's answers are made up here: sixty studies would take the stack minutes.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.test_page import open_view, with_mask
from tests.browser.test_studies import answer
from tests.browser.test_uploading import QUICK

SINCE = "2022-01-01"
"""After the days that the tests of drift count, on which nothing is listed, and each of which would be asked."""

MANY = 60
A_PAGE = 50
"""Rows that a list shows at once."""

AT_ONCE = 5
"""Empty pages that a list asks for before it tells the reader."""

LISTED = re.compile(r"/v1/studies\?")
ROWS = "table.studies tbody tr"


def asked(route: Route) -> dict[str, str]:
    """The query of a request."""
    return {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}


@pytest.fixture
def studies(page: Page) -> list[dict[str, Any]]:
    """Many studies, of which the page is told once it asks."""
    [model, *_] = answer(page, "studies?from=2020-01-01&limit=1")["items"]
    whole = answer(page, f"studies/{model['study_id']}")
    made = [whole | {"study_id": f"{number:032x}", "review": None, "revision": 0} for number in range(MANY)]

    def one(route: Route) -> None:
        [study_id] = re.findall("[0-9a-f]{32}", route.request.url)
        study = made[int(study_id, 16)]
        if route.request.method == "POST":
            route.fulfill(status=201, json=study | {"revision": 1, "review": {"verdict": "rejected"}})
        else:
            route.fulfill(json={"items": []} if "reviews" in route.request.url else study)

    page.route(re.compile("/v1/studies/[0-9a-f]{32}"), one)
    return made


def paged(studies: list[dict[str, Any]], empty: int) -> Callable[[Route], None]:
    """Answers of a list whose first pages hold nothing."""

    def listed(route: Route) -> None:
        place = int(asked(route).get("cursor", 0))
        start = (place - empty) * A_PAGE
        found = studies[start : start + A_PAGE] if start >= 0 else []
        more = start < 0 or start + A_PAGE < len(studies)
        route.fulfill(json={"items": found, "cursor": str(place + 1) if more else None})

    return listed


def test_a_list_goes_on_where_the_first_pages_are_empty(page: Page, studies: Any) -> None:
    page.route(LISTED, paged(studies, empty=AT_ONCE - 1))
    page.goto("/?list=studies")
    expect(page.locator(ROWS)).to_have_count(A_PAGE)
    expect(page.locator("#count")).to_have_text(f"{A_PAGE} studies or more")


def test_a_long_search_says_that_it_has_found_none_so_far_and_goes_on(page: Page, studies: Any) -> None:
    page.route(LISTED, paged(studies[:1], empty=2 * AT_ONCE))
    page.goto("/?list=studies")
    for _ in range(2):
        expect(page.locator("#count")).to_have_text("No study so far, and there are more to look at.")
        page.get_by_role("button", name="Look further").click()
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1 study")


def test_who_asks_twice_for_more_rows_gets_each_once(page: Page, studies: Any) -> None:
    page.route(LISTED, paged(studies, empty=0))
    page.goto("/")
    page.get_by_role("button", name="Show more").evaluate("button => { button.click(); button.click(); }")
    expect(page.locator("#count")).to_have_text(f"{MANY} studies")
    expect(page.locator(ROWS)).to_have_count(MANY)


def test_behind_the_last_row_shown_the_next_is_of_the_next_page(page: Page, studies: Any) -> None:
    page.route(LISTED, paged(studies, empty=0))
    page.goto("/")
    page.locator(f"{ROWS} a.open").nth(A_PAGE - 1).click()
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.keyboard.press("x")
    expect(page).to_have_url(re.compile(f"study={studies[A_PAGE]['study_id']}"))
    page.locator("main:not([aria-busy]) .back").wait_for()
    page.keyboard.press("u")
    expect(page.locator(ROWS)).to_have_count(MANY)


def test_tabs_keep_each_filter_that_the_other_list_knows(page: Page) -> None:
    filters = {"finding": "glioma", "review": "needed", "from": "2024-01-01", "to": "2024-02-01", "model_id": "f" * 64}
    filters |= {"export_id": "e" * 32, "reader": "Dr. Other"}
    given = filters | {"sort": "volume"}
    page.goto("/?" + "&".join(f"{name}={value}" for name, value in given.items()))
    kinds = page.get_by_role("navigation", name="What to list")

    def kept(tab: str) -> dict[str, str]:
        address = str(kinds.get_by_role("link", name=tab).get_attribute("href"))
        return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}

    assert kept("Series") == given | {"list": "series"}
    assert kept("Scans") == filters | {"list": "scans"}
    kinds.get_by_role("link", name="Scans").click()
    page.get_by_label("Outcome").select_option("rejected")
    expect(page).to_have_url(re.compile("outcome=rejected"))
    expect(page).to_have_url(re.compile(f"model_id={'f' * 64}"))
    assert kept("Series") == filters | {"list": "series"}
    page.get_by_label("Order").select_option("review")
    expect(kinds.get_by_role("link", name="Studies")).to_have_attribute("href", re.compile("sort=review"))
    assert kept("Studies") == filters | {"list": "studies", "sort": "review"}


def test_scans_have_orders_readers_uploads_and_counts_as_studies_have(page: Page) -> None:
    page.goto(f"/?list=scans&from={SINCE}")
    page.locator("form[data-counted]").wait_for()
    counts = answer(page, f"scans/counts?from={SINCE}")
    for label, value, name in (("Class", "glioma", "findings"), ("Outcome", "rejected", "outcomes")):
        count = counts[name][value]
        assert count > 0
        expect(page.get_by_label(label).locator(f"option[value={value}]")).to_have_text(re.compile(rf"\({count}\)$"))
    expect(page.get_by_label("Model").locator("option")).to_have_count(1 + len(counts["models"]))
    page.get_by_label("Order").select_option("probability")
    expect(page).to_have_url(re.compile("sort=probability"))
    first = answer(page, f"scans?from={SINCE}&sort=probability&limit=50")["items"]
    links = page.locator("table.scans tbody a.open")
    expect(links).to_have_count(len(first))
    assert links.evaluate_all("all => all.map(each => each.getAttribute('href'))") == [
        f"/?scan={each['scan_id']}" for each in first
    ]
    options = page.get_by_label("Order").locator("option").evaluate_all("all => all.map(each => each.value)")
    assert options == ["", "probability", "review"]
    page.reload()
    expect(page.get_by_label("Order")).to_have_value("probability")
    page.goto(f"/?list=scans&export_id={first[0]['export_id']}&sort=review&reader=nobody")
    expect(page.locator("select[name=export_id]")).to_have_value(first[0]["export_id"])
    expect(page.locator("select[name=reader]")).to_have_value("nobody")
    expect(page.locator("#count")).to_contain_text("No scan matches")
    page.locator("select[name=reader]").select_option("")
    expect(page.locator("table.scans tbody tr")).to_have_count(
        min(A_PAGE, len(answer(page, f"scans?from={SINCE}&limit=200&export_id={first[0]['export_id']}")["items"]))
    )


def test_a_count_that_is_not_complete_says_so(page: Page) -> None:
    counts = {
        "total": 9,
        "findings": {"glioma": 9},
        "outcomes": {"analyzed": 9},
        "reviews": {},
        "models": {},
        "readers": {},
    }
    page.route(re.compile("/v1/scans/counts"), lambda route: route.fulfill(json=counts | {"complete": False}))
    page.goto("/?list=scans")
    expect(page.get_by_label("Class").locator("option[value=glioma]")).to_have_text("glioma (9+)")


def test_an_upload_and_a_scan_lead_to_the_studies_of_the_upload(page: Page) -> None:
    scan = with_mask(page)
    count = len(answer(page, f"studies?from=2020-01-01&export_id={scan['export_id']}")["items"])
    for view in ("/?exports", f"/?scan={scan['scan_id']}"):
        page.goto(view)
        page.locator(f"main a[href='/?export_id={scan['export_id']}']:not(:has-text('Worklist'))").click()
        expect(page.locator("select[name=export_id]")).to_have_value(scan["export_id"])
        expect(page.locator(ROWS)).to_have_count(count)
    assert asked_from(page, scan["export_id"]) == "2000-01-01"


def asked_from(page: Page, export_id: str) -> str:
    """From which day on the studies of an upload are shown, however long ago it came."""
    page.goto(f"/?export_id={export_id}")
    return page.get_by_label("Arrived from").input_value()


def test_an_open_list_asks_of_each_upload_that_has_ended_once(page: Page) -> None:
    page.goto("about:blank")
    requests: list[Request] = []
    page.on("request", lambda request: requests.append(request))
    page.add_init_script(QUICK)
    page.goto("/")
    for _ in range(3):
        page.wait_for_event("requestfinished", lambda request: "/v1/exports?" in request.url)
    paths = [urlsplit(each.url).path for each in requests]
    of_one = [path for path in paths if path.startswith("/v1/exports/")]
    assert of_one
    assert len(of_one) == len(set(of_one))


def test_a_list_is_shown_anew_when_an_upload_ends_and_the_way_back_stays_as_it_was(page: Page) -> None:
    [export, *_] = answer(page, "exports")["items"]
    under_way = answer(page, f"exports/{export['export_id']}") | {"export_id": "a" * 32, "done": False}
    listed = {"items": [export | {"export_id": "a" * 32}], "cursor": None}
    page.route(re.compile(r"/v1/exports\?"), lambda route: route.fulfill(json=listed))
    page.route(re.compile("/v1/exports/a"), lambda route: route.fulfill(json=under_way))
    page.add_init_script(QUICK)
    page.goto("/")
    expect(page.get_by_role("region", name="Uploads under way")).to_contain_text("aaaaaaaa")
    page.get_by_label("Order").focus()
    before = page.evaluate("history.length")
    with page.expect_request(LISTED):
        under_way["done"] = True
    expect(page.get_by_role("region", name="Uploads under way")).to_be_hidden()
    page.locator("main:not([aria-busy]) h1").wait_for()
    assert page.evaluate("history.length") == before
    expect(page.get_by_label("Order")).to_be_focused()


def test_a_decision_without_a_next_leaves_the_reader_where_they_were(page: Page) -> None:
    open_view(page, "series")
    page.get_by_label("Slice", exact=True).fill("2")
    page.evaluate("scrollTo(0, 60)")
    button = page.get_by_role("button", name="Reject")
    button.focus()
    before = page.evaluate("scrollY")
    page.keyboard.press("Enter")
    expect(page.locator(".history")).to_contain_text("rejected")
    expect(button).to_be_focused()
    expect(page.locator(".caption strong")).to_have_text("2 / 12")
    assert page.evaluate("scrollY") == before > 0
    page.keyboard.press("z")
    expect(page.locator(".history")).to_contain_text("withdrawn")
    expect(page.locator(".caption strong")).to_have_text("2 / 12")
