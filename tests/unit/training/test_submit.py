"""`brainscan train submit`: the request, and what AWS would make of it."""

import io
import json
import re
import tarfile
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from typer.testing import CliRunner, Result

from brainscan.cli.train import app
from tests.making import present
from training.fitting.loop import metric_line

ROOT = Path(__file__).parents[3]
ARGUMENTS = [
    "submit",
    *("--image", "123456789012.dkr.ecr.us-east-1.amazonaws.com/brainscan-training:1"),
    *("--role", "arn:aws:iam::123456789012:role/training"),
    *("--bucket", "s3://models/brainscan/"),
    *("--data", "s3://data/public"),
    *("--kms-key", "alias/brainscan"),
    *("--name", "brainscan-test"),
]


def submit(*more: str) -> Result:
    return CliRunner().invoke(app, [*ARGUMENTS, *more])


def dry_run(*more: str) -> dict[str, Any]:
    result = submit("--dry-run", *more)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def faults(operation: str, request: dict[str, Any]) -> str:
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model(operation).input_shape
    return str(ParamValidator().validate(request, present(shape)).generate_report())


def test_a_dry_run_prints_a_request_that_botocore_accepts_and_sends_nothing(aws: None) -> None:
    request = dry_run("--set", "epochs=3", "--init", "s3://weights/start", "--instances", "2")

    assert faults("CreateTrainingJob", request) == ""
    assert request["HyperParameters"]["epochs"] == "3"
    assert request["ResourceConfig"]["InstanceCount"] == 2
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["code", "training", "init"]
    assert boto3.client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []


def test_botocore_would_refuse_a_broken_request() -> None:
    request = dry_run()
    request["StoppingCondition"]["MaxRuntimeInSeconds"] = "long"

    assert "MaxRuntimeInSeconds" in faults("CreateTrainingJob", request)


def test_the_job_is_spot_isolated_encrypted_and_keeps_checkpoints() -> None:
    request = dry_run()

    assert request["EnableManagedSpotTraining"] is True
    assert request["EnableNetworkIsolation"] is True
    assert request["EnableInterContainerTrafficEncryption"] is True
    assert request["OutputDataConfig"]["KmsKeyId"] == request["ResourceConfig"]["VolumeKmsKeyId"] == "alias/brainscan"
    assert request["CheckpointConfig"] == {
        "S3Uri": "s3://models/brainscan/checkpoints/brainscan-test",
        "LocalPath": "/opt/ml/checkpoints",
    }
    limits = request["StoppingCondition"]
    assert limits["MaxWaitTimeInSeconds"] >= limits["MaxRuntimeInSeconds"]


def test_every_metric_definition_reads_its_number_from_an_epochs_line() -> None:
    line = metric_line(
        {
            "epoch": 0,
            "cls_loss": 9.0,
            "loss": 0.5,
            "cheng_figshare_accuracy": 0.91,
            "cheng_figshare_dice": 1e-05,
            "lgg_kaggle_3m_accuracy": 0.8,
            "lgg_kaggle_3m_dice": 0.4,
            "score": 0.7,
            "seconds": 12.0,
        }
    )
    definitions = dry_run()["AlgorithmSpecification"]["MetricDefinitions"]
    read = {each["Name"]: [float(text) for text in re.findall(each["Regex"], line)] for each in definitions}

    assert read == {
        "train:loss": [0.5],
        "validation:score": [0.7],
        "validation:cheng_accuracy": [0.91],
        "validation:cheng_dice": [1e-05],
        "validation:lgg_accuracy": [0.8],
        "validation:lgg_dice": [0.4],
        "epoch:seconds": [12.0],
    }


def test_a_search_runs_the_same_jobs_over_the_ranges_of_the_tuning_definition(aws: None) -> None:
    single, search = dry_run(), dry_run("--tune")

    assert faults("CreateHyperParameterTuningJob", search) == ""
    assert len(search["HyperParameterTuningJobName"]) <= 32
    inner = search["TrainingJobDefinition"]
    assert inner["StaticHyperParameters"] == single["HyperParameters"]
    assert inner["CheckpointConfig"] == single["CheckpointConfig"]
    assert inner["EnableNetworkIsolation"] is True
    objective = search["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    assert objective in [each["Name"] for each in inner["AlgorithmSpecification"]["MetricDefinitions"]]
    boto3.client("s3").create_bucket(Bucket="models")
    assert submit("--tune").exit_code == 0
    listed = boto3.client("sagemaker").list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    assert [each["HyperParameterTuningJobName"] for each in listed] == ["brainscan-test"]


def test_a_search_registers_nothing() -> None:
    assert submit("--tune", "--register", "brainscan", "--dry-run").exit_code == 2


def test_the_source_goes_up_the_job_runs_and_the_model_is_registered(aws: None) -> None:
    s3, sagemaker = boto3.client("s3"), boto3.client("sagemaker")
    s3.create_bucket(Bucket="models")
    sagemaker.create_model_package_group(ModelPackageGroupName="brainscan")

    result = submit("--register", "brainscan")

    assert result.exit_code == 0, result.output
    job = sagemaker.describe_training_job(TrainingJobName="brainscan-test")
    assert job["HyperParameters"]["sagemaker_program"] == "training/train.py"
    source = s3.get_object(Bucket="models", Key="brainscan/source/brainscan-test/source.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(source)) as archive:
        names = archive.getnames()
    assert {"training/train.py", "brainscan/imaging/prepare.py"} <= set(names)
    packages = sagemaker.list_model_packages(ModelPackageGroupName="brainscan")["ModelPackageSummaryList"]
    assert [package["ModelApprovalStatus"] for package in packages] == ["PendingManualApproval"]


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("epochs", "NAME=VALUE"),
        ("=3", "NAME=VALUE"),
        ("sagemaker_program=other.py", "sagemaker_program"),
        ("epochs=banana", "epochs"),
        ("epochs=0", "epochs"),
        ("epoch=3", "epoch"),
        ("slices_per_epoch=7", "batch_size"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(setting: str, named: str) -> None:
    refused = submit("--dry-run", "--set", setting)
    assert refused.exit_code == 2
    assert named in refused.output
    assert "TrainingJobName" not in refused.stdout


def test_a_refusal_by_aws_is_told_by_exit_code(aws: None) -> None:
    assert submit().exit_code == 3  # the bucket does not exist
