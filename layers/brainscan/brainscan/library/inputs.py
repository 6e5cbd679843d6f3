"""Files, folders, archives, arrays and data sets on this machine -> scans to analyze, in a stable order."""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom import Dataset

from brainscan.archive import File, upload_files, upload_kind
from brainscan.domain import Kind, Reason, ScanRecord
from brainscan.identity import Pseudonyms
from brainscan.library.local_files import files_below, is_readable, printable, shortened
from brainscan.pipeline.files import Origin, file_outcome
from brainscan.settings import Limits

PSEUDONYMS: Final = Pseudonyms(b"files on this machine")
"""Nothing leaves the machine, so nothing needs a secret; the same file keeps the same scan id."""

Source = str | Path | npt.NDArray[Any] | Dataset
"""A path of a file, folder or archive; gray pixels (rows, columns); or an image as pydicom read it."""


@dataclass(frozen=True, repr=False)
class InputScan:
    """One scan, or one file that holds none: its path as the user knows it, and a name for its answers."""

    path: str
    name: str
    file: File
    record: ScanRecord | None
    skipped: Reason | None = None


def find_scans(sources: Iterable[Source], limits: Limits, answers: Path | None = None) -> Iterator[InputScan]:
    """Every scan of every source, and every file that holds none.

    Args:
        sources: Paths, arrays and data sets.
        limits: What one file may hold.
        answers: Where answers are written: below a source, it is none of its scans.

    Raises:
        TypeError: a source is of no type that can hold a scan.
        ValueError: an array is not two-dimensional, or not of numbers.
    """
    names = _Names()
    for number, source in enumerate(sources):
        if isinstance(source, str | Path):
            yield from _below(Path(source), answers, names, limits)
            continue
        name = f"array-{number}" if isinstance(source, np.ndarray) else f"dataset-{number}"
        file = _array_file(name, source) if isinstance(source, np.ndarray) else _dataset_file(name, source)
        yield from _scans(file, name, Path(name), name, names, limits)


def _below(root: Path, answers: Path | None, names: "_Names", limits: Limits) -> Iterator[InputScan]:
    for path in files_below(root, answers):
        stem = Path(printable(str(path.relative_to(root) if root.is_dir() else path.name)))
        if not is_readable(path):
            unreadable = File(str(path), problem=Reason.UNREADABLE)
            yield from _scans(unreadable, printable(str(path)), stem, str(path), names, limits)
            continue
        with path.open("rb") as content:
            kind = upload_kind(content)
            for file in upload_files(content, kind, str(path), path.stat().st_size, limits):
                inside = file.index is not None
                shown = printable(f"{path}!{file.path}" if inside else str(path))
                wanted = stem.with_suffix("") / _harmless(file.path) if inside else stem
                yield from _scans(file, shown, wanted, str(path), names, limits)


def _scans(file: File, shown: str, stem: Path, key: str, names: "_Names", limits: Limits) -> Iterator[InputScan]:
    name = names.unique(stem)
    export_id = PSEUDONYMS.export_id("local", key, "null")  # each file, or archive, is an export of its own
    origin = Origin(export_id, "local", PSEUDONYMS.digest("key", key), "null", datetime.now(UTC), PSEUDONYMS)
    outcome = file_outcome(file, origin, limits)
    if not outcome.records:
        yield InputScan(shown, name, file, None, outcome.skipped)
    for record in outcome.records:
        frame = record.source.frame
        suffix = "" if frame is None else f".frame{frame:04d}"
        yield InputScan(shown, name + suffix, file, record)


def _array_file(name: str, pixels: npt.NDArray[Any]) -> File:
    """An array as an image file that keeps every value: the same steps follow as for a file."""
    if pixels.ndim != 2 or not pixels.size or pixels.dtype.kind not in "uifb":
        raise ValueError(f"a scan is an array (rows, columns) of numbers, got {pixels.dtype} {pixels.shape}")
    exact = pixels if pixels.dtype in (np.uint8, np.uint16) else pixels.astype(np.float32)
    kind = Kind.TIFF if exact.dtype == np.float32 else Kind.PNG
    out = io.BytesIO()
    Image.fromarray(exact).save(out, kind.name)
    return File(name, data=out.getvalue(), kind=kind)


def _dataset_file(name: str, source: Any) -> File:
    if not isinstance(source, Dataset):
        raise TypeError(f"a scan is a path, an array or a pydicom Dataset, not {type(source).__name__}")
    out = io.BytesIO()
    source.save_as(out, enforce_file_format=True)
    return File(name, data=out.getvalue(), kind=Kind.DICOM)


def _harmless(path: str) -> Path:
    """A path in an archive as one below a folder of ours, whatever it says."""
    parts = (re.sub(r"[^\w.() -]", "_", part) for part in PurePosixPath(path.replace("\\", "/")).parts)
    return Path(*[part for part in parts if part.strip("._ ")] or ["_"])


class _Names:
    """Names for answers: the file's without its suffix, or with it where that is taken."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, path: Path) -> str:
        path = Path(*map(shortened, path.parts))
        wanted = [str(path.with_suffix("")), str(path), *(f"{path}.{number}" for number in range(2, 10))]
        name = next((name for name in wanted if name not in self._taken), f"{path}.{len(self._taken)}")
        self._taken.add(name)
        return name
