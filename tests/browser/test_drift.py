"""The page of drift: charts with words for those who do not see them, tables by keyboard, and an empty state."""

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from brainscan.store import Table
from brainscan_local.stack import LocalStack
from tests.browser.conftest import keeps_somebody_out
from tests.making import present
from tests.watched import a_month_and_a_dark_day

FIRST = date(2021, 3, 1)


@pytest.fixture(scope="module")
def dark(stack: LocalStack) -> Any:
    """A month of counters, and a day on which everything is darker."""
    return a_month_and_a_dark_day(Table.over(stack.client("dynamodb"), stack.table_name), FIRST).isoformat()


def test_a_dark_day_is_charted_named_and_listed(page: Page, dark: Any) -> None:
    page.goto(f"/?drift=before&from={dark}&to={dark}")
    brightness = page.locator(".panel", has=page.get_by_role("heading", name="Brightness"))
    expect(brightness.locator(".badge")).to_have_text("drifted")
    label = brightness.locator("svg").last.get_attribute("aria-label")
    assert dark in present(label)
    expect(page.locator(".panel", has=page.get_by_role("heading", name="Confidence")).locator(".badge")).to_have_text(
        "stable"
    )
    expect(page.get_by_role("row", name="Siemens Skyra 200")).to_be_visible()
    assert keeps_somebody_out(page) == []


def test_one_day_that_drifted_is_not_lost_among_those_that_did_not(page: Page, dark: str) -> None:
    page.goto(f"/?drift=before&from=2021-03-15&to={dark}")
    brightness = page.locator(".panel", has=page.get_by_role("heading", name="Brightness"))
    expect(brightness.locator(".badge")).to_have_text("drifted")
    expect(brightness).to_contain_text("drifted on 1 of 15 days")


def test_the_numbers_open_by_keyboard(page: Page, dark: Any) -> None:
    page.goto(f"/?drift=before&from={dark}&to={dark}")
    numbers = page.locator(".panel", has=page.get_by_role("heading", name="Brightness")).locator("summary")
    numbers.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Brightness, numbers")).to_contain_text(dark)


def test_days_without_scans_say_so(page: Page) -> None:
    page.goto("/?drift=before&from=2019-01-01&to=2019-01-02")
    expect(page.get_by_text("No scan of these days was read.")).to_be_visible()
    assert keeps_somebody_out(page) == []


def test_a_reference_that_is_not_there_is_told_with_its_remedy(page: Page, dark: Any) -> None:
    page.goto(f"/?drift=before&from={dark}&to={dark}")
    vars(page)["expected_complaints"] = [
        "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
    ]
    page.get_by_label("Compared with").select_option("model")
    expect(page.get_by_role("alert")).to_contain_text("compare with the days before")
    expect(page.get_by_label("Compared with")).to_be_focused()
