"""Short-lived links to objects, with the content type and the name that a download should have."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from mimetypes import guess_type
from pathlib import PurePosixPath

from brainscan.api.models import Link
from brainscan.domain import Kind, Review, ScanRecord, SeriesSummary, Summary
from brainscan.store.objects import Results, report_prefix

CONTENT_TYPES = {
    ".dcm": "application/dicom",
    ".json": "application/json",
    ".png": "image/png",
    ".nii": "application/octet-stream",
    ".gz": "application/gzip",
}
SOURCES = {
    Kind.DICOM: ("dcm", "application/dicom"),
    Kind.PNG: ("png", "image/png"),
    Kind.JPEG: ("jpg", "image/jpeg"),
    Kind.TIFF: ("tiff", "image/tiff"),
    Kind.NIFTI: ("nii", "application/octet-stream"),
}
"""Suffix and content type of what was uploaded, by what it is."""


@dataclass(frozen=True)
class Presigner:
    """Makes links of one deployment's results bucket that hold for `seconds`."""

    results: Results
    seconds: int

    def of_scan(self, record: ScanRecord) -> tuple[Link, ...]:
        """Image and mask as far as they exist, the result, and the source."""
        return tuple(self._of_scan(record))

    def of_series(self, series_id: str) -> tuple[Link, ...]:
        """What was last written for a series, such as its DICOM SEG and SR; each revision has a folder of its own."""
        keys = self.results.keys(report_prefix(series_id))
        links = []
        for key in (key for key in keys if PurePosixPath(key).parent == PurePosixPath(keys[-1]).parent):
            name = PurePosixPath(key).name
            links.append(self._link(name, key, _content_type(name), f"brainscan-{series_id[:12]}-{name}"))
        return tuple(links)

    def of_review(self, review: Review, scan_id: str) -> Link | None:
        """The mask that a reader drew of a scan with a verdict."""
        if review.drawn_key is None:
            return None
        name = f"brainscan-{scan_id[:12]}-reader-{review.revision}.png"
        return self._link("reader_mask", review.drawn_key, "image/png", name)

    def of_summary(self, summary: Summary) -> tuple[Link, ...]:
        """Image and mask of the slice to look at first."""
        keys = {"image": summary.image_key, "mask": summary.mask_key}
        short = (summary.key_slice or "")[:12]
        return tuple(
            self._link(name, key, "image/png", f"brainscan-{short}-{name}.png") for name, key in keys.items() if key
        )

    def of_files(self, summary: SeriesSummary) -> tuple[Link, ...]:
        """What was written with a series' latest report, such as its DICOM SEG and SR."""
        links = []
        for key in summary.files.values():
            name = PurePosixPath(key).name
            links.append(self._link(name, key, _content_type(name), f"brainscan-{summary.series_id[:12]}-{name}"))
        return tuple(links)

    def _of_scan(self, record: ScanRecord) -> Iterator[Link]:
        short = record.scan_id[:12]
        for name in ("image", "mask"):
            if key := getattr(record, f"{name}_key"):
                yield self._link(name, key, "image/png", f"brainscan-{short}-{name}.png")
        if (
            record.review
            and not record.review.is_withdrawn
            and (drawn := self.of_review(record.review, record.scan_id))
        ):
            yield drawn
        if record.result_key is not None:
            yield self._link("result", record.result_key, "application/json", f"brainscan-{short}-result.json")
        if record.kind in SOURCES:
            suffix, content_type = SOURCES[record.kind]
            yield self._link("source", record.staged_key, content_type, f"brainscan-{short}-source.{suffix}")

    def _link(self, name: str, key: str, content_type: str, filename: str) -> Link:
        return Link(
            name=name,
            url=self.results.presigned(key, content_type, filename, self.seconds),
            content_type=content_type,
            expires_at=datetime.now(UTC) + timedelta(seconds=self.seconds),
        )


def _content_type(name: str) -> str:
    return CONTENT_TYPES.get(PurePosixPath(name).suffix) or guess_type(name)[0] or "application/octet-stream"
