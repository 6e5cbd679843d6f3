"""Scans are listed by what they were found to be, in several orders, page by page; each choice is counted."""

from datetime import timedelta
from typing import Any

import pytest

from brainscan.domain import Outcome, TumorClass
from brainscan.store import Table
from tests.making import NOON, a_record, analyzed
from tests.unit.api.conftest import DAY, Ask


class TestWorklist:
    def test_a_finding_of_a_day_above_a_confidence(self, ask: Ask, found: Any) -> None:
        query = {"finding": "meningioma", "from": DAY, "to": DAY, "min_confidence": 0.7, "sort": "probability"}
        items = ask("GET", "/v1/scans", query).json["items"]
        assert [round(item["confidence"], 2) for item in items] == [0.87, 0.83, 0.79, 0.75, 0.71]
        assert {item["finding"] for item in items} == {"meningioma"}

    def test_filters_narrow_together(self, ask: Ask, found: Any) -> None:
        counts: list[tuple[dict[str, Any], int]] = [
            ({}, 40),
            ({"outcome": "analyzed"}, 40),
            ({"outcome": "failed"}, 0),
            ({"review": "needed"}, 14),
            ({"review": "needed", "finding": "glioma"}, 4),
            ({"model_id": "f" * 64}, 40),
            ({"model_id": "0" * 64}, 0),
            ({"min_confidence": 0.8}, 10),
            ({"export_id": found[0].export_id}, 40),
            ({"export_id": "0" * 32}, 0),
            ({"reader": "Dr. Reader"}, 0),
        ]
        for query, count in counts:
            answered = ask("GET", "/v1/scans", {"from": DAY, "to": DAY, "limit": 100} | query)
            assert (answered.status, len(answered.json["items"])) == (200, count), query

    def test_pages_of_several_days_follow_each_other(self, ask: Ask, table: Table, found: Any) -> None:
        later = [a_record(n, "another", received_at=NOON + timedelta(days=1)) for n in range(5)]
        table.scans.register(later)
        table.scans.commit([analyzed(r, TumorClass.GLIOMA, 0.9) for r in later], [Outcome.QUEUED] * 5)
        seen, query = [], {"from": DAY, "to": "2026-03-02", "limit": 7}
        while True:
            page = ask("GET", "/v1/scans", query).json
            seen += [item["scan_id"] for item in page["items"]]
            if page["cursor"] is None:
                break
            query["cursor"] = page["cursor"]
        assert seen[:5] == [r.scan_id for r in sorted(later, key=lambda r: r.scan_id, reverse=True)]
        assert len(set(seen)) == len(seen) == 45

    @pytest.mark.parametrize("sort", ["arrival", "probability", "review"])
    def test_an_order_goes_on_from_page_to_page(self, ask: Ask, found: Any, sort: str) -> None:
        query = {"from": "2026-02-01", "to": DAY, "sort": sort, "limit": 13}
        pages = [ask("GET", "/v1/scans", query).json]
        while pages[-1]["cursor"]:
            pages.append(ask("GET", "/v1/scans", query | {"cursor": pages[-1]["cursor"]}).json)
        items = [item for page in pages for item in page["items"]]
        assert [len(page["items"]) for page in pages] == [13, 13, 13, 1]
        assert len({item["scan_id"] for item in items}) == 40
        if sort == "probability":
            tumors, rest = items[:30], items[30:]
            assert {item["finding"] for item in rest} == {"no_tumor"}
            assert [item["confidence"] for item in tumors] == sorted((i["confidence"] for i in tumors), reverse=True)
            assert [item["confidence"] for item in rest] == sorted(item["confidence"] for item in rest)
        if sort == "review":
            assert [item["review_state"] for item in items] == ["needed"] * 14 + [None] * 26

    def test_each_choice_of_a_filter_is_counted_beside_the_others(self, ask: Ask, found: Any) -> None:
        body = {"verdict": "corrected", "corrected": "pituitary", "revision": 0}
        assert ask("POST", f"/v1/scans/{found[0].scan_id}/reviews", body=body).status == 201
        days = {"from": DAY, "to": DAY}
        told = ask("GET", "/v1/scans/counts", days | {"finding": "glioma"}).json
        assert (told["total"], told["complete"]) == (9, True)
        assert told["findings"] == {"glioma": 9, "meningioma": 10, "no_tumor": 10, "pituitary": 11}
        assert (told["outcomes"], told["models"]) == ({"analyzed": 9}, {"f" * 64: 9})
        assert (told["reviews"], told["readers"]) == ({"needed": 3, "none": 6}, {})
        reviewed = {"reader": "Dr. Reader"}
        assert ask("GET", "/v1/scans/counts", days | reviewed).json["findings"] == {"pituitary": 1}
        [scan] = ask("GET", "/v1/scans", days | reviewed).json["items"]
        assert scan["scan_id"] == found[0].scan_id
        assert ask("GET", "/v1/scans/counts", days | {"export_id": found[0].export_id}).json["total"] == 40

    @pytest.mark.parametrize("query", [{"sort": "volume"}, {"reader": "x" * 129}, {"export_id": "short"}])
    def test_what_scans_cannot_be_asked_by_is_refused(self, ask: Ask, found: Any, query: dict[str, str]) -> None:
        assert ask("GET", "/v1/scans", query).status == 422

    def test_without_days_it_is_about_today(self, ask: Ask, found: Any) -> None:
        assert ask("GET", "/v1/scans").json["items"] == []
