"""The network as it is served: one LiteRT interpreter a process, its file's digest verified."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from brainscan.inference.manifest import MODEL_FILE, Manifest, ModelError

MIB_PER_VCPU: Final = 1769
"""AWS Lambda grants one virtual CPU for this much memory."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network says of a batch: `cls` (B, classes) logits, `seg` (B, N, N) logits, `features` (B, F)."""

    cls: npt.NDArray[np.float32]
    seg: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]


class Model:
    """A loaded model with its manifest. Not for two threads at once: the interpreter has one set of buffers.

    Example:
        network = Model.load(Path("functions/analyze/model"))
        prediction = network.run(np.stack([prepare(pixels, network.manifest.input.size).input]))
    """

    def __init__(self, interpreter: Interpreter, manifest: Manifest) -> None:
        self.manifest = manifest
        self._signature = interpreter.get_signature_runner()

    @classmethod
    def load(cls, model_dir: Path, threads: int | None = None) -> Self:
        """Load the model in a folder, after comparing its digest with the manifest.

        Args:
            model_dir: holds `model.tflite` and `manifest.json`.
            threads: for one run; as many as the environment grants cores if None.

        Raises:
            ModelError: a file is missing, the manifest is malformed, or the model is not the manifest's.
        """
        manifest = Manifest.read_verified(model_dir)
        path = model_dir / MODEL_FILE
        loaded = cls(Interpreter(model_path=str(path), num_threads=threads or granted_cores()), manifest)
        if loaded.logits != len(manifest.classes):
            raise ModelError(
                f"{MODEL_FILE} tells {loaded.logits} classes apart, the manifest names {len(manifest.classes)}; "
                "export the model that was trained for these classes"
            )
        return loaded

    @property
    def logits(self) -> int:
        """How many classes the network tells apart."""
        return int(self._signature.get_output_details()["cls"]["shape"][-1])

    def run(self, batch: npt.NDArray[np.float32]) -> Prediction:
        """Run the network once for all scans; the interpreter takes the batch's size at no measurable cost.

        Args:
            batch: (B, N, N, 1) as `imaging.prepare` makes it, B at least 1.

        Raises:
            ValueError: the shape is not the manifest's.
        """
        size = self.manifest.input.size
        if batch.ndim != 4 or not len(batch) or batch.shape[1:] != (size, size, 1):
            raise ValueError(f"expected (batch, {size}, {size}, 1), got {batch.shape}")
        answer = self._signature(scan=batch.astype(np.float32, copy=False))
        return Prediction(cls=answer["cls"], seg=answer["seg"][..., 0], features=answer["features"])


def granted_cores() -> int:
    """Cores that this process may use: of its CPU set, and on AWS Lambda of its share by memory; at least 1."""
    # macOS and Windows know no CPU set.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory_mib = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    if memory_mib is None:
        return cores
    return max(1, min(cores, round(int(memory_mib) / MIB_PER_VCPU)))
