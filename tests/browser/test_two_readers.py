"""Two readers on the page: the second judges unmoved, then both see that they differ; comments and times come along."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from brainscan.cli.serve import page as serving_page
from brainscan.settings import settings
from tests.browser.conftest import READER, keeps_somebody_out
from tests.browser.test_studies import answer, disagreeing

SECOND = "Dr. Second"


@pytest.fixture
def second(page: Page) -> Iterator[Page]:
    """The page of another reader, where two read each case."""
    with pytest.MonkeyPatch.context() as patch, serving_page(SECOND) as address:
        patch.setenv("BRAINSCAN_READERS", "2")
        settings.cache_clear()
        other = page.context.new_page()
        other.goto(address)
        other.get_by_role("heading", name="Worklist").wait_for()
        yield other
        other.close()
    settings.cache_clear()


def take_back(page: Page, study_id: str) -> None:
    """Withdraw the reader's verdict, for the tests that follow."""
    revision = answer(page, f"studies/{study_id}")["revision"]
    sent = f"""fetch('/v1/studies/{study_id}/reviews', {{method: 'POST', headers: {{'Content-Type':
        'application/json'}}, body: '{{"verdict": "withdrawn", "revision": {revision}}}'}}).then(each => each.status)"""
    assert page.evaluate(sent) == 201


def test_the_second_reader_sees_the_first_verdict_once_theirs_is_given(page: Page, second: Page) -> None:
    study = disagreeing(page)["study_id"]
    page.goto(f"/?study={study}")
    page.get_by_label("Comment").fill("dural tail, sharp margin")
    page.get_by_label("Open the next one").uncheck()
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("A second reader is to do so without seeing it")).to_be_visible()
    expect(page.locator(".history")).to_contain_text("dural tail, sharp margin")
    second.get_by_role("link", name="Second reading").click()
    second.locator(f"a[href='/?study={study}']").click()
    expect(second.get_by_text("You see their verdict once you gave yours")).to_be_visible()
    assert READER not in second.content()
    assert "dural tail" not in second.content()
    assert keeps_somebody_out(second) == []
    second.get_by_role("button", name="Confirm", exact=False).first.click()
    second.goto(second.url.split("/?")[0] + f"/?study={study}")
    expect(second.get_by_text("Readers differ; an adjudicator decides")).to_be_visible()
    expect(second.locator(".history")).to_contain_text(READER)
    expect(second.locator(".history")).to_contain_text(" s")
    assert keeps_somebody_out(second) == []
    for each in (second, page):
        take_back(each, study)


def test_a_comment_that_could_name_somebody_is_refused_and_stays_to_be_changed(page: Page) -> None:
    page.goto(f"/?study={disagreeing(page)['study_id']}")
    page.expected_complaints = [  # type: ignore[attr-defined]
        "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
    ]
    field = page.get_by_label("Comment")
    field.fill("born 12.03.1975")
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("alert")).to_contain_text("holds a date")
    expect(field).to_have_value("born 12.03.1975")
    expect(page.get_by_text("No patient data:")).to_be_visible()


def test_every_key_that_the_page_listens_to_is_on_its_list(page: Page) -> None:
    page.keyboard.press("?")
    shown = set(page.get_by_role("dialog", name="Keys").locator("kbd").all_inner_texts())
    keys = {"j", "k", "Enter", "c", "x", "1", "2", "z", "s", "u", "m", "o", "+", "−", "0", "w", "r", "f", "?"}
    assert keys | {"d", "e", "[", "]", "Space", "Delete"} <= shown
