"""Whole studies before and after: the table of docs/model.md.

`python -m tests.bench.reformats --before DIR DATA` takes the T1 of a healthy head and the two volumes of one glioma
patient in DATA, makes coronal and sagittal stacks of the volumes, and prints what `brainscan.analyze` says of each by
the model in DIR and by the one that is served. The stacks are as thick, slice by slice, as the volume was, and as fine
within a slice, so that what is interpolated is what a thick axial volume can give.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
from nibabel.processing import resample_to_output

import brainscan
from brainscan.domain import Outcome
from brainscan.inference.runtime import Model

PLANES = {"sagittal": 0, "coronal": 1}
"""Which of right, front and head the slices of a plane follow each other along."""


def main() -> None:
    """Print a row for each study."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("data", type=Path)
    arguments.add_argument("--before", type=Path, required=True)
    told = arguments.parse_args()
    models = [brainscan.open_model(told.before), brainscan.open_model()]
    print("| study | slices | tumor before | tumor after | verdict before | verdict after |")
    print("|---|---:|---:|---:|---|---|")
    with tempfile.TemporaryDirectory() as made:
        for name, path in studies(told.data, Path(made)):
            said = [answer(path, model) for model in models]
            calls, verdicts = [called for _, called, _ in said], [verdict for _, _, verdict in said]
            print(f"| {' | '.join([name, str(said[0][0]), *calls, *verdicts])} |", flush=True)


def studies(data: Path, made: Path) -> Iterator[tuple[str, Path]]:
    """What is analyzed: a name, and a file or folder."""
    yield "healthy head, T1", data / "dicom/healthy_t1"
    for path in sorted((data / "nifti").glob("*.nii.gz")):
        name = f"glioma, {path.name.partition('.')[0]}"
        yield f"{name}, as acquired", path
        for plane, axis in PLANES.items():
            yield f"{name}, {plane}", reformatted(path, axis, made / f"{plane}.{path.name}")


def reformatted(path: Path, axis: int, out: Path) -> Path:
    """A volume in thick slices along another of the patient's axes, linearly interpolated."""
    image: Any = nib.load(path)
    fine, *_, thick = sorted(float(size) for size in image.header.get_zooms()[:3])
    sizes = [thick if each == axis else fine for each in range(3)]
    nib.save(resample_to_output(image, sizes, order=1), out)
    return out


def answer(path: Path, model: Model) -> tuple[int, str, str]:
    """Slices that show something; how many are called a tumor, those that abstain apart; and the series' verdict."""
    found = brainscan.analyze(path, model)
    scans = [scan.record for scan in found.scans if scan.record and scan.record.predicted is not None]
    analyzed = [record for record in scans if record.outcome is Outcome.ANALYZED]
    tumor = sum(record.predicted.is_tumor for record in analyzed if record.predicted is not None)
    abstained = len(scans) - len(analyzed)
    if len(found.series) != 1:
        raise SystemExit(f"{path}: expected one series, found {len(found.series)}")
    result = found.series[0].result
    verdict = "none" if result.predicted is None else f"{result.predicted}, {result.confidence:.2f}"
    return len(scans), f"{tumor} ({abstained} abstain)", verdict + (", review" if result.needs_review else "")


if __name__ == "__main__":
    main()
