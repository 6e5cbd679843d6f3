"""The model that docs/scale.md plans with says of a simulated run what that run does, within a fifth."""

import pytest

from tests.bench.flow import Functions, flow
from tests.bench.scale import ANALYZE_CALLS, CALL_S
from tests.chaos.calls import Client
from tests.chaos.contention import WRITE_S, bench
from tests.chaos.functions import COLD_START_S
from tests.chaos.network import SECONDS_A_SCAN

BATCH = 8


@pytest.mark.parametrize(("slices", "workers"), [(320, 4), (800, 20), (1600, 100)])
def test_the_model_reproduces_the_contention_run(slices: int, workers: int) -> None:
    fixed_s = ANALYZE_CALLS * sum(Client.latency_s) / 2 + sum(WRITE_S) / 2
    functions = Functions(workers, BATCH, fixed_s, SECONDS_A_SCAN, COLD_START_S)
    told, ran = flow([(0.0, slices)], functions), bench(slices, workers)
    print(f"{workers} workers: the model {told.last_s:.1f} s, the run {ran.last_slice_s:.1f} s")
    assert told.last_s == pytest.approx(ran.last_slice_s, rel=0.2)
    assert told.most_at_once == workers


def test_the_latency_that_is_planned_with_is_that_of_the_runs() -> None:
    assert sum(Client.latency_s) / 2 == CALL_S
