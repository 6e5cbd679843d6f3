"""The slices of a series with the headers of their staged sources, as far as these are there and readable."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydicom import Dataset

from brainscan.dicom.geometry import macro
from brainscan.dicom.source import SourceImage, read_source
from brainscan.dicom.technique import acquisition_order, number_of, technique_of
from brainscan.dicom.values import number
from brainscan.domain import ANSWERED, Kind, Outcome, Reason, ScanError, ScanRecord
from brainscan.series.acquisitions import AcquisitionOrder, SliceSource, plausible
from brainscan.series.planes import Plane
from brainscan.services import Services
from brainscan.settings import MIB
from brainscan.store import ObjectGoneError

if TYPE_CHECKING:
    from brainscan.imaging.nifti_space import Space

NIFTI_HEADER: Final = MIB
"""Bytes that hold the header of a NIfTI with its extensions."""


@dataclass(frozen=True, repr=False)
class SeriesSlice:
    """A scan of the series; `image` is its source's header, or `missing` says why there is none.

    `space` is that of the NIfTI volume that it is a slice of.
    """

    record: ScanRecord
    image: SourceImage | None = None
    missing: Reason | None = None
    space: "Space | None" = None

    @property
    def analyzed(self) -> bool:
        """Whether it is evidence of what the series shows."""
        return self.record.outcome is Outcome.ANALYZED


def sources_of(records: Sequence[ScanRecord], services: Services, pool: Executor) -> list[SeriesSlice]:
    """Read the source's header of every slice that a network answered or abstained from.

    What tells acquisitions apart is told by all of them, though those that are abstained from are in none.
    """
    kinds = {record.staged_key: record.kind for record in records if record.outcome in ANSWERED}
    keys = sorted(kinds)
    headers = dict(zip(keys, pool.map(lambda key: _header(key, kinds[key], services), keys), strict=True))
    return [_slice(record, headers.get(record.staged_key)) for record in records]


def slice_sources(slices: Sequence[SeriesSlice]) -> dict[str, SliceSource]:
    """What readable sources say of where and how slices were taken, by scan id."""
    of_images = {each.record.scan_id: _source(each.image) for each in slices if each.image}
    of_volumes = {each.record.scan_id: _in_volume(each.record, each.space) for each in slices if each.space}
    return plausible(of_images) | of_volumes


def _source(image: SourceImage) -> SliceSource:
    header, frame = image.header, image.frame
    return SliceSource(
        image.plane,
        technique_of(header, frame),
        acquisition_order(header, frame),
        number(macro(header, frame or 0, "PixelMeasuresSequence"), "SliceThickness"),
        number(header, "SliceLocation"),
        number_of(header, frame),
    )


def _in_volume(record: ScanRecord, space: "Space") -> SliceSource:
    """Where a slice of a NIfTI lies; of a file of several volumes, a place comes once in each."""
    index = record.source.frame or 0
    return SliceSource(
        Plane(*space.corners[index], frame_of_reference=""), acquisition_order=AcquisitionOrder(frame=index)
    )


def _slice(record: ScanRecord, header: "Dataset | Space | Reason | None") -> SeriesSlice:
    if isinstance(header, Dataset):
        return SeriesSlice(record, SourceImage(header, record.source.frame))
    if isinstance(header, Reason) or header is None:
        return SeriesSlice(record, missing=header or Reason.NOT_DICOM)
    return SeriesSlice(record, missing=Reason.NOT_DICOM, space=header)


def _header(key: str, kind: Kind, services: Services) -> "Dataset | Space | Reason | None":
    """What a source says of its slices; None of a picture that says nothing."""
    try:
        if kind is Kind.DICOM:
            return read_source(services.results.get(key), services.limits.scan_bytes)
        if kind is Kind.NIFTI:
            from brainscan.imaging.nifti_space import space_of

            return space_of(services.results.get_start(key, NIFTI_HEADER), services.limits)
    except ObjectGoneError:
        return Reason.OBJECT_GONE
    except ScanError as unreadable:
        return unreadable.reason
    return None
