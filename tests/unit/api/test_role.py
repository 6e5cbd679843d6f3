"""The role of the results API allows what all its operations ask of AWS, and no more; a link asks for its holder."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from brainscan.api.app import openapi
from brainscan.domain import Export, ExportState, Outcome, TumorClass
from brainscan.store import Table
from brainscan.store.objects import files_key
from brainscan.store.table.keys import Index
from tests.calling import recorded
from tests.chaos.roles import Grant, allowed, covers
from tests.chaos.world import attribute, template_of
from tests.conftest import Stream
from tests.making import NOON, a_record, analyzed
from tests.summaries import DAY, PATIENT, STUDY, a_series
from tests.unit.api.conftest import Ask
from tests.unit.api.sending import addressed, begun, sent, step
from tests.unit.api.test_mask import a_mask

SERVED = (("JwtIssuer", "https://issuer.example"), ("JwtAudience", "brainscan"), ("PageUploads", "true"))

NEVER_FOLLOWED = {("s3:GetObject", "results/origin"), ("s3:PutObject", f"uploads/page/{'0' * 32}")}
"""Links that are made for the host in them, which the page's content security policy names."""

UNSEEN = {
    "xray:PutTraceSegments": "Lambda's own, for its traces",
    "xray:PutTelemetryRecords": "Lambda's own, for its traces",
    "logs:CreateLogStream": "Lambda's own",
    "logs:PutLogEvents": "Lambda's own",
}


@pytest.fixture
def calls(ask: Ask, lagging_table: Table, stream: Stream) -> set[Grant]:
    """What every operation of the API asks for, with something there to answer."""
    table = lagging_table
    waiting = a_record(series_id=a_series().series_id, study_id=STUDY, patient_id=PATIENT)
    keys = {f"{name}_key": f"results/{waiting.scan_id}/0123/{name}.png" for name in ("image", "mask", "result")}
    final = analyzed(waiting, TumorClass.GLIOMA, 0.6, needs_review=True).model_copy(
        update={"rows": 32, "columns": 40, **keys}
    )
    table.scans.register([waiting])
    table.scans.commit([final], [Outcome.QUEUED])
    export = Export(export_id=waiting.export_id, state=ExportState.EXPANDED, received_at=NOON, token="7" * 32)
    table.exports.conclude(export)
    table.statistics.mark_arrival(DAY)
    s3 = boto3.client("s3")
    s3.put_object(Bucket="results", Key=keys["mask_key"], Body=a_mask(0, 0, 10, 10))
    s3.put_object(Bucket="results", Key=files_key(export.export_id), Body=b"")
    files = {"seg": f"reports/{a_series().series_id}/000006/seg.dcm"}
    table.summaries.put(a_series(files=files, key_slice=waiting.scan_id, image_key=keys["image_key"]))
    stream.follow()
    found: set[Grant] = set()
    with recorded(found):
        operations = set(_operations(ask, waiting.scan_id, export.export_id))
    assert operations == {(m.upper(), path) for path, methods in openapi()["paths"].items() for m in methods}
    return found - NEVER_FOLLOWED


def _operations(ask: Ask, scan_id: str, export_id: str) -> Iterator[tuple[str, str]]:
    """Ask every operation, and say which; each is answered."""
    ids = {"scan": scan_id, "series": a_series().series_id, "study": STUDY, "patient": PATIENT, "export": export_id}
    days = {"from": DAY, "to": DAY}
    rows: list[tuple[str, dict[str, Any]]] = [
        ("/v1/scans", each)
        for each in ({}, {"finding": "glioma"}, {"outcome": "analyzed"}, {"review": "needed"}, {"model_id": "f" * 64})
    ]
    rows += [("/v1/scans", {"sort": "probability"}), ("/v1/scans", {"sort": "review"}), ("/v1/scans/counts", {})]
    rows += [(path, {"export_id": export_id}) for path in ("/v1/scans", "/v1/scans/counts")]
    for path in ("/v1/studies", "/v1/series"):
        rows += [(path, {}), (path, {"sort": "volume"}), (path, {"review": "needed"}), (f"{path}/counts", {})]
    rows += [
        *(("/v1/agreement", {"level": each}) for each in ("scans", "series", "studies")),
        ("/v1/drift", {}),
        ("/v1/sites", {}),
    ]
    rows += [("/v1/statistics", {}), ("/v1/models", {}), ("/v1/exports", {"day": DAY})]
    for path, query in rows:
        told = query if "day" in query or path == "/v1/sites" else days | query
        assert ask("GET", path, told).status == 200, path
        yield "GET", path
    for path in [path for path, methods in openapi()["paths"].items() if "get" in methods and "_id}" in path]:
        name = path.partition("{")[2].partition("_id}")[0]
        assert ask("GET", path.replace(f"{{{name}_id}}", ids[name])).status == 200, path
        yield "GET", path
    body = {"verdict": "rejected", "revision": 0}
    for kind, name in (("studies", "study"), ("series", "series"), ("scans", "scan")):
        assert ask("POST", f"/v1/{kind}/{ids[name]}/reviews", body=body).status == 201
        yield "POST", f"/v1/{kind}/{{{name}_id}}/reviews"
    drawn = {"revision": 1, "class": "glioma"}
    assert ask("PUT", f"/v1/scans/{scan_id}/mask", drawn, a_mask(1, 1, 5, 5), content_type="image/png").status == 200
    yield "PUT", "/v1/scans/{scan_id}/mask"
    assert ask("GET", f"/v1/scans/{scan_id}").status == 200  # with a link to what was drawn
    yield from _uploads(ask)


def _uploads(ask: Ask) -> Iterator[tuple[str, str]]:
    upload, other = begun(ask), begun(ask)
    yield "POST", "/v1/uploads"
    addressed(ask, upload, b"1")
    yield "POST", "/v1/uploads/{token}/parts"
    sent(upload, b"1")
    for name, of in (("complete", upload), ("abort", other)):
        assert step(ask, of, name).status == 200
        yield "POST", f"/v1/uploads/{{token}}/{name}"
    assert ask("GET", f"/v1/uploads/{'7' * 32}", {"since": NOON.isoformat()}).status == 200
    yield "GET", "/v1/uploads/{token}"


def test_the_role_allows_what_all_operations_ask_for_and_nothing_besides(calls: set[Grant]) -> None:
    grants = allowed(template_of(SERVED), attribute)["ResultsApi"]
    assert {call for call in calls if not any(covers(grant, call) for grant in grants)} == set()
    unused = {grant for grant in grants if not any(covers(grant, call) for call in calls)}
    assert {grant for grant in unused if grant[0] not in UNSEEN} == set()


def test_the_role_names_every_index_that_is_asked(calls: set[Grant]) -> None:
    assert {to.rpartition("/")[2] for action, to in calls if "/index/" in to} == set(Index)
