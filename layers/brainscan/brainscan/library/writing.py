"""What was found on this machine -> files in a folder: results, masks, overlays, and each series' report."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brainscan.domain import Kind, ScanRecord
from brainscan.identity import Pseudonyms
from brainscan.library.inputs import PSEUDONYMS
from brainscan.library.scans import AnalyzedScan
from brainscan.library.series import AnalyzedSeries
from brainscan.observability import logger
from brainscan.pipeline.objects import report_objects
from brainscan.pipeline.summary import write_report
from brainscan.settings import Limits
from brainscan.store import ObjectGoneError

NO_ANSWER = frozenset({"staged_key", "result_key", "mask_key", "image_key"})
"""Fields of a record that name objects of a bucket."""


@dataclass(frozen=True)
class Folder:
    """A folder that takes a report's files as the results bucket does, by their keys."""

    root: Path

    def put(self, key: str, data: bytes, content_type: str) -> str:  # noqa: ARG002 - a file has none
        """Write one file; its key."""
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return key

    def get(self, key: str) -> bytes:
        """Read one file whole.

        Raises:
            ObjectGoneError: no such file.
        """
        try:
            return (self.root / key).read_bytes()
        except FileNotFoundError:
            raise ObjectGoneError("the folder of answers lost a file while it was written") from None


@dataclass(frozen=True)
class LocalServices:
    """What the report of a series needs of its surroundings, on this machine."""

    results: Folder
    limits: Limits
    pseudonyms: Pseudonyms = PSEUDONYMS


def write_scan(scan: AnalyzedScan, out: Path) -> AnalyzedScan:
    """Write a scan's mask, overlay and result; the scan with the key of its mask, without its image."""
    if scan.record is None:
        return scan
    folder = Folder(out)
    keys = {
        kind: folder.put(f"{scan.name}.{kind}.png", png, "image/png")
        for kind, png in (("mask", scan.mask_png), ("overlay", scan.overlay_png))
        if png
    }
    record = scan.record.model_copy(update={"mask_key": keys.get("mask")})
    written = replace(scan, record=record, image_png=None, overlay_key=keys.get("overlay"))
    body = json.dumps(fields_of(written, out), ensure_ascii=False, separators=(",", ":"))
    folder.put(f"{scan.name}.result.json", f"{body}\n".encode(), "application/json")
    return written


def remove_images(scan: AnalyzedScan, out: Path) -> None:
    """Take away the images that `write_scan` wrote of a scan before it was superseded."""
    for kind in ("mask", "overlay"):
        (out / f"{scan.name}.{kind}.png").unlink(missing_ok=True)


def fields_of(scan: AnalyzedScan, out: Path) -> dict[str, Any]:
    """All that is known of a scan, with paths as they are below the working folder."""
    if scan.record is None:
        return {"path": scan.path, "outcome": scan.outcome, "reasons": list(scan.reasons)}
    fields = scan.record.model_dump(mode="json", exclude_none=True, exclude=set(NO_ANSWER))
    images = {"mask": scan.record.mask_key, "overlay": scan.overlay_key}
    if scan.superseded_by:
        fields["superseded_by"] = scan.superseded_by
    return {"path": scan.path} | fields | {kind: str(out / key) for kind, key in images.items() if key}


def write_series(series: AnalyzedSeries, out: Path, limits: Limits) -> list[Path]:
    """Write what the pipeline writes of a DICOM series: summary, SEG, SR, capture, FHIR; of a NIfTI, its mask.

    Args:
        series: Of scans that `write_scan` wrote to the same folder.

    Returns:
        The files, the summary last.
    """
    folder = Folder(out)
    services = LocalServices(folder, limits)
    if series.kind is Kind.DICOM:
        overlays = {each.record.scan_id: each.overlay_key for each in series.scans if each.record}

        def outlined(record: ScanRecord) -> bytes | None:
            key = overlays[record.scan_id]
            return folder.get(key) if key else None

        with _unlogged():
            made = report_objects(series.analysis, series.slices, services, outlined)
            _, report = write_report(series.result, made, services)
        return [out / key for key in report.files.values()]
    summary = series.result.model_dump_json(exclude_none=True, indent=2).encode()
    written = _write_nifti_mask(series, folder)
    return [out / key for key in (*written, folder.put(f"{series.name}.series.json", summary, "application/json"))]


@contextmanager
def _unlogged() -> Iterator[None]:
    """What functions warn of in their log is in the summary; here, standard output is the user's."""
    level = logger.log_level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def _write_nifti_mask(series: AnalyzedSeries, folder: Folder) -> list[str]:
    space = next((scan.space for scan in series.scans if scan.space), None)
    masks = {scan.record.source.frame or 0: scan.mask for scan in series.scans if scan.record}
    drawn = {frame: mask for frame, mask in masks.items() if mask is not None}
    return [folder.put(f"{series.name}.mask.nii.gz", space.mask_volume(drawn), "application/gzip")] if space else []


def write_all(scans: Sequence[AnalyzedScan], series: Sequence[AnalyzedSeries], out: Path, limits: Limits) -> None:
    """Write scans and then series of them."""
    written: Mapping[int, AnalyzedScan] = {id(scan): write_scan(scan, out) for scan in scans}
    for each in series:
        write_series(replace(each, scans=tuple(written[id(scan)] for scan in each.scans)), out, limits)
