"""A network that costs nothing and is always of one mind, in two versions that answer differently."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from brainscan.domain import CLASSES
from brainscan.inference.manifest import Manifest
from brainscan.inference.runtime import Prediction
from tests.chaos.simulation import ProcessKilledError, Simulation

MODEL_DIR: Final = Path(__file__).parents[2] / "functions/analyze/model"
SECONDS_A_SCAN: Final = 0.12
"""What the served network takes, about."""

MODELS: Final = ("a" * 64, "b" * 64, "c" * 64)


class FakeNetwork:
    """`Model` with the served manifest's input, and answers that depend on the pixels and the model alone."""

    def __init__(self, simulation: Simulation, version: int, poison: frozenset[bytes]) -> None:
        served = Manifest.read(MODEL_DIR)
        self._simulation = simulation
        self._version = version
        self._poison = poison
        self.manifest: Any = served.model_copy(
            update={
                "model_id": MODELS[version],
                "scope": None,
                "input": served.input.model_copy(update={"size": INPUT_SIZE}),
                "thresholds": served.thresholds.model_copy(update={"min_confidence": 0.3, "review_confidence": 0.4}),
            }
        )

    def run(self, batch: npt.NDArray[np.float32]) -> Prediction:
        """Class and mask of each scan; a poisonous one ends the process, and with it everything in the batch."""
        self._simulation.sleep(SECONDS_A_SCAN * len(batch))
        task = self._simulation.current
        if self._poison and task and task.process and any(fingerprint(each) in self._poison for each in batch):
            self._simulation.note("poison: the process is killed")
            self._simulation.kill(task.process)
            raise ProcessKilledError
        sums = np.abs(batch).sum(axis=(1, 2, 3))
        cls = np.zeros((len(batch), len(CLASSES)), np.float32)
        seg = np.full((len(batch), INPUT_SIZE, INPUT_SIZE), -9.0, np.float32)
        for place, total in enumerate(sums):
            call = (int(total * 10) + self._version) % len(CLASSES)
            cls[place, call] = 9.0
            if CLASSES[call] != "no_tumor":
                seg[place, 8:20, 8 : 16 + 4 * self._version] = 9.0
        return Prediction(cls=cls, seg=seg, features=np.zeros((len(batch), 1), np.float32))


INPUT_SIZE: Final = 32


def fingerprint(prepared: npt.NDArray[np.float32]) -> bytes:
    """What tells a prepared scan (N, N, 1) from others."""
    return prepared.astype(np.float32).tobytes()


class TwoModels:
    """The model that is rolled out: the first one, and the second from `second_from` on (simulated seconds).

    Processes that began before keep the model that they loaded.
    """

    def __init__(self, simulation: Simulation, poison: frozenset[bytes], second_from: float = float("inf")) -> None:
        self._simulation = simulation
        self._second_from = second_from
        self._made = [FakeNetwork(simulation, version, poison) for version in range(2)]

    def newest(self) -> FakeNetwork:
        """The model that a process loads now."""
        return self._made[self._simulation.elapsed >= self._second_from]
