"""Side by side in one run: Keras, ONNX Runtime and OpenVINO image by image, and brainscan at batch 1 and 8.

`python -m tests.bench [--scans N] [--repeats N]` prints the table of docs/performance.md. All answer the same phantoms;
the peers run with the packages of requirements/peers.txt, which `make bench` installs beside the project's own.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from brainscan.inference.manifest import Manifest
from brainscan_local.phantom import GLIOMA, head

ROOT = Path(__file__).parent.parent.parent
MODEL_DIR = ROOT / "functions/analyze/model"
PEERS = ROOT / ".venv-peers/bin/python"
CALIBRATED = 8
"""Images that fix the ranges of the peers' int8."""
Run = dict[str, Any]


def main() -> None:
    """Measure, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--scans", type=int, default=33, help="images a run; the first is not warm")
    arguments.add_argument("--repeats", type=int, default=3, help="runs of each way, taken in turn")
    told = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = write_phantoms(Path(folder), told.scans)
        keras, saved_model = save_keras_model(Path(folder))
        size = str(Manifest.read(MODEL_DIR).input.size)
        onnx = str(Path(folder) / "model.onnx")
        run_module(PEERS, ["tests.bench.peers", "convert", saved_model, onnx, size, *images[:CALIBRATED]])
        ways: dict[str, tuple[Path | str, list[str]]] = {
            "Keras `predict`, image by image": (sys.executable, ["tests.bench.usual", keras, size]),
            "ONNX Runtime, static int8": (PEERS, ["tests.bench.peers", "onnxruntime", onnx, size]),
            "OpenVINO, static int8": (PEERS, ["tests.bench.peers", "openvino", onnx, size]),
            "brainscan, batch 1": (sys.executable, ["tests.bench.ours", str(MODEL_DIR), "1"]),
            "brainscan, batch 8": (sys.executable, ["tests.bench.ours", str(MODEL_DIR), "8"]),
        }
        runs: dict[str, list[Run]] = {way: [] for way in ways}
        for _ in range(told.repeats):  # In turn, so that a slow spell of the machine meets every way.
            for way, (python, command) in ways.items():
                runs[way].append(measured(python, [*command, *images]))
    print(report(runs, told.scans, told.repeats))


def write_phantoms(folder: Path, count: int) -> list[str]:
    """Gray PNGs of 256 x 256 with a lesion in some."""
    from PIL import Image

    phantom = head(seed=1, lesion=GLIOMA, slices=count)
    paths = [folder / f"{number:03d}.png" for number in range(count)]
    for path, pixels in zip(paths, phantom.volume, strict=True):
        low, high = float(pixels.min()), float(pixels.max())
        Image.fromarray(((pixels - low) / (high - low) * 255).astype("uint8")).save(path)
    return [str(path) for path in paths]


def save_keras_model(folder: Path) -> tuple[str, str]:
    """The same network as Keras saves it, and as a SavedModel; its weights do not matter for time."""
    keras, saved_model = str(folder / "model.keras"), str(folder / "saved_model")
    program = (
        "from pathlib import Path; from training.model.network import build; "
        "from brainscan.inference.manifest import Manifest; "
        f"network = build(Manifest.read(Path({str(MODEL_DIR)!r})).input.size, weights=None); "
        f"network.save({keras!r}); network.export({saved_model!r}, verbose=False)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT, env=environment(), capture_output=True)
    return keras, saved_model


def environment() -> dict[str, str]:
    """This process's, with the repository importable and TensorFlow quiet."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "layers/brainscan")])
    return os.environ | {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_module(python: Path | str, command: list[str]) -> str:
    """Run a module as a process, from the root of the repository; what it printed.

    Raises:
        SystemExit: it failed; with the last that it said.
    """
    done = subprocess.run([python, "-m", *command], cwd=ROOT, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{command[0]}: {done.stderr[-2000:]}")
    return done.stdout


def measured(python: Path | str, command: list[str]) -> Run:
    """Run one way as a process; `first` counts from before the process exists."""
    begin = time.time()
    run: Run = json.loads(run_module(python, command).splitlines()[-1])
    return run | {"first": run["first_answer"] - begin}


def report(runs: dict[str, list[Run]], scans: int, repeats: int) -> str:
    """Medians over the repeats, as Markdown; ratios are to the usual way."""
    medians = {way: median_run(of_way) for way, of_way in runs.items()}
    usual = next(iter(medians.values()))
    lines = [
        f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}; "
        f"{scans} images of 256 x 256, {repeats} runs each, medians.",
        "",
        "| | first result | ratio | warm, a scan | ratio | peak memory | ratio |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for way, run in medians.items():
        lines.append(
            f"| {way} | {run['first']:.2f} s | {usual['first'] / run['first']:.1f}x "
            f"| {run['warm'] * 1000:.1f} ms | {usual['warm'] / run['warm']:.1f}x "
            f"| {run['peak_mib']:.0f} MiB | {usual['peak_mib'] / run['peak_mib']:.1f}x |"
        )
    return "\n".join([*lines, "", *stage_table(runs)])


def median_run(runs: list[Run]) -> dict[str, float]:
    """Medians of one way."""
    return {
        "first": statistics.median(run["first"] for run in runs),
        "warm": statistics.median(seconds for run in runs for seconds in run["warm"]),
        "peak_mib": statistics.median(run["peak_mib"] for run in runs),
    }


def stage_table(runs: dict[str, list[Run]]) -> list[str]:
    """Where brainscan's warm time goes, scan by scan; `store` is writing mask and image to a local disk."""
    of_batch = [run for way, of_way in runs.items() if way.endswith("1") for run in of_way]
    stages: dict[str, float] = {}
    for stage in ("decode", "prepare", "infer", "interpret"):
        stages[stage] = statistics.median(ms for run in of_batch for ms in run["stages"][stage])
    warm = statistics.median(seconds for run in of_batch for seconds in run["warm"]) * 1000
    stages["store"] = max(0.0, warm - sum(stages.values()))
    lines = ["| stage | a scan | share |", "|---|---:|---:|"]
    return [*lines, *(f"| {name} | {ms:.2f} ms | {ms / warm:.0%} |" for name, ms in stages.items())]


if __name__ == "__main__":
    main()
