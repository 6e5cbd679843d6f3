"""The way this is usually done: Keras `load_model` and `predict`, image by image. Run as a process of its own."""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image


def main(model: str, size: int, images: list[str]) -> None:
    """Answer every image; print when the first answer was there, and the warm time of each of the others."""
    import keras

    network = keras.models.load_model(model, compile=False)
    seconds: list[float] = []
    for path in images:
        begin = time.perf_counter()
        pixels = Image.open(path).convert("L").resize((size, size))
        scan = np.asarray(pixels, np.float32)[None, ..., None] / 127.5 - 1
        answer = network.predict(scan, verbose=0)
        probabilities = np.exp(answer["cls"][0]) / np.exp(answer["cls"][0]).sum()
        mask = Image.fromarray(((answer["seg"][0, ..., 0] > 0) * 255).astype(np.uint8))
        mask.resize(Image.open(path).size).save(Path(path).with_suffix(".usual.png"))
        seconds.append(time.perf_counter() - begin)
        if len(seconds) == 1:
            first_answer = time.time()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"first_answer": first_answer, "warm": seconds[1:], "peak_mib": peak_mib, "sum": float(probabilities.sum())}
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
