"""The API lists studies and series, shows one with its evidence and reports, and takes verdicts on the whole."""

from datetime import timedelta
from typing import Any

import pytest

from brainscan.domain import Geometry, TumorClass, Verdict
from brainscan.store import Table
from tests.making import NOON, PSEUDONYMS, opinion
from tests.summaries import DAY, PATIENT, STUDY, a_series
from tests.unit.api.conftest import Ask

GLIOMA, NONE = TumorClass.GLIOMA, TumorClass.NO_TUMOR
TUMOR, CLEAR = a_series(0, GLIOMA, 0.8), a_series(1, NONE, 0.95)


@pytest.fixture
def study(table: Table) -> Any:
    """A study of two series that disagree."""
    table.statistics.mark_arrival(DAY)
    files = {"seg": f"reports/{TUMOR.series_id}/000006/seg.dcm"}
    table.summaries.put(
        TUMOR.model_copy(update={"files": files, "image_key": "results/x/y/image.png", "key_slice": "a" * 32})
    )
    table.summaries.put(CLEAR)
    return table.summaries.study(STUDY)


def test_a_study_names_the_series_it_rests_on_and_those_that_disagree(ask: Ask, study: Any) -> None:
    told = ask("GET", f"/v1/studies/{STUDY}").json
    assert (told["finding"], told["rests_on"], told["disagreeing"]) == ("glioma", TUMOR.series_id, [CLEAR.series_id])
    assert told["review_reasons"] == ["series_disagree"]
    assert told["tumor_probability"] == pytest.approx(1 - 0.2 / 3)
    assert [each["finding"] for each in told["of_series"]] == ["glioma", "no_tumor"]
    [report] = told["of_series"][0]["reports"]
    assert report["name"] == "seg.dcm"
    assert f"reports/{TUMOR.series_id}/000006/seg.dcm" in report["url"]
    assert [link["name"] for link in told["links"]] == ["image"]
    assert told["research_use"] == "Research use only. Not a medical device."


@pytest.mark.parametrize("kind", ["studies", "series"])
def test_lists_page_and_count(ask: Ask, table: Table, kind: str) -> None:
    for number in range(7):
        received = NOON - timedelta(days=20 * number)
        table.statistics.mark_arrival(received.date().isoformat())
        name = PSEUDONYMS.digest("study", number)
        table.summaries.put(a_series(number, (GLIOMA, NONE)[number % 2], study_id=name, received_at=received))
    query = {"from": "2025-01-01", "to": DAY, "sort": "probability", "limit": 3}
    pages = [ask("GET", f"/v1/{kind}", query).json]
    while pages[-1]["cursor"]:
        pages.append(ask("GET", f"/v1/{kind}", query | {"cursor": pages[-1]["cursor"]}).json)
    assert [len(page["items"]) for page in pages] == [3, 3, 1]
    assert [item["finding"] for page in pages for item in page["items"]] == ["glioma"] * 4 + ["no_tumor"] * 3
    counts = ask("GET", f"/v1/{kind}/counts", {"from": "2025-01-01", "to": DAY, "finding": "glioma"}).json
    assert (counts["total"], counts["findings"]) == (4, {"glioma": 4, "no_tumor": 3})


def test_a_reader_corrects_a_series_and_confirms_the_study(ask: Ask, study: Any) -> None:
    path = f"/v1/series/{TUMOR.series_id}/reviews"
    after = ask("POST", path, body={"verdict": "corrected", "corrected": "no_tumor", "revision": 0})
    assert (after.status, after.json["finding"], after.json["review"]["reader"]) == (201, "no_tumor", "Dr. Reader")
    assert ask("GET", f"/v1/studies/{STUDY}").json["finding"] == "no_tumor"
    assert ask("POST", f"/v1/studies/{STUDY}/reviews", body={"verdict": "confirmed", "revision": 0}).status == 201
    assert [each["verdict"] for each in ask("GET", f"/v1/studies/{STUDY}/reviews").json["items"]] == ["confirmed"]
    assert [each["corrected"] for each in ask("GET", path).json["items"]] == ["no_tumor"]
    found = ask("GET", "/v1/studies", {"from": DAY, "to": DAY, "reader": "Dr. Reader"}).json["items"]
    assert [each["study_id"] for each in found] == [STUDY]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"verdict": "confirmed", "revision": 3}, 409),
        ({"verdict": "corrected", "revision": 0}, 422),
        ({"verdict": "confirmed", "corrected": "glioma", "revision": 0}, 422),
        ({"verdict": "maybe", "revision": 0}, 422),
    ],
)
@pytest.mark.parametrize("path", [f"studies/{STUDY}", f"series/{TUMOR.series_id}"])
def test_a_verdict_that_cannot_be_is_refused(
    ask: Ask, study: Any, path: str, body: dict[str, Any], status: int
) -> None:
    assert ask("POST", f"/v1/{path}/reviews", body=body).status == status


