"""One verdict on all that a filter lists, page by page: each once, to be stopped, and taken back by a key.

The API's answers are made up here: sixty studies would take the stack minutes.
"""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import keeps_somebody_out
from tests.browser.test_studies import answer

MANY = 60
A_PAGE = 50
"""Studies that are judged before the reader may stop."""

PRESS_STOP = """() => {
    const stop = [...document.querySelectorAll(".bulk button")].find((each) => each.textContent === "Stop");
    new MutationObserver(() => stop.hidden || stop.click()).observe(stop, { attributes: true });
}"""


@pytest.fixture
def sent(page: Page) -> list[tuple[str, dict[str, Any]]]:
    """The verdicts that the page sends, by study, while its review queue holds many."""
    [model, *_] = answer(page, "studies?from=2020-01-01&limit=1")["items"]
    told = {"outcome": "analyzed", "review": None, "review_state": "needed", "revision": 0}
    studies = [
        model | told | {"study_id": f"{number:032x}", "predicted": ("glioma", "meningioma")[number % 2]}
        for number in range(MANY)
    ]
    verdicts: list[tuple[str, dict[str, Any]]] = []

    def listed(route: Route) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(route.request.url).query).items()}
        start, size = int(asked.get("cursor", 0)), int(asked.get("limit", 50))
        more = str(start + size) if start + size < MANY else None
        route.fulfill(json={"items": studies[start : start + size], "cursor": more})

    def judged(route: Route) -> None:
        [study_id] = re.findall("[0-9a-f]{32}", route.request.url)
        body = json.loads(route.request.post_data or "")
        verdicts.append((study_id, body))
        route.fulfill(status=201, json=studies[int(study_id, 16)] | {"revision": body["revision"] + 1})

    page.route(re.compile(r"/v1/studies\?"), listed)
    page.route(re.compile("/v1/studies/[0-9a-f]{32}/reviews"), judged)
    page.goto("/?review=needed&sort=review")
    page.locator("table.studies tbody tr").first.wait_for()
    return verdicts


def judge(page: Page, choice: str) -> None:
    page.get_by_label("Verdict on all").select_option(choice)
    page.get_by_role("button", name="Judge all of this filter").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{MANY} studies of this filter")
    dialog.get_by_role("button", name="Judge all").click()


def test_the_question_is_for_everybody_and_can_be_declined(page: Page, sent: Any) -> None:
    page.get_by_role("button", name="Confirm all of this filter").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"{MANY} studies of this filter")
    assert keeps_somebody_out(page) == []
    page.get_by_role("button", name="Leave them").click()
    assert sent == []


@pytest.mark.parametrize("choice", ["rejected", "meningioma"])
def test_more_than_a_page_is_judged_each_once_as_the_reader_said(page: Page, sent: Any, choice: str) -> None:
    judge(page, choice)
    expect(page.locator("#undo")).to_contain_text(f"{MANY} judged together", timeout=120_000)
    assert [study_id for study_id, _ in sent] == [f"{number:032x}" for number in range(MANY)]
    said = [(body["verdict"], body.get("corrected")) for _, body in sent]
    corrected: list[tuple[str, str | None]] = [("corrected", "meningioma"), ("confirmed", None)]
    assert said == (corrected if choice == "meningioma" else [("rejected", None)] * 2) * (MANY // 2)


def test_a_stop_ends_after_the_page_in_hand_and_that_much_is_taken_back(page: Page, sent: Any) -> None:
    page.evaluate(PRESS_STOP)
    judge(page, "rejected")
    expect(page.locator("#undo")).to_contain_text(f"{A_PAGE} judged together", timeout=120_000)
    assert len(sent) == A_PAGE
    page.keyboard.press("z")
    expect(page.locator("#undo")).to_be_hidden()
    taken_back = sent[A_PAGE:]
    assert {body["verdict"] for _, body in taken_back} == {"withdrawn"}
    assert sorted(study_id for study_id, _ in taken_back) == sorted(study_id for study_id, _ in sent[:A_PAGE])
    assert {body["revision"] for _, body in taken_back} == {1}
