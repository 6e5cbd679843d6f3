"""The real template's resources exist locally with the settings that the template gives them."""

import json
from functools import cache
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from brainscan.store.table.keys import Index
from brainscan_local.resources import Resources
from brainscan_local.template import Template, TemplateError

PATH = Path(__file__).parents[3] / "template.yaml"


@cache
def template() -> Template:
    return Template(PATH)


@pytest.fixture
def made(aws: None) -> Resources:
    """Everything of the template in in-process AWS."""
    resources = Resources(template(), cache(boto3.client))
    resources.make_all()
    return resources


@pytest.mark.parametrize("logical_id", ["UploadsBucket", "ResultsBucket"])
def test_buckets_are_private_encrypted_and_versioned(made: Resources, logical_id: str) -> None:
    s3, bucket = boto3.client("s3"), made.attribute(logical_id, "Ref")
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    [ownership] = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert ownership["ObjectOwnership"] == "BucketOwnerEnforced"


def test_lifecycle_rules_arrive(made: Resources) -> None:
    bucket = made.attribute("ResultsBucket", "Ref")
    found = boto3.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    rules: dict[str, Any] = {rule["ID"]: rule for rule in found}
    assert rules["forget-staged-scans"]["Expiration"]["Days"] == 15
    assert rules["forget-staged-scans"]["Filter"]["Prefix"] == "sources/"
    assert rules["forget-old-versions"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 30
    assert rules["forget-unfinished-uploads"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7


def test_an_upload_is_announced_in_the_upload_queue(made: Resources) -> None:
    bucket = made.attribute("UploadsBucket", "Ref")
    boto3.client("s3").put_object(Bucket=bucket, Key="a b.png", Body=b"pixels")
    url = made.attribute("UploadQueue", "Ref")
    messages = boto3.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    bodies = [json.loads(message["Body"]) for message in messages]
    assert [body.get("Event") for body in bodies] == ["s3:TestEvent", None]
    assert bodies[1]["Records"][0]["s3"]["object"]["key"] == "a+b.png"


def test_queues_have_their_timeouts_and_dead_letter_queues(made: Resources) -> None:
    url = made.attribute("ScanQueue", "Ref")
    found = boto3.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    redrive = json.loads(found["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == made.attribute("ScanGiveUpQueue", "Arn")
    assert redrive["maxReceiveCount"] == 12
    assert found["VisibilityTimeout"] == "721"
    assert found["SqsManagedSseEnabled"] == "true"


def test_the_table_has_its_indexes_stream_recovery_and_time_to_live(made: Resources) -> None:
    dynamodb, name = boto3.client("dynamodb"), made.attribute("Scans", "Ref")
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {index.value for index in Index}
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert made.attribute("Scans", "StreamArn") == table["LatestStreamArn"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    lifetime = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lifetime == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_the_pseudonym_secret_is_another_one_in_every_stack(made: Resources) -> None:
    secrets = boto3.client("secretsmanager")
    value = secrets.get_secret_value(SecretId=made.attribute("PseudonymSecret", "Ref"))["SecretString"]
    secrets.delete_secret(SecretId=made.attribute("PseudonymSecret", "Ref"), ForceDeleteWithoutRecovery=True)
    other = Resources(template(), cast(Any, boto3.client)).attribute("PseudonymSecret", "Ref")
    assert len(value) == 64
    assert secrets.get_secret_value(SecretId=other)["SecretString"] != value


def test_a_property_that_would_be_lost_is_refused(aws: None, tmp_path: Path) -> None:
    text = "Resources: {Queue: {Type: 'AWS::SQS::Queue', Properties: {FifoQueue: true}}}"
    (tmp_path / "template.yaml").write_text(text)
    resources = Resources(Template(tmp_path / "template.yaml"), cast(Any, boto3.client))
    with pytest.raises(TemplateError, match="does not know FifoQueue of Queue"):
        resources.make_all()


def test_a_resource_that_is_not_made_locally_is_named(made: Resources) -> None:
    with pytest.raises(TemplateError, match="IntakeLogGroup is AWS::Logs::LogGroup"):
        made.attribute("IntakeLogGroup", "Arn")
    with pytest.raises(TemplateError, match=r"UploadQueue\.Colour does not exist"):
        made.attribute("UploadQueue", "Colour")
