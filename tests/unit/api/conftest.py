"""The application over an in-process table and bucket, and a client for it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest

from brainscan.api import app, parameters
from brainscan.api.access import READ, REVIEW, UPLOAD
from brainscan.domain import CLASSES, Export, ExportState, Outcome
from brainscan.settings import limits, settings
from brainscan.store import Table
from brainscan_local.web import event_of
from tests.conftest import TABLE
from tests.making import NOON, a_record, analyzed

DAY = NOON.date().isoformat()
PLACE = {"series_id": "5" * 32, "study_id": "6" * 32, "patient_id": "7" * 32}
READER = {"name": "Dr. Reader", "sub": "reader-1", "scope": f"{READ} {REVIEW} {UPLOAD}"}


@dataclass(frozen=True)
class Answered:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


Ask = Callable[..., Answered]


@pytest.fixture
def api(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The application's environment, over an empty table and bucket."""
    told = {
        "BRAINSCAN_RESULTS_BUCKET": "results",
        "BRAINSCAN_UPLOADS_BUCKET": "uploads",
        "BRAINSCAN_TABLE_NAME": TABLE,
        "POWERTOOLS_SERVICE_NAME": "results_api",
        "POWERTOOLS_METRICS_NAMESPACE": "brainscan",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    for bucket in ("results", "uploads"):
        boto3.client("s3").create_bucket(Bucket=bucket)
    caches = (settings, limits, parameters.the_table, parameters.presigner, parameters.the_inbox)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture
def ask(api: None) -> Ask:
    """Ask the application as API Gateway would: `ask("GET", "/v1/scans", {"limit": 5})`."""

    def asking(
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Any = None,
        claims: Any = READER,
        content_type: str = "application/json",
    ) -> Answered:
        target = f"{path}?{urlencode(query)}" if query else path
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = app.handle_request(event_of(method, target, {"Content-Type": content_type}, data, claims), None)
        return Answered(answer["statusCode"], answer["headers"], answer.get("body") or "")

    return asking


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
