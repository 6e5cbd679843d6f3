"""A large export through the laptop stack: `python -m tests.bench.export [SLICES] [--intake-only]`.

Prints time a file and how this process's memory grows with the number of files. Slices are small DICOM images: what is
measured is the way of a file, not the reading of its pixels.
"""

import argparse
import io
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from pydicom import dcmread

from brainscan.domain import Export, ExportState
from brainscan.local.phantom import GLIOMA, head, to_dicom
from brainscan.local.stack import LocalStack
from brainscan.services import services

SLICES_A_SERIES = 200
SIDE = 64


def write_export(path: Path, slices: int) -> None:
    """Series of slices that differ by UIDs, position and noise, deflated, with one file in a hundred that is junk.

    One slice is written as DICOM; the others are its bytes with other values of the same length.
    """
    dataset = dcmread(io.BytesIO(to_dicom(head(1, GLIOMA, SIDE, 2))[0]))
    dataset.SeriesInstanceUID, dataset.SOPInstanceUID = _uid("1", 0), _uid("2", 0)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.ImagePositionPatient = ["0", "0", "0000.000"]
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    model = file.getvalue().removesuffix(dataset.PixelData)
    noise = np.random.default_rng(0)
    pixels = dataset.pixel_array
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(slices):
            series, place = divmod(number, SLICES_A_SERIES)
            header = model.replace(_uid("1", 0).encode(), _uid("1", series).encode())
            header = header.replace(_uid("2", 0).encode(), _uid("2", number).encode())
            header = header.replace(b"0\\0\\0000.000", f"0\\0\\{place:08.3f}".encode())
            archive.writestr(
                f"IM{number:06d}", header + (pixels + noise.integers(0, 40, pixels.shape, "<u2")).tobytes()
            )
            if number % 100 == 0:
                archive.writestr(f"JUNK{number:06d}.EXE", b"MZ")


def _uid(kind: str, number: int) -> str:
    return f"2.25.{kind}{number:029d}"


def resident_mib() -> float:
    """Memory of this process, MiB: handlers run in it, the services they call do not."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1024**2


@contextmanager
def watched(export_id: str, period_s: float = 2.0) -> Iterator[list[tuple[int, int, float]]]:
    """(scans registered, scans waiting, MiB) every now and then."""
    seen: list[tuple[int, int, float]] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(period_s):
            export = services().scans.export(export_id)
            if export:
                seen.append((export.scans, export.counts.get("queued", 0), resident_mib()))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slices", type=int, nargs="?", default=20_000)
    parser.add_argument("--intake-only", action="store_true")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, LocalStack() as stack:
        path = Path(folder) / "export.zip"
        write_export(path, told.slices)
        print(f"{told.slices} slices, {path.stat().st_size / 1024**2:.0f} MiB", flush=True)
        if told.intake_only:
            for worker in stack._workers:
                if "Analyze" in worker.name:
                    worker.stop()
                    worker.join()
        with path.open("rb") as body:
            put = stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=path.name, Body=body)
        export_id = services().pseudonyms.export_id(stack.uploads_bucket, path.name, put["VersionId"])
        begin = time.perf_counter()

        def finished() -> bool:
            export = services().scans.export(export_id)
            done = export is not None and export.state is ExportState.EXPANDED
            return done and (told.intake_only or export.done)

        with watched(export_id) as seen:
            stack.run_until(finished, timeout_s=7200)
        seconds = time.perf_counter() - begin
        export = services().scans.export(export_id)
        assert isinstance(export, Export)
        tell(seen, seconds, export, told.slices)
    return 0


def tell(seen: list[tuple[int, int, float]], seconds: float, export: Export, slices: int) -> None:
    junk = -(-slices // 100)
    exact = (export.files, export.skipped, export.scans) == (slices + junk, junk, slices)
    print(f"{seconds:.0f} s, {seconds / slices * 1000:.1f} ms a slice; counters exact: {exact}; {dict(export.counts)}")
    for tenth in range(1, 11):
        scans, waiting, mib = seen[min(len(seen) - 1, len(seen) * tenth // 10 - 1)]
        print(f"  {scans:6d} registered, {waiting:6d} waiting: {mib:.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
