"""`brainscan train`: look at the data, submit a training job."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from rich.console import Console

from brainscan.cli.train_job import Job, JobError, model_version, pack_source, request, tuning_request
from brainscan_local.paths import CheckoutError, checkout

app = typer.Typer(help="Audit the data, submit a training job.", no_args_is_help=True, rich_markup_mode="markdown")

WRONG_USAGE = 2
NOT_REACHED = 3
JOB_FAILED = 4


@app.command()
def audit(
    data: Annotated[
        list[Path],
        typer.Argument(exists=True, file_okay=False, readable=True, help="Folders of public sets, as downloaded."),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("out/audit"),
) -> None:
    """Count, compare and question the scans of public sets; write an HTML and a JSON report.

    Needs the `train` extra and a checkout. Example: `brainscan train audit ../shared/data --out out/audit`

    Exit codes: 0 written; 2 a folder is missing, cannot be read or has no known layout, or there is no checkout.
    """
    command = [sys.executable, "-m", "training.datasets.audit", *map(str, _absolute(data)), "--out", str(out.resolve())]
    # A process of its own: the package never imports `training`, which imports the package.
    raise typer.Exit(subprocess.run(command, cwd=_checkout(), check=False).returncode)  # noqa: S603


@app.command()
def submit(
    image: Annotated[str, typer.Option(help="Training image that holds the `train` extra and the SageMaker toolkit.")],
    role: Annotated[str, typer.Option(help="ARN of the job's role.")],
    bucket: Annotated[str, typer.Option(help="s3://BUCKET[/PREFIX] for source, checkpoints and output.")],
    data: Annotated[str, typer.Option(help="s3:// prefix of the data.")],
    kms_key: Annotated[str, typer.Option(help="KMS key of output and volumes.")],
    init: Annotated[str | None, typer.Option(help="s3:// prefix of weights to start from.")] = None,
    name: Annotated[str | None, typer.Option(help="The job's name; default by the time.")] = None,
    instance_type: Annotated[str, typer.Option(help="Instance type.")] = "ml.g5.xlarge",
    instances: Annotated[int, typer.Option(min=1, help="Number of instances.")] = 1,
    hyperparameter: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE, may repeat.")] = None,
    register: Annotated[str | None, typer.Option(help="Model package group that gets the model on success.")] = None,
    definition: Annotated[Path | None, typer.Option(help="Job definition; default infra/training-job.json.")] = None,
    tune: Annotated[bool, typer.Option("--tune", help="Search hyperparameters, by infra/tuning-job.json.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the request and send nothing.")] = False,
) -> None:
    """Submit a SageMaker training job; with `--register`, wait for it and register its model.

    With `--tune` it is a tuning job, whose training jobs do the same with hyperparameters of their own.

    Example: `brainscan train submit --image IMAGE --role ARN --bucket s3://b/brainscan --data s3://b/data
    --kms-key alias/brainscan --set epochs=30 --dry-run`

    Exit codes: 0 submitted (and registered); 2 wrong usage; 3 AWS refused or is not reached; 4 the job failed.
    """
    root = _checkout()
    if tune and register:
        raise typer.BadParameter("a search has many models; register the best one's job", param_hint="--register")
    job = Job(
        name=name or f"brainscan-{datetime.now(UTC):%Y%m%d-%H%M%S}",
        image=image,
        role=role,
        bucket=bucket.rstrip("/"),
        data=data.rstrip("/"),
        kms_key=kms_key,
        instance_type=instance_type,
        instances=instances,
        init=init.rstrip("/") if init else None,
        hyperparameters=dict(_pair(text) for text in hyperparameter or []),
    )
    try:
        parameters = request(definition or root / "infra/training-job.json", job)
        if tune:
            parameters = tuning_request(root / "infra/tuning-job.json", parameters)
    except JobError as error:
        raise _stop(str(error), WRONG_USAGE) from error
    _check_settings(root, job)
    if dry_run:
        typer.echo(json.dumps(parameters, indent=2))
        return
    try:
        _send(job, parameters, pack_source(root), register)
    except WaiterError as error:
        raise _stop(f"the training job {job.name} did not succeed: {error}", JOB_FAILED) from error
    except (BotoCoreError, ClientError) as error:
        raise _stop(f"AWS refused: {error}", NOT_REACHED) from error


def _check_settings(root: Path, job: Job) -> None:
    """Refuse what the run itself would refuse, before anything is sent, by the code that is sent.

    Raises:
        typer.Exit: a hyperparameter is unknown or out of range; it was named.
    """
    arguments = [f"{name}={value}" for name, value in job.hyperparameters.items()]
    command = [sys.executable, "-m", "training.fitting.hyperparameters", *arguments]
    checked = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)  # noqa: S603
    if checked.returncode:
        raise _stop(f"--set: {checked.stderr.strip()}", WRONG_USAGE)


def _send(job: Job, parameters: dict[str, Any], source: bytes, group: str | None) -> None:
    """Upload the source, create the job or the search and, if a group is named, wait and register."""
    console = Console()
    bucket, _, prefix = job.source.removeprefix("s3://").partition("/")
    boto3.client("s3").put_object(Bucket=bucket, Key=f"{prefix}/source.tar.gz", Body=source)
    sagemaker: Any = boto3.client("sagemaker")
    if "HyperParameterTuningJobName" in parameters:
        sagemaker.create_hyper_parameter_tuning_job(**parameters)
    else:
        sagemaker.create_training_job(**parameters)
    console.print(f"submitted {job.name}")
    if group is None:
        return
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=job.name)
    finished = sagemaker.describe_training_job(TrainingJobName=job.name)
    if finished["TrainingJobStatus"] != "Completed":
        raise _stop(f"the training job {job.name} ended as {finished['TrainingJobStatus']}", JOB_FAILED)
    registered = sagemaker.create_model_package(**model_version(job, group, finished))
    console.print(f"registered {registered['ModelPackageArn']}")


def _absolute(paths: list[Path]) -> list[Path]:
    return [path.resolve() for path in paths]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--set")
    return name, value


def _checkout() -> Path:
    try:
        return checkout()
    except CheckoutError as error:
        raise _stop(str(error), WRONG_USAGE) from error


def _stop(text: str, code: int) -> typer.Exit:
    Console(stderr=True).print(f"[red]{text}[/red]")
    return typer.Exit(code)
