"""On the laptop stack, by commands: stored scans are read again through the state machine, with kills, each once."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import TumorClass
from brainscan.domain.reprocess import Batch, BatchDone, Run, RunState
from brainscan.inference.runtime import Model
from brainscan.pipeline import reprocess, runs
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.services import Services, services
from brainscan.settings import Limits
from brainscan_local.phantom import GLIOMA, head, to_dicom, to_png
from brainscan_local.stack import LocalStack
from tests.making import zipped
from tests.tiny_model import write_model


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with LocalStack() as running:
        yield running


def put(stack: LocalStack, name: str, data: bytes) -> None:
    stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=name, Body=data)
    stack.drain(timeout_s=240)


def command(stack: LocalStack, *arguments: str) -> str:
    env = {
        "COLUMNS": "400",
        "BRAINSCAN_TABLE_NAME": stack.table_name,
        "BRAINSCAN_RESULTS_BUCKET": stack.results_bucket,
        "BRAINSCAN_REPROCESS_MACHINE": stack.machine_arn("ReprocessMachine"),
    }
    done = CliRunner().invoke(app, arguments, env=env)
    assert done.exit_code == 0, done.output
    return done.output


def results(stack: LocalStack) -> list[dict[str, Any]]:
    return [json.loads(line) for line in command(stack, "results", "--format", "json").splitlines()]


class Deaths:
    """The function's process dies once when it has read a batch, and whenever it reads one scan's bytes."""

    def __init__(self, module: Any, deadly: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        self._answer, self._deadly = module.reprocess_batch, deadly
        self.batches = 0
        self.in_the_middle, self.go_on = Event(), Event()
        monkeypatch.setattr(module, "reprocess_batch", self.reprocess_batch)
        monkeypatch.setattr(reprocess, "predict", self.predict)

    def reprocess_batch(self, batch: Batch, run: Run, model: Model, services: Services) -> BatchDone:
        self.batches += 1
        if self.batches >= 4:
            self.in_the_middle.set()
            self.go_on.wait(120)
        done: BatchDone = self._answer(batch, run, model, services)
        if self.batches == 1:
            raise KeyboardInterrupt
        return done

    def predict(self, sources: Sequence[ScanBytes], model: Model, limits: Limits) -> list[ScanPrediction]:
        if any(each.data == self._deadly for each in sources):
            raise SystemExit("out of memory")
        return predict(sources, model, limits)


def test_stored_scans_are_read_again_each_once_whatever_dies(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    phantom = head(seed=7, lesion=GLIOMA, size=96, slices=12)
    put(stack, "series.zip", zipped({f"IM{n}": each for n, each in enumerate(to_dicom(phantom)[:9])}))
    put(stack, "picture.png", to_png(phantom.volume[5]))
    before = results(stack)
    gone, deadly = [each for each in before if each.get("series_id")][:2]
    s3, bucket = stack.client("s3"), {"Bucket": stack.results_bucket}
    s3.delete_object(**bucket, Key=gone["staged_key"])
    candidate = write_model(tmp_path / "artifact", TumorClass.PITUITARY)
    command(stack, "model", "add", str(tmp_path / "artifact"))

    monkeypatch.setattr(runs, "BATCH", 2)
    bytes_of_deadly = s3.get_object(**bucket, Key=deadly["staged_key"])["Body"].read()
    deaths = Deaths(sys.modules["brainscan_local_Reprocess"], bytes_of_deadly, monkeypatch)
    told = command(stack, "reprocess", "--model", candidate[:8], "--all", "--at-once", "2", "--yes")
    assert "10 scans in 5 batches" in told
    run_id = told.split("run ")[1].split()[0]

    def state() -> dict[str, Any]:
        return json.loads(command(stack, "reprocess", "status", run_id, "--json"))

    stack.run_until(deaths.in_the_middle.is_set, timeout_s=120)
    command(stack, "reprocess", "pause", run_id)
    deaths.go_on.set()
    assert state()["run"]["state"] == "paused"
    assert state()["batches"] < 5
    command(stack, "reprocess", "resume", run_id)

    def is_finished() -> bool:
        run = services().table.runs.get(run_id)
        return run is not None and run.state is RunState.FINISHED

    stack.run_until(is_finished, timeout_s=180)

    found = state()
    assert (found["batches"], found["answered"], found["gone"], found["failed"]) == (5, 8, 1, 1)
    assert found["dead"] == [deadly["scan_id"]]
    assert results(stack) == before
    keys = [each["Key"] for each in s3.list_objects_v2(**bucket, Prefix="shadow/")["Contents"]]
    objects = [s3.get_object(**bucket, Key=key)["Body"].read() for key in keys]
    said = [json.loads(line)["scan_id"] for each in objects for line in each.splitlines()]
    assert sorted(said) == sorted({each["scan_id"] for each in before} - {gone["scan_id"], deadly["scan_id"]})
    assert "8 scans" in command(stack, "model", "diff", candidate[:8], "--out", str(tmp_path / "diff"))

    command(stack, "model", "serve", candidate[:8], "--override", "--reason", "a test")
    run_id = command(stack, "reprocess", "--switch", "--all", "--yes").split("run ")[1].split()[0]
    stack.run_until(is_finished, timeout_s=180)
    found = state()
    # A series of which one slice has no answer stays whole as it was; the picture is the candidate's.
    assert (found["answered"], found["gone"], found["failed"]) == (1, 9, 0)
    models = {(each.get("series_id"), each["model_id"]) for each in results(stack)}
    assert len(models) == 2
    assert (None, candidate) in models
