"""Two read each case: no answer tells the second of the first verdict; where they differ, an adjudicator decides."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from brainscan.api.access import ADJUDICATE, READ, REVIEW, caller
from brainscan.domain import Outcome, Reason, ScanRecord, TumorClass, Verdict
from brainscan.settings import settings
from brainscan.store import Table
from tests.making import a_record, analyzed, opinion
from tests.summaries import DAY, STUDY, a_series
from tests.unit.api.conftest import Answered, Ask
from tests.unit.api.test_mask import a_mask

As = Callable[..., Answered]
PLACE = {"series_id": a_series(0).series_id, "study_id": STUDY, "patient_id": "7" * 32}
A, B, C = "Dr. Alpha", "Dr. Beta", "Dr. Gamma"


@pytest.fixture
def as_reader(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Iterator[As]:
    """Ask under a reader's name, where two read each case."""
    monkeypatch.setenv("BRAINSCAN_READERS", "2")
    settings.cache_clear()

    def asking(reader: str, method: str, path: str, query: Any = None, body: Any = None, **other: Any) -> Answered:
        claims = {"name": reader, "scope": f"{READ} {REVIEW}"} | other.pop("more", {})
        return ask(method, f"/v1/{path}", query, body, claims, **other)

    yield asking
    settings.cache_clear()


@pytest.fixture
def scan(api: None, table: Table) -> ScanRecord:
    """A scan of a series of a study, all of which need review."""
    waiting = a_record(0, **PLACE)
    key = f"results/{waiting.scan_id}/0/mask.png"
    boto3.client("s3").put_object(Bucket="results", Key=key, Body=a_mask(0, 0, 10, 10))
    final = analyzed(waiting, TumorClass.GLIOMA, 0.6, needs_review=True)
    table.scans.register([waiting])
    table.scans.commit([final.model_copy(update={"rows": 32, "columns": 40, "mask_key": key})], [Outcome.QUEUED])
    table.summaries.put(a_series(0, needs_review=True, review_reasons=(Reason.BORDERLINE_CONFIDENCE,)))
    return final


def kinds(scan: ScanRecord) -> tuple[str, str, str]:
    return f"scans/{scan.scan_id}", f"series/{PLACE['series_id']}", f"studies/{STUDY}"


def judge(as_reader: As, reader: str, path: str, verdict: str, corrected: str | None = None, **other: Any) -> Answered:
    found = as_reader(reader, "GET", path).json
    known = found.get("summary", found)
    body = {"verdict": verdict, "corrected": corrected, "revision": known["revision"], "comment": "dural tail"}
    return as_reader(reader, "POST", f"{path}/reviews", body=body, **other)


def everything(as_reader: As, reader: str, scan: ScanRecord) -> list[str]:
    """Every answer from which a reader could learn of the case, but the statistics of all cases."""
    days = {"from": DAY, "to": DAY}
    asked: list[tuple[str, dict[str, str]]] = [
        *((path, {}) for path in kinds(scan)),
        *((f"{path}/reviews", {}) for path in kinds(scan)),
        *((f"{path}/scans", {}) for path in kinds(scan)[1:]),
        (f"patients/{PLACE['patient_id']}/scans", {}),
        (f"patients/{PLACE['patient_id']}/studies", {}),
        (f"exports/{scan.export_id}/scans", {}),
        *((kind, days | {"review": "second"}) for kind in ("scans", "series", "studies")),
        *((kind, days | {"sort": "review"}) for kind in ("scans", "series", "studies")),
        *((f"{kind}/counts", days) for kind in ("scans", "series", "studies")),
        *((kind, days) for kind in ("scans", "series", "studies")),
    ]
    answers = [as_reader(reader, "GET", path, query) for path, query in asked]
    assert {each.status for each in answers} == {200}
    return [each.body for each in answers]


def test_nothing_that_a_second_reader_asks_for_tells_of_the_first_verdict(as_reader: As, scan: ScanRecord) -> None:
    query = {"revision": 0, "class": "meningioma"}
    path = f"{kinds(scan)[0]}/mask"
    assert as_reader(A, "PUT", path, query, a_mask(3, 3, 9, 9), content_type="image/png").status == 200
    for each in kinds(scan)[1:]:
        assert judge(as_reader, A, each, "corrected", "meningioma").status == 201
    for answer in everything(as_reader, B, scan):
        for telling in (A, "dural tail", "drawn/", "reader_mask", '"corrected"'):
            assert telling not in answer.replace('"corrected":null', ""), telling
    own = everything(as_reader, A, scan)
    assert sum(A in each for each in own) >= 6


