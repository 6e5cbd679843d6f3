"""brainscan's path over the same images. Run as a process of its own."""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from brainscan.domain import Kind
from brainscan.inference.runtime import Model
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.settings import Limits
from tests.making import present


def main(model_dir: str, batch: int, images: list[str]) -> None:
    """Answer every image; print when the first answer was there, and the warm time of each of the others."""
    network = Model.load(Path(model_dir))
    limits = Limits()
    answer(images[:1], network, limits)
    first_answer = time.time()
    seconds: list[float] = []
    stages: dict[str, list[float]] = {}
    for start in range(1, len(images) - batch + 1, batch):
        begin = time.perf_counter()
        examined = answer(images[start : start + batch], network, limits)
        seconds += [(time.perf_counter() - begin) / batch] * batch
        for each in examined:
            for stage, milliseconds in each.timings_ms.items():
                stages.setdefault(stage, []).append(milliseconds)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"first_answer": first_answer, "warm": seconds, "peak_mib": peak_mib, "stages": stages}))


def answer(paths: Any, network: Model, limits: Any) -> list[ScanPrediction]:
    """Read, examine and write the images of some scans."""
    examined = predict([ScanBytes(Path(path).read_bytes(), Kind.PNG) for path in paths], network, limits)
    for path, each in zip(paths, examined, strict=True):
        Path(path).with_suffix(".mask.png").write_bytes(present(each.mask_png))
        Path(path).with_suffix(".image.png").write_bytes(present(each.image_png))
    return examined


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
