"""Lambda entry point: batches of a run over stored scans, as the machine of infra/reprocess.asl.json hands them."""

from functools import cache, partial
from typing import Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from brainscan.domain.reprocess import Batch, RunMode
from brainscan.inference.manifest import Manifest
from brainscan.inference.runtime import Model
from brainscan.observability import error_fields, logger
from brainscan.pipeline.reprocess import active_run, finish, give_up, reprocess_batch
from brainscan.pipeline.serving import fetch_model
from brainscan.pipeline.switch import refuse_unserved, switch_batch
from brainscan.services import services
from brainscan.settings import settings
from brainscan.store.retry import within


class Step(BaseModel):
    """What is asked: that a batch be answered or switched, or its scans be given up; whether the run is finished."""

    step: Literal["answer", "give_up", "finish"]
    run: str
    execution: int = 0
    batch: int | None = None
    scans: tuple[str, ...] = ()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take one step of a run. What it raises, the state machine tries again, or takes as the reason to hold."""
    request = Step.model_validate(event)
    with within(context):
        try:
            return run_step(request)
        except Exception as error:
            logger.error("step failed", run_id=request.run, step=request.step, **error_fields(error))
            raise


def run_step(request: Step) -> dict[str, Any]:
    """Run one step of the state machine."""
    if request.step == "finish":
        run = finish(request.run, request.execution, services().table)
        return {"run": request.run, "state": run.state if run else "unknown"}
    run = active_run(request.run, services().table)
    batch = Batch(run_id=request.run, number=request.batch, scan_ids=request.scans)
    if request.step == "give_up":
        give_up(batch, run, services())
        return {"run": request.run, "failed": len(batch.scan_ids)}
    if run.mode is RunMode.READ:
        return reprocess_batch(batch, run, model(run.model_id), services()).model_dump()
    refuse_unserved(run, shipped(), services().table)
    return switch_batch(batch, run, partial(model, run.model_id), services()).model_dump()


@cache  # a run has one model; a process that is warm may see the next run
def model(model_id: str) -> Model:
    """A run's model, loaded once a process: the image's, or one that was added."""
    if model_id == shipped():
        return Model.load(settings().model_dir)
    return fetch_model(model_id, services().results)


@cache
def shipped() -> str:
    """The id of the model that the image carries."""
    return Manifest.read(settings().model_dir).model_id
