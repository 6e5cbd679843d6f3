"""Stored scans that a world took in and answered, switched by the state machine to the version that is served."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from unittest.mock import patch

import numpy as np

from brainscan.domain import ANSWERED, TUMORS, ScanRecord
from brainscan.domain.model_version import ModelState, Rollout
from brainscan.domain.reprocess import Run, RunMode
from brainscan.imaging.mask import encode_mask
from brainscan.pipeline import runs, serving
from brainscan.pipeline.reader_masks import DrawnMask, save_reader_mask
from tests.chaos.faults import Rates
from tests.chaos.left import Left
from tests.chaos.machine import Machine
from tests.chaos.network import MODELS, FakeNetwork
from tests.chaos.test_switch import decide, version
from tests.chaos.uploads import uploads
from tests.chaos.world import Scenario, World, world_of
from tests.making import present


@contextmanager
def answered(seed: int, rates: Rates) -> Iterator[World]:
    """A world in which the first version has answered all, and a reader has drawn a mask of one scan."""
    with world_of(Scenario(seed, tuple(uploads(seed, 20, 6.0)), rates)) as world:
        networks = {model_id: FakeNetwork(world.simulation, n, frozenset()) for n, model_id in enumerate(MODELS)}
        with patch.object(serving, "fetch_model", lambda model_id, _: networks[model_id]):
            world.run()
            _draw(world)
            yield world


def _draw(world: World) -> None:
    scan = next(each for each in stored(world) if each.predicted in TUMORS and each.mask_key)
    mask = np.zeros((present(scan.rows), present(scan.columns)), dtype=bool)
    mask[5:15, 5:15] = True
    drawn = DrawnMask(encode_mask(mask), present(scan.predicted), "dr.k")
    save_reader_mask(drawn, scan.scan_id, scan.revision, world.services.results, world.services.table)
    world.simulation.run()


def stored(world: World) -> list[ScanRecord]:
    """Scans that stand and that a version has answered."""
    found = world.services.table.scans.get_many(list(Left(world).scans)).values()
    return [each for each in found if each.outcome in ANSWERED and not each.superseded]


def switch(world: World, model_id: str) -> None:
    """Serve a version, and bring along all that is stored, with a pause on the way."""
    table, records = world.services.table, stored(world)
    served = Rollout(revision=table.models.rollout().revision + 1, served=model_id)
    decide(world, served, model_id, ModelState.SERVED, version(model_id))
    batches = runs.batch_series(list(map(runs.StoredScan.of, records)))
    run = Run(
        run_id=f"5f0e1a2b3c{served.revision:02d}",
        model_id=model_id,
        mode=RunMode.SWITCH,
        selection="all",
        by="a test",
        started_at=datetime.fromtimestamp(world.simulation.now, UTC),
        scans=len(records),
        batches=len(batches),
        most_at_once=4,
        dollars_per_second=0.0,
        dollars_per_scan=0.0,
    )
    Machine(world).carry_out(run, batches, 2.0)
    if (state := runs.run_of(run.run_id, table)).state != "finished":
        raise AssertionError(f"the run is {state.state}: {state.why}")
