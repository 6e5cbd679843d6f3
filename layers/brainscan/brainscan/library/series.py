"""Analyzed scans on this machine -> what each series of them shows, as the pipeline reports it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from brainscan.domain import Finding, Kind, Outcome, Reason, ScanRecord, Series, SeriesResult
from brainscan.library.scans import AnalyzedScan, Mask
from brainscan.pipeline.sources import SeriesSlice, slice_sources
from brainscan.series.result import SeriesAnalysis, analyze_series


@dataclass(frozen=True, repr=False)
class AnalyzedSeries:
    """A DICOM series or a NIfTI volume: its scans, and what they show together."""

    scans: tuple[AnalyzedScan, ...]
    analysis: SeriesAnalysis

    @property
    def result(self) -> SeriesResult:
        """Verdict, probabilities, lesions with their volumes, slices."""
        return self.analysis.result

    @property
    def kind(self) -> Kind:
        """DICOM or NIfTI."""
        return next(scan.record.kind for scan in self.scans if scan.record)

    @property
    def name(self) -> str:
        """What its files are called after: the first file that it was found in."""
        return self.scans[0].name.partition(".frame")[0]

    @property
    def slices(self) -> list[SeriesSlice]:
        """Its scans as the pipeline's report takes them."""
        return [_slice(scan, scan.record) for scan in self.scans if scan.record]


def mark_superseded(scans: Sequence[AnalyzedScan]) -> list[AnalyzedScan]:
    """The same scans; of an image that was found several times, those before the last are superseded by it."""
    images = [scan.record.instance_id if scan.record else None for scan in scans]
    last = {image: place for place, image in enumerate(images)}
    return [
        scan if image is None or last[image] == place else _superseded(scan, scans[last[image]].path)
        for place, (scan, image) in enumerate(zip(scans, images, strict=True))
    ]


def group_series(scans: Iterable[AnalyzedScan]) -> list[AnalyzedSeries]:
    """Group scans into series and call each; what is superseded is part of none."""
    groups: dict[str, list[AnalyzedScan]] = {}
    for scan in scans:
        if scan.record and scan.record.series_id and not scan.record.superseded:
            groups.setdefault(scan.record.series_id, []).append(scan)
    return [_called(series_id, tuple(group)) for series_id, group in groups.items()]


def _superseded(scan: AnalyzedScan, by: str) -> AnalyzedScan:
    """A scan without its answer: it is another picture of that name that counts."""
    if scan.record is None:
        return scan
    skipped = Finding(outcome=Outcome.SKIPPED, reasons=(Reason.SUPERSEDED,))
    record = ScanRecord.of(scan.record, skipped, superseded=True, finished_at=scan.record.finished_at)
    return AnalyzedScan(scan.path, scan.name, record, superseded_by=by)


def _called(series_id: str, scans: tuple[AnalyzedScan, ...]) -> AnalyzedSeries:
    records = [scan.record for scan in scans if scan.record]
    by_id = {scan.record.scan_id: scan for scan in scans if scan.record}
    series = Series(
        series_id=series_id,
        study_id=records[0].study_id,
        patient_id=records[0].patient_id,
        expected=len(records),
        revision=len(records),
    )

    def masks(wanted: Sequence[ScanRecord]) -> list[Mask]:
        return [mask for each in wanted if (mask := by_id[each.scan_id].mask) is not None]

    sources = slice_sources([_slice(scan, scan.record) for scan in scans if scan.record])
    return AnalyzedSeries(scans, analyze_series(series, records, sources, masks))


def _slice(scan: AnalyzedScan, record: ScanRecord) -> SeriesSlice:
    if record.outcome is Outcome.ANALYZED and scan.header is None:
        missing = Reason.UNREADABLE if record.kind is Kind.DICOM else Reason.NOT_DICOM
        return SeriesSlice(record, missing=missing, space=scan.space)
    return SeriesSlice(record, scan.header, space=scan.space)
