"""The slices of a series with the headers of their staged sources, as far as these are there and readable."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from pydicom import Dataset

from brainscan.dicom.geometry import macro
from brainscan.dicom.source import SourceImage, read_source
from brainscan.dicom.technique import acquisition_order, technique_of
from brainscan.dicom.values import number
from brainscan.domain import Kind, Outcome, Reason, ScanError, ScanRecord
from brainscan.series.acquisitions import SliceSource
from brainscan.services import Services
from brainscan.store import ObjectGoneError


@dataclass(frozen=True, repr=False)
class Slice:
    """A scan of the series; `image` is its source's header, or `missing` says why there is none."""

    record: ScanRecord
    image: SourceImage | None = None
    missing: Reason | None = None

    @property
    def analyzed(self) -> bool:
        """Whether it is evidence of what the series shows."""
        return self.record.outcome is Outcome.ANALYZED


def sources_of(records: Sequence[ScanRecord], services: Services, pool: Executor) -> list[Slice]:
    """Read the source's header of every analyzed slice."""
    keys = sorted({record.staged_key for record in records if record.outcome is Outcome.ANALYZED})
    dicom = {record.staged_key for record in records if record.kind is Kind.DICOM}
    headers = dict(zip(keys, pool.map(lambda key: _header(key, services) if key in dicom else None, keys), strict=True))
    return [_slice(record, headers.get(record.staged_key)) for record in records]


def slice_sources(slices: Sequence[Slice]) -> dict[str, SliceSource]:
    """What readable sources say of where and how slices were taken, by scan id."""
    return {each.record.scan_id: _source(each.image) for each in slices if each.image}


def _source(image: SourceImage) -> SliceSource:
    header, frame = image.header, image.frame
    thickness = number(macro(header, frame or 0, "PixelMeasuresSequence"), "SliceThickness")
    return SliceSource(image.plane, technique_of(header, frame), acquisition_order(header, frame), thickness)


def _slice(record: ScanRecord, header: Dataset | Reason | None) -> Slice:
    if isinstance(header, Dataset):
        return Slice(record, SourceImage(header, record.source.frame))
    return Slice(record, missing=header or Reason.NOT_DICOM)


def _header(key: str, services: Services) -> Dataset | Reason:
    try:
        return read_source(services.results.get(key), services.limits.scan_bytes)
    except ObjectGoneError:
        return Reason.OBJECT_GONE
    except ScanError as unreadable:
        return unreadable.reason
