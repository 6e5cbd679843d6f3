"""DICOM files a second through reading: `python -m tests.bench.reading [TREE ...]`, one row a tree, taken in turn.

A tree is a checkout; its library reads the same files: headers as intake does, pixels as analyze, sources as report.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, time
from pathlib import Path
from brainscan.dicom.header import read_header
from brainscan.dicom.source import read_source
from brainscan.domain import Kind
from brainscan.imaging.decode import decode
from brainscan.settings import Limits
files, limits = [path.read_bytes() for path in sorted(Path(sys.argv[1]).iterdir())], Limits()
steps = (
    lambda data: read_header(data, limits),
    lambda data: decode(data, Kind.DICOM, limits),
    lambda data: read_source(data, 10**9),
)
for step in steps:
    step(files[0])
    begin = time.process_time()
    for data in files:
        step(data)
    print(len(files) / (time.process_time() - begin))
"""


def main() -> None:
    """Measure, and print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("trees", nargs="*", type=Path, default=[ROOT])
    arguments.add_argument("--files", type=int, default=200)
    arguments.add_argument("--repeats", type=int, default=5)
    told = arguments.parse_args()
    runs: dict[Path, list[list[float]]] = {tree: [] for tree in told.trees}
    with tempfile.TemporaryDirectory() as folder:
        write_series(Path(folder), told.files)
        for _ in range(told.repeats):  # In turn, so that a slow spell of the machine meets every tree.
            for tree in told.trees:
                runs[tree].append(measured(tree, folder))
    print("| tree | headers a second | pixels a second | sources a second |\n|---|---:|---:|---:|")
    for tree, found in runs.items():
        best = (f"{statistics.median(rates):,.0f}" for rates in zip(*found, strict=True))
        print(f"| `{tree.resolve().name}` | {' | '.join(best)} |")


def write_series(folder: Path, count: int) -> None:
    """A series of small slices; reading a header costs what it costs in a large one."""
    from tests import series as mr

    for number, image in enumerate(mr.mr_series(count)):
        (folder / f"{number:04d}.dcm").write_bytes(mr.file_bytes(image))


def measured(tree: Path, folder: str) -> list[float]:
    """Files a second of processor time, step by step."""
    path = {"PYTHONPATH": str(tree.resolve() / "layers/brainscan"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", PROGRAM, folder], env=path, capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


if __name__ == "__main__":
    main()
