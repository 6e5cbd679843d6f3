"""The API answers what the table holds, in documents that fit its description."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from brainscan.domain import RESEARCH_USE_STATEMENT, Outcome, Report
from brainscan.pipeline.deliver import give_up
from brainscan.services import results
from brainscan.settings import Settings
from brainscan.store import Table
from tests.making import a_record, present
from tests.unit.api.conftest import DAY, Ask


class TestOneThing:
    def test_a_scan_with_what_stands_and_its_links(self, ask: Ask, found: Any) -> None:
        scan = ask("GET", f"/v1/scans/{found[0].scan_id}").json
        assert (scan["finding"], scan["review_state"], scan["revision"]) == ("glioma", "needed", 0)
        assert [link["name"] for link in scan["links"]] == ["image", "mask", "result", "source"]

    @pytest.mark.parametrize("path", ["scans", "series", "exports"])
    def test_what_does_not_exist_is_a_problem(self, ask: Ask, path: str) -> None:
        answered = ask("GET", f"/v1/{path}/{'0' * 32}")
        assert (answered.status, answered.headers["Content-Type"]) == (404, "application/problem+json")

    def test_an_export_shows_its_live_progress(self, ask: Ask, table: Table, found: Any) -> None:
        export_id = found[0].export_id
        table.scans.register([a_record(n) for n in range(40, 44)])
        export = ask("GET", f"/v1/exports/{export_id}").json
        assert (export["scans"], export["done"], export["counts"]) == (44, False, {"queued": 4, "analyzed": 40})
        assert ask("GET", "/v1/exports", {"day": DAY}).json["items"][0]["export_id"] == export_id

    def test_scans_of_a_series_a_study_and_a_patient(self, ask: Ask, found: Any) -> None:
        for path in (f"series/{'5' * 32}", f"studies/{'6' * 32}", f"patients/{'7' * 32}"):
            assert len(ask("GET", f"/v1/{path}/scans", {"limit": 50}).json["items"]) == 40, path

    def test_a_series_lists_what_was_last_written_for_it(self, ask: Ask, found: Any) -> None:
        for name in ("000001/report.dcm", "000002/segmentation.dcm"):
            boto3.client("s3").put_object(Bucket="results", Key=f"reports/{'5' * 32}/{name}", Body=b"DICM")
        series = ask("GET", f"/v1/series/{'5' * 32}").json
        assert (series["expected"], series["remaining"]) == (40, 0)
        assert [(link["name"], link["content_type"]) for link in series["links"]] == [
            ("segmentation.dcm", "application/dicom")
        ]

    def test_a_series_says_that_its_report_did_not_reach_the_pacs_and_why(
        self, ask: Ask, table: Table, found: Any
    ) -> None:
        report = Report(series_id="5" * 32, revision=1, outcome=Outcome.ANALYZED)
        assert table.reports.commit(report)
        assert ask("GET", f"/v1/series/{'5' * 32}").json["delivery"] is None
        assert give_up(report, table)
        told = ask("GET", f"/v1/series/{'5' * 32}").json["delivery"]
        assert (told["state"], told["reason"], told["objects"]) == ("failed", "retries_exhausted", 0)

    def test_a_series_of_more_files_than_a_page_of_s3_holds_lists_the_last_revision(
        self, ask: Ask, found: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        s3 = boto3.client("s3")
        monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "7")  # AWS: 1,000
        for revision in range(1, 7):
            for name in ("capture.dcm", "report.dcm", "segmentation.dcm"):
                s3.put_object(Bucket="results", Key=f"reports/{'5' * 32}/{revision:06d}/{name}", Body=b"DICM")
        links = ask("GET", f"/v1/series/{'5' * 32}").json["links"]
        assert len(links) == 3
        assert all("/000006/" in link["url"] for link in links)

    @pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1"])
    def test_links_lead_to_the_buckets_own_region(self, monkeypatch: pytest.MonkeyPatch, region: str) -> None:
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        told = Settings(results_bucket="brainscan-results", table_name="scans")
        link = urlsplit(results(told).presigned("results/mask.png", "image/png", "mask.png", 60))
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        assert (link.netloc, link.path) == (f"brainscan-results.s3.{region}.{suffix}", "/results/mask.png")

    def test_statistics_and_models_of_days(self, ask: Ask, found: Any) -> None:
        query = {"from": DAY, "to": DAY}
        [day] = ask("GET", "/v1/statistics", query).json["days"]
        assert (day["outcomes"], day["findings"]["glioma"], day["reviews"]) == ({"analyzed": 40}, 10, {"needed": 14})
        assert ask("GET", "/v1/models", query).json["models"] == [{"model_id": "f" * 64, "scans": 40}]


class TestLinks:
    def test_links_name_type_and_file_and_open_the_object(self, ask: Ask, table: Table, found: Any) -> None:
        links = {link["name"]: link for link in ask("GET", f"/v1/scans/{found[0].scan_id}").json["links"]}
        mask = links["mask"]
        assert mask["content_type"] == "image/png"
        query = parse_qs(urlsplit(mask["url"]).query)
        assert query["response-content-type"] == ["image/png"]
        short = found[0].scan_id[:12]
        assert query["response-content-disposition"] == [f'attachment; filename="brainscan-{short}-mask.png"']
        assert query["X-Amz-Expires"] == ["300"]
        assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]

    def test_links_say_when_they_end(self, ask: Ask, found: Any) -> None:
        before = datetime.now(UTC)
        [link, *_] = ask("GET", f"/v1/scans/{found[0].scan_id}").json["links"]
        assert timedelta(0) <= datetime.fromisoformat(link["expires_at"]) - before - timedelta(seconds=300)


class TestReviews:
    def test_a_reader_confirms_and_the_name_comes_from_the_token(self, ask: Ask, found: Any) -> None:
        path = f"/v1/scans/{found[0].scan_id}/reviews"
        answered = ask("POST", path, body={"verdict": "confirmed", "revision": 0})
        assert (answered.status, answered.json["review"]["reader"]) == (201, "Dr. Reader")
        confirmed = ask("GET", "/v1/scans", {"review": "confirmed", "from": DAY, "to": DAY}).json["items"]
        assert [item["scan_id"] for item in confirmed] == [found[0].scan_id]
        assert [review["revision"] for review in ask("GET", path).json["items"]] == [1]

    def test_a_second_reader_who_saw_the_old_revision_is_told_so(self, ask: Ask, found: Any) -> None:
        path = f"/v1/scans/{found[0].scan_id}/reviews"
        ask("POST", path, body={"verdict": "rejected", "revision": 0})
        assert ask("POST", path, body={"verdict": "confirmed", "revision": 0}).status == 409

    def test_what_is_no_review_is_a_problem_and_changes_nothing(self, ask: Ask, table: Table, found: Any) -> None:
        bodies: list[bytes | dict[str, Any]] = [
            {},
            {"verdict": "confirmed"},
            {"verdict": "corrected", "revision": 0},
            {"verdict": "confirmed", "corrected": "glioma", "revision": 0},
            {"verdict": "confirmed", "revision": 0, "reader": "somebody else"},
            b"not json",
            b"",
        ]
        for body in bodies:
            answered = ask("POST", f"/v1/scans/{found[0].scan_id}/reviews", body=body)
            assert (answered.status, answered.headers["Content-Type"]) == (422, "application/problem+json"), body
        assert present(table.scans.get(found[0].scan_id)).revision == 0


class TestProblems:
    @pytest.mark.parametrize(
        ("method", "path", "query", "status"),
        [
            ("GET", "/v1/scans", {"limit": 0}, 422),
            ("GET", "/v1/scans", {"finding": "astrocytoma"}, 422),
            ("GET", "/v1/scans", {"from": "1900-01-01", "to": "2026-03-01"}, 422),
            ("GET", "/v1/scans", {"from": "2026-03-02", "to": "2026-03-01"}, 422),
            ("GET", "/v1/scans", {"cursor": "nonsense"}, 400),
            ("GET", "/v1/scans/JOHN^DOE", None, 422),
            ("GET", "/v1/nothing", None, 404),
            ("DELETE", "/v1/scans", None, 405),
            ("GET", "/static/../app.py", None, 404),
        ],
    )
    def test_wrong_requests_are_told_what_is_wrong(
        self, ask: Ask, method: str, path: str, query: dict[str, Any] | None, status: int
    ) -> None:
        answered = ask(method, path, query)
        assert (answered.status, answered.json["status"]) == (status, status)
        assert answered.json["research_use"] == RESEARCH_USE_STATEMENT

    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("/v1/statistics", "only these query parameters are known here: from, to"),
            (f"/v1/scans/{'0' * 32}", "no query parameter is known here"),
        ],
    )
    def test_a_parameter_that_an_operation_does_not_take_is_refused_and_not_ignored(
        self, ask: Ask, path: str, told: str
    ) -> None:
        answered = ask("GET", path, {"form": DAY})
        assert (answered.status, answered.json["detail"]) == (422, told)

    def test_no_problem_and_no_log_repeats_what_was_sent(self, ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
        secret = "DOE^JANE"
        for query in ({"cursor": secret}, {"finding": secret}, {"from": secret}, {secret: secret}):
            assert secret not in ask("GET", "/v1/scans", query).body
        assert secret not in ask("GET", f"/v1/scans/{secret}").body
        assert secret not in ask("POST", f"/v1/scans/{'0' * 32}/reviews", body={"verdict": secret, secret: 1}).body
        assert secret not in caplog.text

    @pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data", "application/x-www-form-urlencoded"])
    def test_a_body_that_is_not_json_is_told_so(self, ask: Ask, content_type: str) -> None:
        answered = ask("POST", f"/v1/scans/{'0' * 32}/reviews", body={}, content_type=content_type)
        assert (answered.status, answered.headers["Content-Type"]) == (415, "application/problem+json")

    def test_a_body_that_is_not_text_is_told_so(self, ask: Ask) -> None:
        assert ask("POST", f"/v1/scans/{'0' * 32}/reviews", body=b"\xff\xfe").status == 400

    def test_a_number_is_no_day_and_a_foreign_character_no_path(self, ask: Ask) -> None:
        assert ask("GET", "/v1/statistics", {"to": "0"}).status == 422
        assert ask("GET", "/v1/scans/%C2%84").status == 404

    def test_a_surprise_is_logged_and_not_told(self, ask: Ask, dynamodb: Any, caplog: pytest.LogCaptureFixture) -> None:
        dynamodb.delete_table(TableName="scans")
        answered = ask("GET", f"/v1/scans/{'0' * 32}")
        assert (answered.status, answered.json["title"]) == (500, "Internal Server Error")
        assert "ResourceNotFound" not in answered.body
        assert "request failed" in caplog.text


class TestAccessInTheFunction:
    @pytest.mark.parametrize(
        ("claims", "status"),
        [
            ({}, 401),
            ({"scope": "brainscan/read"}, 401),
            ({"sub": "x"}, 403),
            ({"sub": "x", "scope": "brainscan/review"}, 403),
            ({"sub": "x", "scope": "brainscan/read"}, 200),
            ({"sub": "x", "scp": ["brainscan/read"]}, 200),
        ],
    )
    def test_reading_needs_its_scope(self, ask: Ask, claims: dict[str, Any], status: int) -> None:
        answered = ask("GET", "/v1/scans", claims=claims)
        assert answered.status == status
        assert (status == 401) == ("WWW-Authenticate" in answered.headers)

    def test_reviewing_needs_its_own_scope(self, ask: Ask, found: Any) -> None:
        path, body = f"/v1/scans/{found[0].scan_id}/reviews", {"verdict": "confirmed", "revision": 0}
        assert ask("POST", path, body=body, claims={"sub": "x", "scope": "brainscan/read"}).status == 403

    def test_the_page_and_the_description_hold_no_data_and_need_no_token(self, ask: Ask) -> None:
        assert [ask("GET", path, claims={}).status for path in ("/", "/page.json", "/openapi.json")] == [200] * 3


def test_every_answer_forbids_caching_framing_and_foreign_scripts(ask: Ask) -> None:
    for path in ("/", "/v1/scans", "/v1/nothing"):
        headers = ask("GET", path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe-inline" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask("GET", "/v1/scans").headers["Cache-Control"] == "no-store"
