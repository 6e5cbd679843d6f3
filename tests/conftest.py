"""Fixtures that several rooms of the tests share."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from cfn_flip import load_yaml  # type: ignore[import-untyped]
from moto import mock_aws

from brainscan.local import moto_dynamodb
from brainscan.store import Scans

ROOT = Path(__file__).parent.parent
TABLE = "scans"


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """In-process DynamoDB with the table that the template describes."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    moto_dynamodb.patch()
    with mock_aws():
        client = boto3.client("dynamodb")
        properties = load_yaml((ROOT / "template.yaml").read_text())["Resources"]["Scans"]["Properties"]
        kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        client.create_table(TableName=TABLE, **{name: properties[name] for name in kept})
        yield client


@pytest.fixture
def scans(dynamodb) -> Scans:
    """The repository over an empty table."""
    return Scans(dynamodb, TABLE)
