"""A reader draws a mask: it lies beside the network's, its verdict names it, and the role allows that and no more."""

import io
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
from PIL import Image

from brainscan.domain import Outcome, ReviewState, ScanRecord, TumorClass, Verdict
from brainscan.imaging.reader_mask import MOST_BYTES, tumor_pixels
from brainscan.store import Table
from tests.chaos.roles import allowed, covers
from tests.chaos.world import template_of
from tests.listing import listed_scans
from tests.making import a_record, analyzed, opinion, present
from tests.unit.api.calls import recorded
from tests.unit.api.conftest import READER, Ask

SERVED = (("JwtIssuer", "https://issuer.example"), ("JwtAudience", "brainscan"))
SECOND = READER | {"name": "Dr. Second"}


def a_mask(*box: Any, size: tuple[int, int] = (40, 32)) -> bytes:
    """A rectangle of tumor, by left, top, right and bottom, on a scan of 32 rows and 40 columns."""
    image, out = Image.new("1", size), io.BytesIO()
    if box:
        image.paste(1, box)
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def scan(ask: Ask, table: Table) -> ScanRecord:
    """A scan that the network calls a glioma, with its mask."""
    waiting = a_record()
    final = analyzed(waiting, TumorClass.GLIOMA, 0.6, needs_review=True)
    key = f"results/{waiting.scan_id}/0123/mask.png"
    table.scans.register([waiting])
    table.scans.commit([final.model_copy(update={"rows": 32, "columns": 40, "mask_key": key})], [Outcome.QUEUED])
    boto3.client("s3").put_object(Bucket="results", Key=key, Body=a_mask(0, 0, 10, 10))
    return final


@pytest.fixture
def draw(ask: Ask, scan: ScanRecord) -> Callable[..., Any]:
    """Send a mask of the scan."""

    def drawing(png: Any, called: str = "glioma", revision: int = 0, **other: Any) -> Any:
        query = {"revision": revision, "class": called, **other.pop("query", {})}
        told = {"content_type": "image/png"} | other
        return ask("PUT", f"/v1/scans/{scan.scan_id}/mask", query, png, **told)

    return drawing


def drawn_files() -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket="results", Prefix="drawn/").get("Contents", [])
    return [each["Key"] for each in listed]


def read(key: str) -> bytes:
    return boto3.client("s3").get_object(Bucket="results", Key=key)["Body"].read()


def test_a_drawn_mask_lies_beside_the_networks_and_its_verdict_names_it(
    draw: Callable[..., Any], scan: ScanRecord, table: Table
) -> None:
    answered = draw(a_mask(5, 0, 15, 10), query={"seconds": 12})
    assert (answered.status, answered.json["review_state"]) == (200, "confirmed")
    after = present(table.scans.get(scan.scan_id))
    assert present(after.review).drawn_key == drawn_files()[0]
    assert present(after.review).dice == pytest.approx(0.5)
    assert (present(after.review).reader, present(after.review).seconds, after.revision) == ("Dr. Reader", 12, 1)
    assert tumor_pixels(read(present(present(after.review).drawn_key))) == 100
    assert read(present(after.mask_key)) == a_mask(0, 0, 10, 10)
    assert "Reader" not in present(present(after.review).drawn_key)
    assert "reader_mask" in {link["name"] for link in answered.json["links"]}


def test_another_class_with_a_mask_is_a_correction_and_an_empty_mask_calls_no_tumor(
    draw: Callable[..., Any], table: Table, scan: ScanRecord
) -> None:
    assert draw(a_mask(1, 1, 5, 5), "meningioma").json["finding"] == "meningioma"
    assert draw(a_mask(), "no_tumor", 1).json["finding"] == "no_tumor"
    verdicts = [(each.verdict, each.corrected) for each in table.scans.history(scan.scan_id)]
    assert verdicts == [(Verdict.CORRECTED, TumorClass.MENINGIOMA), (Verdict.CORRECTED, TumorClass.NO_TUMOR)]


@pytest.mark.parametrize(("png", "called"), [(a_mask(), "glioma"), (a_mask(1, 1, 5, 5), "no_tumor")])
def test_a_mask_that_contradicts_its_class_is_refused(
    draw: Callable[..., Any], table: Table, scan: ScanRecord, png: Any, called: str
) -> None:
    answered = draw(png, called)
    assert (answered.status, drawn_files()) == (422, [])
    assert "empty mask goes with no_tumor" in answered.json["detail"]
    assert present(table.scans.get(scan.scan_id)).review is None


def test_a_repeat_changes_nothing_and_a_second_mask_never_goes_over_the_first(
    draw: Callable[..., Any], table: Table, scan: ScanRecord
) -> None:
    first = draw(a_mask(1, 1, 5, 5)).json
    assert draw(a_mask(1, 1, 5, 5)).json["revision"] == first["revision"] == 1
    assert len(drawn_files()) == 1
    draw(a_mask(1, 1, 6, 6), revision=1)
    draw(a_mask(1, 1, 6, 6), revision=2, claims=SECOND)
    assert len(drawn_files()) == 3
    history = table.scans.history(scan.scan_id)
    assert [tumor_pixels(read(present(each.drawn_key))) for each in history] == [16, 25, 25]


def test_who_has_not_seen_the_latest_verdict_leaves_no_file(
    draw: Callable[..., Any], table: Table, scan: ScanRecord
) -> None:
    table.scans.review(scan.scan_id, 0, opinion(Verdict.REJECTED, reader="Dr. Second"))
    assert draw(a_mask(1, 1, 5, 5)).status == 409
    assert drawn_files() == []


