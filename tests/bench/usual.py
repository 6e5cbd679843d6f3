"""The way this is usually done: Keras `load_model` and `predict`, image by image. Run as a process of its own."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Answer = tuple[np.ndarray, np.ndarray]
"""Logits of the classes, (1, 4), and of the mask, (1, N, N, 1)."""


def answer_all(network: Callable[[np.ndarray], Answer], size: int, images: list[str]) -> None:
    """Answer every image; print when the first answer was there, and the warm time of each of the others."""
    seconds: list[float] = []
    for path in images:
        begin = time.perf_counter()
        classes, mask = network(read(path, size))
        probabilities = np.exp(classes[0]) / np.exp(classes[0]).sum()
        drawn = Image.fromarray(((mask[0, ..., 0] > 0) * 255).astype(np.uint8))
        drawn.resize(Image.open(path).size).save(Path(path).with_suffix(".usual.png"))
        seconds.append(time.perf_counter() - begin)
        if len(seconds) == 1:
            first_answer = time.time()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"first_answer": first_answer, "warm": seconds[1:], "peak_mib": peak_mib, "sum": float(probabilities.sum())}
    print(json.dumps(told))


def read(path: str, size: int) -> np.ndarray:
    """(1, N, N, 1), in -1..1."""
    pixels = np.asarray(Image.open(path).convert("L").resize((size, size)), np.float32)
    return pixels[None, ..., None] / 127.5 - 1


def main(model: str, size: int, images: list[str]) -> None:
    """Answer them with Keras."""
    import keras

    network = keras.models.load_model(model, compile=False)

    def predict(scan: np.ndarray) -> Answer:
        said = network.predict(scan, verbose=0)
        return said["cls"], said["seg"]

    answer_all(predict, size, images)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
