"""The same network as static int8 by ONNX Runtime's quantizer, answered by ONNX Runtime or by OpenVINO.

Runs with the packages of requirements/peers.txt: `python -m tests.bench.peers convert SAVED_MODEL ONNX SIZE IMAGE...`
makes the file, `python -m tests.bench.peers onnxruntime|openvino ONNX SIZE IMAGE...` answers image by image, as
`tests.bench.usual` does. Ranges are fixed by the images themselves: speed is measured here, not what is right.
"""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.bench.usual import Answer, answer_all, read

OPSET = "17"


def convert(saved_model: str, onnx: str, size: int, images: list[str]) -> None:
    """SavedModel to ONNX, and that to int8: per channel for weights, per tensor for activations."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Images(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._rest = iter(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            path = next(self._rest, None)
            return None if path is None else {"scan": read(path, size)}

    command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", saved_model, "--output", f"{onnx}.float"]
    subprocess.run([*command, "--opset", OPSET], check=True, capture_output=True)
    quant_pre_process(f"{onnx}.float", f"{onnx}.ready", skip_symbolic_shape=True)
    quantize_static(f"{onnx}.ready", onnx, Images(), quant_format=QuantFormat.QDQ, per_channel=True)


def onnxruntime(onnx: str) -> Callable[[np.ndarray], Answer]:
    """The file in ONNX Runtime, on all cores."""
    from onnxruntime import InferenceSession

    session = InferenceSession(onnx, providers=["CPUExecutionProvider"])
    return lambda scan: tuple(session.run(["cls", "seg"], {"scan": scan}))


def openvino(onnx: str) -> Callable[[np.ndarray], Answer]:
    """The file in OpenVINO, compiled for one image at a time."""
    from openvino import Core

    # What is not int8 stays float32: with bfloat16, a processor's default, layers between have no implementation.
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled: Any = Core().compile_model(onnx, "CPU", settings)

    def network(scan: np.ndarray) -> Answer:
        said = compiled({"scan": scan})
        return said["cls"], said["seg"]

    return network


def main(what: str, *told: str) -> None:
    """Convert, or answer."""
    if what == "convert":
        saved_model, onnx, size, *images = told
        convert(saved_model, onnx, int(size), images)
        return
    onnx, size, *images = told
    answer_all({"onnxruntime": onnxruntime, "openvino": openvino}[what](onnx), int(size), images)


if __name__ == "__main__":
    main(*sys.argv[1:])
