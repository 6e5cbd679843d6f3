"""Files come in by links that the API makes: each for one part, and what became of every file is told afterwards."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from brainscan.domain import ExportState, Outcome, Reason, TumorClass
from brainscan.settings import MIB, limits, settings
from brainscan.store import Table
from brainscan.store.multipart import LEAST_PART_BYTES, MOST_PARTS, part_bytes_of
from tests.making import a_record, analyzed
from tests.unit.api.conftest import Ask
from tests.unit.api.sending import TOKEN, addressed, begun, known, sent, sha256, step


class TestSending:
    def test_parts_become_one_object_under_a_key_that_the_server_chose(self, ask: Ask) -> None:
        upload = begun(ask)
        first, second = b"1" * 5 * MIB, b"2"
        sent(upload, second, 2)
        sent(upload, first, 1)
        assert step(ask, upload, "complete").status == 200
        [key] = [each["Key"] for each in boto3.client("s3").list_objects_v2(Bucket="uploads")["Contents"]]
        assert key == f"page/{upload['token']}"
        found = boto3.client("s3").get_object(Bucket="uploads", Key=key)
        assert found["Body"].read() == first + second
        assert found["Metadata"] == {"brainscan-sent-as": upload["token"]}

    def test_it_says_the_site_that_the_page_was_told_and_takes_no_other(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("BRAINSCAN_SITES", "north,south")
        settings.cache_clear()
        new = {"bytes": 100, "archive": False}
        assert ask("POST", "/v1/uploads", body=new | {"site": "west"}).status == 422
        upload = ask("POST", "/v1/uploads", body=new | {"site": "north"}).json
        sent(upload, b"1")
        step(ask, upload, "complete")
        found = boto3.client("s3").head_object(Bucket="uploads", Key=f"page/{upload['token']}")
        assert found["Metadata"] == {"brainscan-sent-as": upload["token"], "brainscan-site": "north"}
        settings.cache_clear()

    def test_a_link_is_for_these_bytes_alone_and_for_minutes(self, ask: Ask) -> None:
        data = b"a part"
        address = addressed(ask, begun(ask), data)
        query = parse_qs(urlsplit(address["url"]).query)
        signed = set(query["X-Amz-SignedHeaders"][0].split(";"))
        assert {"content-length", "x-amz-checksum-sha256"} <= signed
        assert address["headers"] == {"x-amz-checksum-sha256": sha256(data)}
        assert query["X-Amz-Expires"] == ["300"]

    def test_an_upload_that_is_given_up_leaves_nothing(self, ask: Ask) -> None:
        upload = begun(ask)
        sent(upload, b"some")
        assert [step(ask, upload, "abort").status for _ in range(2)] == [200, 200]
        assert step(ask, upload, "complete").status == 404
        assert boto3.client("s3").list_objects_v2(Bucket="uploads")["KeyCount"] == 0

    def test_an_upload_without_parts_is_not_complete(self, ask: Ask) -> None:
        assert step(ask, begun(ask), "complete").status == 409

    @pytest.mark.parametrize(("archive", "kind"), [(False, "a file"), (True, "an archive")])
    def test_what_is_larger_than_what_is_taken_is_refused_before_it_is_sent(
        self, ask: Ask, archive: bool, kind: str
    ) -> None:
        most = limits().archive_bytes if archive else limits().scan_bytes
        assert ask("POST", "/v1/uploads", body={"bytes": most, "archive": archive}).status == 201
        answered = ask("POST", "/v1/uploads", body={"bytes": most + 1, "archive": archive})
        assert (answered.status, answered.json["detail"]) == (422, f"{kind} may have {most} bytes at most")

    def test_who_says_less_than_is_sent_gets_no_object(self, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BRAINSCAN_LIMIT_ARCHIVE_BYTES", str(6 * MIB))
        limits.cache_clear()
        upload = begun(ask)
        sent(upload, b"1" * 5 * MIB, 1)
        sent(upload, b"2" * 2 * MIB, 2)
        answered = step(ask, upload, "complete")
        assert (answered.status, "given up" in answered.json["detail"]) == (409, True)
        assert step(ask, upload, "complete").status == 404

    @pytest.mark.parametrize(
        "wrong",
        [
            {"number": 0},
            {"number": MOST_PARTS + 1},
            {"bytes": 0},
            {"bytes": LEAST_PART_BYTES + 1},
            {"sha256": "short"},
            {"upload_id": ""},
            {"key": "another/key"},
        ],
        ids=str,
    )
    def test_no_link_for_anything_else(self, ask: Ask, wrong: dict[str, Any]) -> None:
        upload = begun(ask)
        body = {"upload_id": upload["upload_id"], "number": 1, "bytes": 1, "sha256": sha256(b"1")} | wrong
        assert ask("POST", f"/v1/uploads/{upload['token']}/parts", body=body).status == 422

    @pytest.mark.parametrize("token", ["..", "0" * 31, "A" * 32, f"{'0' * 32}%2Fx"])
    def test_a_token_names_no_other_key(self, ask: Ask, token: str) -> None:
        body = {"upload_id": "1", "number": 1, "bytes": 1, "sha256": sha256(b"1")}
        assert ask("POST", f"/v1/uploads/{token}/parts", body=body).status in {404, 422}

    def test_the_largest_archive_fits_in_the_parts_that_s3_takes(self) -> None:
        for size in (1, LEAST_PART_BYTES * MOST_PARTS, LEAST_PART_BYTES * MOST_PARTS + 1, 5 * 1024**4):
            assert -(-size // part_bytes_of(size)) <= MOST_PARTS
            assert LEAST_PART_BYTES <= part_bytes_of(size) <= 5 * 1024**3


class TestWhereNothingIsTaken:
    @pytest.fixture
    def shut(self, api: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BRAINSCAN_UPLOADS_BUCKET", "")
        settings.cache_clear()

    def test_the_api_says_what_to_do_instead(self, shut: None, ask: Ask) -> None:
        answered = ask("POST", "/v1/uploads", body={"bytes": 1})
        assert (answered.status, "brainscan upload" in answered.json["detail"]) == (409, True)

    def test_the_page_knows_and_asks_for_no_scope(self, shut: None, ask: Ask) -> None:
        told = ask("GET", "/page.json", claims={}).json
        assert (told["uploads"], told["scopes"]) == (False, ["brainscan/read", "brainscan/review"])

    def test_the_page_may_reach_the_uploads_bucket_only_where_it_sends_to_it(
        self, ask: Ask, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policy = ask("GET", "/", claims={}).headers["Content-Security-Policy"]
        [connect] = [each for each in policy.split("; ") if each.startswith("connect-src")]
        [images] = [each for each in policy.split("; ") if each.startswith("img-src")]
        assert "uploads" in connect
        assert "uploads" not in images


class TestWhatBecameOfIt:
    def test_an_upload_is_found_by_its_token(self, ask: Ask, table: Table) -> None:
        since = {"since": datetime.now(UTC).isoformat()}
        path = f"/v1/uploads/{TOKEN}"
        assert ask("GET", path, since).json["export"] is None
        export = known(table)
        assert ask("GET", path, since).json["export"]["export_id"] == export.export_id

    @pytest.mark.parametrize("at", ["00:00:30", "23:59:30"])
    def test_midnight_and_clocks_that_differ_hide_no_upload(self, table: Table, ask: Ask, at: str) -> None:
        came = datetime.fromisoformat(f"2026-03-01T{at}+00:00")
        known(table, received_at=came)
        for minutes in (-10, 0, 10):
            assert table.exports.by_token(TOKEN, came + timedelta(minutes=minutes))
        assert table.exports.by_token(TOKEN, came + timedelta(hours=1)) is None
        assert table.exports.by_token("8" * 32, came) is None

    @pytest.mark.parametrize("since", ["2026-03-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "now"])
    def test_a_time_that_cannot_be_is_refused(self, ask: Ask, since: str) -> None:
        assert ask("GET", f"/v1/uploads/{TOKEN}", {"since": since}).status == 422

    def test_every_file_has_its_outcome_and_reasons_page_by_page(self, ask: Ask, table: Table) -> None:
        records = [a_record(n) for n in range(3)]
        table.scans.register(records)
        abstained = records[1].model_copy(update={"outcome": Outcome.ABSTAINED, "reasons": (Reason.BLANK_IMAGE,)})
        final = [analyzed(records[0], TumorClass.GLIOMA, 0.9), abstained]
        table.scans.commit(final, [Outcome.QUEUED] * 2)
        rows: list[Any] = [
            ([records[0].scan_id, records[1].scan_id], "queued", []),
            ([records[1].scan_id], "queued", []),
        ]
        rows += [([], "rejected", ["unreadable"]), ([records[2].scan_id], "queued", [])]
        lines = [
            {"index": n, "inner": None, "outcome": outcome, "reasons": reasons, "scan_ids": ids}
            for n, (ids, outcome, reasons) in enumerate(rows)
        ]
        export = known(table, "".join(f"{json.dumps(line)}\n" for line in lines).encode())
        found, query = [], {"limit": 3}
        while True:
            page = ask("GET", f"/v1/exports/{export.export_id}/files", query).json
            found += page["items"]
            if page["cursor"] is None:
                break
            query["cursor"] = page["cursor"]
        assert [(each["index"], each["outcome"], each["reasons"]) for each in found] == [
            (0, "analyzed", []),
            (1, "abstained", ["blank_image"]),
            (2, "rejected", ["unreadable"]),
            (3, "queued", []),
        ]

    def test_files_are_not_listed_before_they_are_known(self, ask: Ask, table: Table) -> None:
        export = known(table, state=ExportState.EXPANDING)
        assert ask("GET", f"/v1/exports/{export.export_id}/files").status == 409
        assert ask("GET", f"/v1/exports/{'0' * 32}/files").status == 404


# -- the role
