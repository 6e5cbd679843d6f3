"""The API against its own description: no surprise, and no answer that the description does not have."""

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import boto3
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from brainscan.api import app
from brainscan.domain import CLASSES, Export, ExportState, Outcome
from brainscan.store import Table
from brainscan.store.objects import files_key
from brainscan_local.web import serving
from tests.conftest import TABLE
from tests.making import NOON, a_record, analyzed
from tests.summaries import a_series
from tests.unit.api.conftest import READER

CASES = int(os.environ.get("BRAINSCAN_FUZZ_CASES", "10"))
"""For each operation; 360 and more make 5,000 in all."""

TOKEN = "Bearer reader"

KNOWN = {"scan_id": a_record(0).scan_id, "export_id": a_record(0).export_id, "token": "9" * 32} | {
    f"{name}_id": digit * 32 for name, digit in (("series", "5"), ("study", "6"), ("patient", "7"))
}
"""Ids that exist: random ones alone would never get past 404."""

schema = schemathesis.openapi.from_dict(app.openapi())


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    """Half of the sound ids become ids of something that exists; unsound ones stay so."""
    if not path_parameters:
        return path_parameters
    return {name: KNOWN[name] if _odd(value) else value for name, value in path_parameters.items()}


@schemathesis.hook
def filter_query(context: Any, query: Any) -> Any:
    """A request line of more than 10 KB is refused by API Gateway, and never reaches the API."""
    return len(urlencode(query or {}, doseq=True)) < 10_000


def _odd(value: Any) -> Any:
    return bool(re.fullmatch("[0-9a-f]{32}", str(value))) and int(value, 16) % 2 == 1


@pytest.fixture
def address(api: None, dynamodb: Any) -> Iterator[str]:
    """The API served over HTTP, with scans in the table."""
    table = Table.over(dynamodb, TABLE)
    records = [
        a_record(n, series_id="5" * 32, study_id="6" * 32, patient_id="7" * 32).model_copy(
            update={"mask_key": f"results/{n}/mask.png"}
        )
        for n in range(12)
    ]
    table.exports.conclude(Export(export_id=records[0].export_id, state=ExportState.EXPANDED, received_at=NOON))
    boto3.client("s3").put_object(Bucket="results", Key=files_key(records[0].export_id), Body=b"")
    table.scans.register(records)
    final = [analyzed(r, CLASSES[n % 4], 0.9, needs_review=n < 6) for n, r in enumerate(records[:10])]
    table.scans.commit(final, [Outcome.QUEUED] * 10)
    table.summaries.put(a_series(0, series_id="5" * 32))
    table.statistics.mark_arrival(NOON.date().isoformat())
    with serving(
        app.handle_request, lambda headers, *_: READER if headers.get("Authorization") == TOKEN else {}
    ) as address:
        yield address


@schema.parametrize()
@settings(
    max_examples=CASES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_every_operation_keeps_to_the_description(case: Any, address: str) -> None:
    # What makes a cursor, a range of days or a correction sound is beyond JSON Schema: a refusal is an answer.
    excluded = [positive_data_acceptance]
    headers = {"Authorization": TOKEN, "Connection": "close"}
    case.call_and_validate(base_url=address, headers=headers, excluded_checks=excluded, timeout=60)
