"""Runs over stored scans, gone through without a state machine."""

from brainscan.domain.reprocess import Batch, Run
from brainscan.inference.runtime import Model
from brainscan.pipeline.reprocess import active_run, finish, reprocess_batch
from brainscan.pipeline.runs import manifest
from brainscan.store.objects import manifest_key
from tests.conftest import World

SCANS = 5


class Executions:
    """A state machine that does nothing but say which manifests it was to go through."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.stopped: list[str] = []

    def start(self, run: Run, _bucket: str) -> None:
        self.started.append(manifest_key(run.run_id, run.execution))

    def stop(self, run: Run) -> None:
        self.stopped.append(manifest_key(run.run_id, run.execution))


def batches_of(run: Run, world: World) -> list[Batch]:
    return [
        Batch(run_id=run.run_id, number=number, scan_ids=tuple(scans))
        for number, scans in manifest(run, world.services.results)
    ]


def go_through(run: Run, world: World, model: Model) -> None:
    for batch in batches_of(run, world):
        reprocess_batch(batch, active_run(run.run_id, world.services.table), model, world.services)
    finish(run.run_id, run.execution, world.services.table)