def test_the_case_waits_for_another_and_not_for_who_has_read_it(as_reader: As, scan: ScanRecord) -> None:
    for path in kinds(scan):
        given = judge(as_reader, A, path, "corrected", "meningioma").json
        assert (given["review_state"], given["finding"], given["blinded"]) == ("second", "glioma", False)
        kind = path.split("/")[0]
        query = {"from": DAY, "to": DAY, "review": "second"}
        assert as_reader(A, "GET", kind, query).json["items"] == []
        [item] = as_reader(B, "GET", kind, query).json["items"]
        assert (item["review_state"], item["review"], item["others"], item["blinded"]) == ("second", None, [], True)


def test_two_who_agree_are_told_of_each_other_and_their_class_stands(as_reader: As, scan: ScanRecord) -> None:
    for path in kinds(scan):
        judge(as_reader, A, path, "corrected", "meningioma")
        given = judge(as_reader, B, path, "corrected", "meningioma").json
        assert (given["review_state"], given["finding"]) == ("corrected", "meningioma")
        assert [each["reader"] for each in as_reader(B, "GET", f"{path}/reviews").json["items"]] == [A, B]


def test_who_differ_wait_for_an_adjudicator_who_has_the_role(as_reader: As, scan: ScanRecord) -> None:
    for path in kinds(scan):
        judge(as_reader, A, path, "confirmed")
        given = judge(as_reader, B, path, "corrected", "no_tumor").json
        assert (given["review_state"], given["finding"]) == ("disputed", "glioma")
        assert [each["reader"] for each in given["others"]] == [A]
        [listed] = as_reader(C, "GET", path.split("/")[0], {"from": DAY, "to": DAY, "review": "disputed"}).json["items"]
        assert listed["review"]["reader"] == B
        refused = judge(as_reader, C, path, "confirmed")
        assert (refused.status, "adjudicator" in refused.json["detail"]) == (403, True)
        role = {"cognito:groups": f"[readers {ADJUDICATE}]"}
        decided = judge(as_reader, C, path, "confirmed", more=role).json
        assert (decided["review_state"], decided["review"]["adjudicates"]) == ("confirmed", True)


def test_disputes_stand_on_the_agreement_page_until_they_are_decided(as_reader: As, scan: ScanRecord) -> None:
    path = kinds(scan)[2]
    asked = {"from": DAY, "to": DAY}
    judge(as_reader, A, path, "confirmed")
    assert json.loads(as_reader(A, "GET", "agreement", asked).body)["by_reader"] == {}
    judge(as_reader, B, path, "corrected", "no_tumor")
    told = as_reader(C, "GET", "agreement", asked).json
    assert (told["disputed"], told["network"]["pairs"], told["readers"]["pairs"]) == ([STUDY], 0, 1)
    role = {"roles": [ADJUDICATE]}
    judge(as_reader, C, path, "confirmed", more=role)
    assert as_reader(C, "GET", "agreement", asked).json["disputed"] == []
    judge(as_reader, C, path, "withdrawn", more=role)
    assert as_reader(C, "GET", "agreement", asked).json["disputed"] == [STUDY]


def test_a_dispute_outlives_a_third_verdict_that_is_taken_back_where_one_reads(ask: Ask, table: Table) -> None:
    table.statistics.mark_arrival(DAY)
    table.summaries.put(a_series(0))
    table.summaries.review_study(STUDY, 0, opinion(Verdict.CONFIRMED, reader=A))
    table.summaries.review_study(STUDY, 1, opinion(Verdict.CORRECTED, TumorClass.NO_TUMOR, B))
    table.summaries.review_study(STUDY, 2, opinion(Verdict.CONFIRMED, reader=C))
    table.summaries.review_study(STUDY, 3, opinion(Verdict.WITHDRAWN, reader=C))
    assert ask("GET", "/v1/agreement", {"from": DAY, "to": DAY}).json["disputed"] == [STUDY]


def test_neither_disputed_nor_half_read_cases_have_a_class_of_a_readers(as_reader: As, scan: ScanRecord) -> None:
    path = kinds(scan)[0]
    judge(as_reader, A, path, "corrected", "meningioma")
    query = {"from": DAY, "to": DAY, "finding": "meningioma"}
    assert as_reader(A, "GET", "scans", query).json["items"] == []
    judge(as_reader, B, path, "confirmed")
    assert as_reader(A, "GET", "scans", query).json["items"] == []


@pytest.mark.parametrize(
    "claims",
    [
        {"scope": f"{READ} {ADJUDICATE}"},
        {"roles": [ADJUDICATE]},
        {"groups": f"[a {ADJUDICATE}]"},
        {"cognito:groups": [ADJUDICATE]},
    ],
)
def test_the_role_is_found_where_issuers_put_it(claims: dict[str, Any]) -> None:
    assert caller({"name": C} | claims).adjudicator
    assert not caller({"name": C, "scope": REVIEW, "groups": ["adjudicators"]}).adjudicator
