"""What `brainscan train submit` sends: the job definition filled in, the source packed, the model registered."""

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any, Final

from brainscan.domain import BrainscanError

SOURCE_FOLDERS: Final = {"training": "training", "layers/brainscan/brainscan": "brainscan"}
"""Folders of the checkout, and where the source archive holds them: both are importable from its root."""
TOOLKIT_PREFIX: Final = "sagemaker_"
OF_SINGLE_JOBS: Final = frozenset({"TrainingJobName", "HyperParameters", "AlgorithmSpecification", "Tags"})
"""Parameters of a training job that a search's jobs do not have, or have under another name."""


class JobError(BrainscanError):
    """A training job cannot be submitted as asked; the text says why."""


@dataclass(frozen=True)
class Job:
    """What a submission decides; the job definition says the rest.

    `bucket` and `data` are S3 URIs without trailing slash; `init` too, where the run starts from weights.
    """

    name: str
    image: str
    role: str
    bucket: str
    data: str
    kms_key: str
    instance_type: str
    instances: int = 1
    init: str | None = None
    hyperparameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """Where the packed source goes; its own prefix, because a channel takes all that is below it."""
        return f"{self.bucket}/source/{self.name}"


def request(definition: Path, job: Job) -> dict[str, Any]:
    """The parameters of `create_training_job`.

    Raises:
        JobError: the definition is not JSON, or names a value that no job has.
    """
    values = {name: getattr(job, name) for name in Job.__dataclass_fields__} | {"source": job.source}
    try:
        filled: dict[str, Any] = _filled(json.loads(definition.read_text()), values)
    except (OSError, ValueError, KeyError) as error:
        raise JobError(f"the job definition {definition.name} cannot be used: {error}") from error
    filled["HyperParameters"] |= _hyperparameters(job.hyperparameters)
    filled["ResourceConfig"]["InstanceCount"] = job.instances
    if job.init is not None:
        filled["InputDataConfig"].append(_channel("init", job.init))
    return filled


def tuning_request(definition: Path, training: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `create_hyper_parameter_tuning_job`.

    Args:
        definition: says what is searched and for what.
        training: from `request`, what every job of the search does.

    Raises:
        JobError: the definition is not JSON.
    """
    try:
        filled: dict[str, Any] = json.loads(definition.read_text())
    except (OSError, ValueError) as error:
        raise JobError(f"the tuning definition {definition.name} cannot be used: {error}") from error
    kept = {name: value for name, value in training.items() if name not in OF_SINGLE_JOBS}
    algorithm = dict(training["AlgorithmSpecification"])
    algorithm.pop("EnableSageMakerMetricsTimeSeries", None)
    return {
        # SageMaker appends to a search's name to name its jobs, and allows 32 characters.
        "HyperParameterTuningJobName": training["TrainingJobName"][-32:].lstrip("-"),
        **filled,
        "TrainingJobDefinition": {
            **kept,
            "AlgorithmSpecification": algorithm,
            "StaticHyperParameters": training["HyperParameters"],
        },
        "Tags": training["Tags"],
    }


def pack_source(checkout: Path) -> bytes:
    """A gzipped tar of the code that runs in the job; the same code gives the same bytes."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=6) as tar:
        for folder, name in SOURCE_FOLDERS.items():
            for path in sorted((checkout / folder).rglob("*.py")):
                member = tarfile.TarInfo(f"{name}/{path.relative_to(checkout / folder).as_posix()}")
                content = path.read_bytes()
                member.size, member.mode = len(content), 0o644
                tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()


def model_version(job: Job, group: str, finished: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of `create_model_package` for the artifact of a finished job; it awaits approval.

    Args:
        job: what was submitted.
        group: model package group that the version joins.
        finished: answer of `describe_training_job`.
    """
    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": "Tumor class and mask of brain MR slices. Research use only.",
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [{"Image": job.image, "ModelDataUrl": finished["ModelArtifacts"]["S3ModelArtifacts"]}],
            "SupportedContentTypes": ["application/x-npy"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
        "CustomerMetadataProperties": {"training_job": job.name},
    }


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """The definition with every `${name}` replaced."""
    if isinstance(value, dict):
        return {key: _filled(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    # A regular expression ends in `$` legitimately; only what looks like a name in braces is one.
    return Template(value).substitute(values) if isinstance(value, str) and "${" in value else value


def _hyperparameters(given: Mapping[str, str]) -> dict[str, str]:
    """SageMaker takes texts; names of the toolkit's own are not for users."""
    reserved = [name for name in given if name.startswith(TOOLKIT_PREFIX)]
    if reserved:
        raise JobError(f"hyperparameters {', '.join(reserved)} are set by the job definition")
    return {name: str(value) for name, value in given.items()}


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}
