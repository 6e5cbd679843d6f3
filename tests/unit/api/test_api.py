"""The API answers what the table holds, in documents that fit its description."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from brainscan.api import page
from brainscan.api.issuer import forget
from brainscan.domain import CLASSES, RESEARCH_USE_STATEMENT, Export, ExportState, Outcome, Report, TumorClass
from brainscan.pipeline.deliver import give_up
from brainscan.services import results
from brainscan.settings import Settings, settings
from brainscan.store import Table
from tests.making import NOON, a_record, analyzed, present
from tests.unit.api.conftest import Ask

DAY = NOON.date().isoformat()
PLACE = {"series_id": "5" * 32, "study_id": "6" * 32, "patient_id": "7" * 32}


@pytest.fixture
def found(table: Table) -> Any:
    """Forty analyzed scans of an export, ten of each class, every third to review."""
    records = [a_record(n, order=n, **PLACE) for n in range(40)]
    table.exports.conclude(
        Export(export_id=records[0].export_id, state=ExportState.EXPANDED, received_at=NOON, files=40)
    )
    table.scans.register(records)
    final = [
        analyzed(r, CLASSES[n % 4], 0.5 + n / 100, needs_review=n % 3 == 0).model_copy(
            update={f"{name}_key": f"results/{r.scan_id}/{name}" for name in ("image", "mask", "result")}
        )
        for n, r in enumerate(records)
    ]
    table.scans.commit(final, [Outcome.QUEUED] * 40)
    return final


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


class TestPage:
    @pytest.mark.parametrize(
        "path",
        sorted(f"/static/{each}" for each in (*page.GENERATED, *(path.name for path in page.STATIC.glob("*.*")))),
    )
    def test_every_file_is_served_as_what_it_is(self, ask: Ask, path: Any) -> None:
        answered = ask("GET", path, claims={})
        assert answered.status == 200
        kinds = {"js": "text/javascript", "css": "text/css", "html": "text/html", "svg": "image/svg+xml"}
        assert answered.headers["Content-Type"] == kinds[path.rpartition(".")[2]]

    def test_a_sign_in_is_offered_where_the_deployment_has_a_client_for_it(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert ask("GET", "/page.json", claims={}).json["client_id"] == ""
        with describing({"token_endpoint": "https://tokens.example/oauth2/token"}) as issuer:
            monkeypatch.setenv("BRAINSCAN_OIDC_ISSUER", issuer)
            monkeypatch.setenv("BRAINSCAN_OIDC_CLIENT_ID", "page")
            settings.cache_clear()
            answered = ask("GET", "/page.json", claims={})
        assert answered.json["scopes"] == ["brainscan/read", "brainscan/review", "brainscan/upload"]
        assert answered.json["authorization_endpoint"] == f"{issuer}/authorize"
        assert answered.json["token_endpoint"] == "https://tokens.example/oauth2/token"

    def test_the_page_may_reach_the_host_that_gives_tokens_and_no_path_is_named(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with describing({"token_endpoint": "https://tokens.example/oauth2/token"}, "/realms/hospital") as issuer:
            monkeypatch.setenv("BRAINSCAN_OIDC_ISSUER", issuer)
            monkeypatch.setenv("BRAINSCAN_OIDC_CLIENT_ID", "page")
            settings.cache_clear()
            policy = ask("GET", "/", claims={}).headers["Content-Security-Policy"]
        [connect] = [each.split()[1:] for each in policy.split("; ") if each.startswith("connect-src")]
        assert "https://tokens.example" in connect
        assert not [source for source in connect if "/" in source.partition("://")[2]]

    @pytest.mark.parametrize(
        "said",
        [{"issuer": "https://another.example"}, {"token_endpoint": "http://tokens.example"}, {"token_endpoint": None}],
    )
    def test_an_issuer_that_is_not_what_it_should_be_is_left_alone_and_the_page_stands(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any]
    ) -> None:
        with describing(said) as issuer:
            monkeypatch.setenv("BRAINSCAN_OIDC_ISSUER", issuer)
            monkeypatch.setenv("BRAINSCAN_OIDC_CLIENT_ID", "page")
            settings.cache_clear()
            told = ask("GET", "/page.json", claims={}).json
        assert (told["client_id"], told["authorization_endpoint"], told["token_endpoint"]) == ("page", "", "")
        assert ask("GET", "/", claims={}).status == 200


@contextmanager
def describing(said: dict[str, object], path: str = "") -> Iterator[str]:
    """An issuer on this machine that describes itself, but for what it says otherwise; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document = {"issuer": issuer, "authorization_endpoint": f"{issuer}/authorize"} | said
            known = self.path == f"{path}/.well-known/openid-configuration"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    forget()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = f"http://127.0.0.1:{server.server_port}{path}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield issuer
        server.shutdown()


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