@pytest.mark.parametrize("path", ["studies/{}", "studies/{}/reviews", "series/{}/reviews", "series/{}"])
def test_what_does_not_exist_is_not_found(ask: Ask, path: str) -> None:
    assert ask("GET", f"/v1/{path.format('0' * 32)}").status == 404
    if path.endswith("reviews"):
        body = {"verdict": "rejected", "revision": 0}
        assert ask("POST", f"/v1/{path.format('0' * 32)}", body=body).status == 404


def test_a_reader_who_may_only_read_judges_nothing(ask: Ask, study: Any) -> None:
    claims = {"name": "Dr. Reader", "scope": "brainscan/read"}
    body = {"verdict": "confirmed", "revision": 0}
    assert ask("POST", f"/v1/studies/{STUDY}/reviews", body=body, claims=claims).status == 403


def test_a_patients_history_tells_how_the_volume_changes(ask: Ask, table: Table) -> None:
    geometry = Geometry(spacing_mm=(0.5, 0.5), distance_mm=5.0, normal=(0.0, 0.0, 1.0))
    for number, volume in enumerate((1000.0, 1250.0)):
        name = PSEUDONYMS.digest("study", number)
        table.summaries.put(a_series(number, study_id=name, volume_mm3=volume, geometry=geometry))
    told = ask("GET", f"/v1/patients/{PATIENT}/studies").json
    assert [each["study_id"] for each in told["items"]] == [PSEUDONYMS.digest("study", n) for n in range(2)]
    assert [each["change_percent"] for each in told["follow_ups"]] == [None, 25.0]
    assert ask("GET", f"/v1/patients/{'0' * 32}/studies").json["items"] == []


def test_a_verdict_can_be_taken_back_once(ask: Ask, study: Any) -> None:
    path = f"/v1/studies/{STUDY}/reviews"
    assert ask("POST", path, body={"verdict": "withdrawn", "revision": 0}).status == 422
    assert ask("POST", path, body={"verdict": "rejected", "revision": 0}).json["finding"] is None
    after = ask("POST", path, body={"verdict": "withdrawn", "revision": 1}).json
    assert (after["finding"], after["review_state"]) == ("glioma", "needed")
    assert [each["verdict"] for each in ask("GET", path).json["items"]] == ["rejected", "withdrawn"]


def test_agreement_tells_of_network_readers_disputes_and_time(ask: Ask, table: Table) -> None:
    table.statistics.mark_arrival(DAY)
    for number, (called, corrected) in enumerate([(GLIOMA, None), (GLIOMA, NONE), (NONE, None), (NONE, None)]):
        name = PSEUDONYMS.digest("study", number)
        table.summaries.put(a_series(number, called, study_id=name))
        verdict = Verdict.CORRECTED if corrected else Verdict.CONFIRMED
        table.summaries.review_study(name, 0, opinion(verdict, corrected, "Dr. A", seconds=10.0 * number))
    disputed = PSEUDONYMS.digest("study", 0)
    table.summaries.review_study(disputed, 1, opinion(Verdict.CORRECTED, NONE, "Dr. B", seconds=50.0))
    told = ask("GET", "/v1/agreement", {"from": DAY, "to": DAY}).json
    assert (told["network"]["pairs"], told["network"]["equal"]) == (4, 0.5)
    assert told["by_reader"]["Dr. B"]["pairs"] == 1
    assert told["readers"] == {"pairs": 1, "equal": 0.0, "kappa": 0.0}
    assert told["disputed"] == [disputed]
    assert told["median_seconds"] == 20.0
    table.summaries.review_study(disputed, 2, opinion(Verdict.CONFIRMED, reader="Dr. C"))
    assert ask("GET", "/v1/agreement", {"from": DAY, "to": DAY}).json["disputed"] == []
    table.summaries.review_study(disputed, 3, opinion(Verdict.WITHDRAWN, reader="Dr. C", seconds=900.0))
    table.summaries.review_study(disputed, 4, opinion(Verdict.CONFIRMED, reader="Dr. A"))
    taken_back = ask("GET", "/v1/agreement", {"from": DAY, "to": DAY}).json
    assert taken_back["disputed"] == [disputed], "a verdict taken back decides nothing"
    assert taken_back["median_seconds"] == 20.0, "taking it back is no look at the case"
    assert ask("GET", "/v1/agreement", {"from": DAY, "to": DAY, "level": "series"}).json["network"]["pairs"] == 0
