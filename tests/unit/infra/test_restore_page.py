"""docs/erasure-and-restore.md: its AWS commands exist with their options, and the template keeps what it says."""

import re
import shlex
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from samtranslator.yaml_helper import yaml_parse

from brainscan.store import ObjectVersions, Results

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/erasure-and-restore.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = [line.strip() for block in BLOCKS for line in block.replace("\\\n", " ").splitlines() if "aws " in line]
GLOBAL = {"query", "output"}
"""Options that every command of the AWS CLI takes."""
RESOURCES: dict[str, Any] = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) == 8


@pytest.mark.parametrize("line", [each for each in COMMANDS if "aws s3 " not in each and " wait " not in each])
def test_each_command_is_the_services_with_options_that_it_takes(line: str, aws: None) -> None:
    words = shlex.split(line.rstrip("|"))
    service, operation = words[1:3]
    client = boto3.client({"s3api": "s3"}.get(service, service))  # type: ignore[call-overload]
    names = {xform_name(name, "-"): name for name in client.meta.service_model.operation_names}
    model = client.meta.service_model.operation_model(names[operation])
    options = {word.removeprefix("--") for word in words if word.startswith("--")}
    assert options - GLOBAL <= {xform_name(name, "-") for name in model.input_shape.members}
    assert {xform_name(name, "-") for name in model.input_shape.required_members} <= options


@pytest.mark.parametrize("bucket", ["UploadsBucket", "ResultsBucket"])
def test_both_buckets_keep_versions_as_long_as_the_page_says(bucket: str) -> None:
    properties = RESOURCES[bucket]["Properties"]
    assert properties["VersioningConfiguration"]["Status"] == "Enabled"
    rules = {rule["Id"]: rule for rule in properties["LifecycleConfiguration"]["Rules"]}
    kept = rules["forget-old-versions"]["NoncurrentVersionExpiration"]["NoncurrentDays"]
    assert kept == {"Ref": "NoncurrentVersionDays"}
    assert RESOURCES[bucket]["DeletionPolicy"] == "Retain"


def test_the_table_can_be_restored_and_outlives_the_stack_as_the_secret_does() -> None:
    table = RESOURCES["Scans"]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["UpdateReplacePolicy"] == "Retain"
    assert {RESOURCES[name]["DeletionPolicy"] for name in ("Scans", "PseudonymSecret")} == {"Retain"}


def test_deleted_objects_come_back_by_their_delete_markers_and_former_versions_by_a_copy(aws: None) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="results")
    s3.put_bucket_versioning(Bucket="results", VersioningConfiguration={"Status": "Enabled"})
    results, versions = Results(s3, "results"), ObjectVersions(s3)
    results.put("results/a/result.json", b"first", "application/json")
    former = versions.of("results", "results/a/result.json")[0].version_id
    results.put("results/a/result.json", b"second", "application/json")
    results.delete(["results/a/result.json"])
    listed = s3.list_object_versions(Bucket="results", Prefix="results/a/")
    for marker in [each for each in listed["DeleteMarkers"] if each["IsLatest"]]:
        s3.delete_object(Bucket="results", Key=marker["Key"], VersionId=marker["VersionId"])
    assert results.get("results/a/result.json") == b"second"
    s3.copy_object(
        Bucket="results", Key="results/a/result.json", CopySource=f"results/results/a/result.json?versionId={former}"
    )
    assert results.get("results/a/result.json") == b"first"