@pytest.mark.parametrize(
    ("png", "other", "status", "said"),
    [
        (a_mask(1, 1, 5, 5, size=(32, 40)), {}, 422, "the scan 32 and 40"),
        (b"nonsense", {}, 422, "no PNG"),
        (a_mask(1, 1, 5, 5) + bytes(MOST_BYTES), {}, 413, "at most 1048576 bytes"),
        (a_mask(1, 1, 5, 5), {"content_type": "application/json"}, 415, "image/png"),
        (a_mask(1, 1, 5, 5), {"claims": READER | {"scope": "brainscan/read"}}, 403, "brainscan/review"),
        (a_mask(1, 1, 5, 5), {"claims": {}}, 401, "token"),
        (a_mask(1, 1, 5, 5), {"query": {"revision": -1}}, 422, ""),
        (None, {}, 422, "no PNG"),
    ],
    ids=["other size", "no PNG", "too large", "other type", "may only read", "nobody", "no revision", "nothing"],
)
def test_what_is_no_mask_is_refused_with_what_to_send(
    draw: Callable[..., Any], png: Any, other: dict[str, Any], status: int, said: str
) -> None:
    answered = draw(png, **other)
    assert answered.status == status
    assert said in answered.json["detail"]
    assert drawn_files() == []


def test_a_scan_without_a_finding_has_nothing_to_draw_on(ask: Ask, table: Table, scan: ScanRecord) -> None:
    waiting = a_record(1)
    table.scans.register([waiting])
    path = f"/v1/scans/{waiting.scan_id}/mask?" + urlencode({"revision": 0, "class": "glioma"})
    assert ask("PUT", path, None, a_mask(1, 1, 2, 2), content_type="image/png").status == 422
    missing = path.replace(waiting.scan_id, "0" * 32)
    assert ask("PUT", missing, None, a_mask(1, 1, 2, 2), content_type="image/png").status == 404


def test_who_judges_again_without_drawing_keeps_the_mask_for_the_same_class(
    draw: Callable[..., Any], ask: Ask, table: Table, scan: ScanRecord
) -> None:
    draw(a_mask(1, 1, 5, 5))
    path = f"/v1/scans/{scan.scan_id}/reviews"
    ask("POST", path, body={"verdict": "confirmed", "revision": 1})
    assert present(present(table.scans.get(scan.scan_id)).review).drawn_key == drawn_files()[0]
    ask("POST", path, body={"verdict": "confirmed", "revision": 2}, claims=SECOND)
    assert present(present(table.scans.get(scan.scan_id)).review).drawn_key is None
    ask("POST", path, body={"verdict": "corrected", "corrected": "pituitary", "revision": 3})
    assert present(present(table.scans.get(scan.scan_id)).review).drawn_key is None
    masks = [each["mask"] for each in ask("GET", path).json["items"]]
    assert [bool(each) for each in masks] == [True, True, False, False]
    assert drawn_files()[0] in masks[0]["url"]


def test_the_role_allows_what_drawing_asks_for_and_writes_nowhere_else(draw: Callable[..., Any]) -> None:
    with recorded() as calls:
        assert draw(a_mask(1, 1, 5, 5)).status == 200
    asked = {(f"s3:{operation}", f"ResultsBucket/{of['Key']}") for service, operation, of in calls if service == "s3"}
    assert {action for action, _ in asked} == {"s3:GetObject", "s3:PutObject"}
    grants = {each for each in allowed(template_of(SERVED), lambda name, _: name)["ResultsApi"] if each[0][:2] == "s3"}
    assert [call for call in asked if not any(covers(grant, call) for grant in grants)] == []
    assert {to for action, to in grants if action != "s3:GetObject"} == {"ResultsBucket/drawn/*", "ResultsBucket"}
    assert {action for action, to in grants if to == "ResultsBucket"} == {"s3:ListBucket"}


def test_a_verdict_that_is_taken_back_takes_its_mask_back(
    draw: Callable[..., Any], ask: Ask, table: Table, scan: ScanRecord
) -> None:
    draw(a_mask(1, 1, 5, 5))
    after = ask("POST", f"/v1/scans/{scan.scan_id}/reviews", body={"verdict": "withdrawn", "revision": 1}).json
    assert "reader_mask" not in {link["name"] for link in after["links"]}
    assert [each.scan_id for each in listed_scans(table, scan.day, review=ReviewState.CONFIRMED)] == []


def test_the_agreement_of_scans_tells_how_far_masks_overlap(
    draw: Callable[..., Any], ask: Ask, table: Table, scan: ScanRecord
) -> None:
    draw(a_mask(0, 0, 10, 10), query={"seconds": 8})
    draw(a_mask(5, 0, 15, 10), revision=1, claims=SECOND, query={"seconds": 20})
    told = ask("GET", "/v1/agreement", {"from": scan.day, "to": scan.day, "level": "scans"}).json
    assert told["reader_masks"] == {"pairs": 1, "mean_dice": 0.5}
    assert told["network_masks"] == {"pairs": 1, "mean_dice": 0.5}
    of_reader = {name: (each["masks"]["mean_dice"], each["median_seconds"]) for name, each in told["by_reader"].items()}
    assert of_reader == {"Dr. Reader": (1.0, 8.0), "Dr. Second": (0.5, 20.0)}
    assert told["readers"]["pairs"] == 1


def test_a_mask_is_put_and_nothing_else(ask: Ask, scan: ScanRecord) -> None:
    for method in ("POST", "DELETE"):
        refused = ask(method, f"/v1/scans/{scan.scan_id}/mask", None, a_mask(1, 1, 5, 5), content_type="image/png")
        assert (refused.status, refused.headers["Allow"]) == (405, "PUT")
