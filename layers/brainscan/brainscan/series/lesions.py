"""Masks of an acquisition's counted slices -> lesions: what is connected over neighbouring slices, each measured."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brainscan.domain import ClassFinding, Lesion, Reason, ScanRecord, TumorClass
from brainscan.series.classification import weighted_mean
from brainscan.series.components import Mask, Regions, connected_regions
from brainscan.series.diameters import diameters
from brainscan.series.label_volume import Labels
from brainscan.series.planes import Plane
from brainscan.series.volume import volume_mm3


@dataclass(frozen=True)
class OutlinedSlice:
    """A counted slice: its mask, its index among the analyzed slices, and where it lies, as far as is known.

    `width_mm` is how much of the patient it stands for, or why that is unknown.
    """

    record: ScanRecord
    mask: Mask
    index: int
    plane: Plane | None
    width_mm: float | Reason

    @property
    def class_called(self) -> TumorClass:
        """The class of its outline."""
        return self.record.predicted or TumorClass.NO_TUMOR

    def follows(self, other: "OutlinedSlice") -> bool:
        """Whether a mass may reach from one to the other: the next slice, on the same grid, called the same."""
        grid = (self.mask.shape, self.record.spacing_mm)
        same_grid = grid == (other.mask.shape, other.record.spacing_mm)
        return self.index == other.index + 1 and same_grid and self.class_called is other.class_called


@dataclass(frozen=True)
class _Section:
    """A lesion on one slice."""

    outlined: OutlinedSlice
    region: Mask

    @property
    def area_px(self) -> int:
        return int(np.count_nonzero(self.region))

    @property
    def area_mm2(self) -> float | None:
        spacing = self.outlined.record.spacing_mm
        return self.area_px * spacing[0] * spacing[1] if spacing else None

    @property
    def centroid(self) -> npt.NDArray[np.float64]:
        """(row, column)."""
        return np.asarray(np.argwhere(self.region).mean(axis=0), np.float64)

    @property
    def centroid_mm(self) -> npt.NDArray[np.float64] | None:
        """(3,) in the patient (LPS); PS3.3 equation C.7.6.2.1-1."""
        plane, spacing = self.outlined.plane, self.outlined.record.spacing_mm
        if plane is None or spacing is None:
            return None
        (row, column), (along_row, along_column) = self.centroid, np.reshape(plane.orientation, (2, 3))
        return np.asarray(
            np.array(plane.position_mm) + along_row * column * spacing[1] + along_column * row * spacing[0], np.float64
        )


def lesions_of(slices: Sequence[OutlinedSlice]) -> tuple[list[Lesion], dict[str, Labels]]:
    """Find and measure the lesions.

    Args:
        slices: Counted slices of one acquisition, in the order of their places.

    Returns:
        The lesions, the largest first, and on each slice, by scan id, (rows, columns) of their numbers, 0 outside.
    """
    follows = [place > 0 and each.follows(slices[place - 1]) for place, each in enumerate(slices)]
    regions, count = connected_regions([each.mask for each in slices], follows)
    sections: dict[int, list[_Section]] = {number: [] for number in range(1, count + 1)}
    for outlined, numbered in zip(slices, regions, strict=True):
        for number in np.unique(numbered[numbered > 0]).tolist():
            sections[number].append(_Section(outlined, numbered == number))
    measured = {number: _measured(of_lesion) for number, of_lesion in sections.items()}
    by_size = sorted(measured, key=lambda number: _size(measured[number]), reverse=True)
    lesions = [measured[old].model_copy(update={"number": new}) for new, old in enumerate(by_size, start=1)]
    return lesions, _labels(slices, regions, by_size)


def findings_of(lesions: Sequence[Lesion], slices: Sequence[OutlinedSlice]) -> tuple[ClassFinding, ...]:
    """The lesions of each class together, the class with the largest volume, or else area, first."""
    classes = dict.fromkeys(lesion.tumor_class for lesion in lesions)
    records = [each.record for each in slices]
    found = [_finding(name, [each for each in lesions if each.tumor_class is name], records) for name in classes]
    return tuple(sorted(found, key=lambda finding: (finding.volume_mm3 or 0.0, finding.key_area_px), reverse=True))


def _finding(name: TumorClass, lesions: Sequence[Lesion], records: Sequence[ScanRecord]) -> ClassFinding:
    of_class = [record for record in records if record.predicted is name]
    areas = [float(record.tumor.area_px if record.tumor else 0) for record in of_class]
    key = max(lesions, key=lambda lesion: lesion.key_area_px)
    volumes = [lesion.volume_mm3 for lesion in lesions if lesion.volume_mm3 is not None]
    diameters_mm = [lesion.longest_diameter_mm for lesion in lesions if lesion.longest_diameter_mm is not None]
    withheld = next((lesion.volume_withheld for lesion in lesions if lesion.volume_withheld), None)
    return ClassFinding(
        tumor_class=name,
        probability=weighted_mean(of_class, areas)[name],
        lesions=len(lesions),
        slices=len(of_class),
        key_slice=key.key_slice,
        key_area_px=key.key_area_px,
        key_area_mm2=key.key_area_mm2,
        longest_diameter_px=max(lesion.longest_diameter_px for lesion in lesions),
        longest_diameter_mm=max(diameters_mm, default=None),
        volume_mm3=None if withheld else sum(volumes),
        volume_withheld=withheld,
    )


def _measured(sections: Sequence[_Section]) -> Lesion:
    areas = [section.area_px for section in sections]
    name = sections[0].outlined.class_called
    key = sections[int(np.argmax(areas))]
    in_pixels = [diameters(section.region) for section in sections]
    in_mm = _diameters_mm(sections)
    volume = _volume(sections)
    return Lesion(
        number=1,
        tumor_class=name,
        probability=weighted_mean([section.outlined.record for section in sections], list(map(float, areas)))[name],
        slices=tuple(section.outlined.record.scan_id for section in sections),
        key_slice=key.outlined.record.scan_id,
        key_area_px=key.area_px,
        key_area_mm2=key.area_mm2,
        longest_diameter_px=max(in_pixels)[0],
        perpendicular_diameter_px=max(in_pixels)[1],
        longest_diameter_mm=in_mm[0] if in_mm else None,
        perpendicular_diameter_mm=in_mm[1] if in_mm else None,
        centroid=_mean_row_and_column(sections),
        centroid_mm=_centroid_mm(sections),
        volume_mm3=None if isinstance(volume, Reason) else volume,
        volume_withheld=volume if isinstance(volume, Reason) else None,
    )


def _diameters_mm(sections: Sequence[_Section]) -> tuple[float, float] | None:
    """The longest diameter of all slices, and the width across it on the same one."""
    spaced = [(section.region, section.outlined.record.spacing_mm) for section in sections]
    return max((diameters(region, spacing) for region, spacing in spaced if spacing), default=None)


def _volume(sections: Sequence[_Section]) -> float | Reason:
    widths: list[float] = []
    for section in sections:
        width = section.outlined.width_mm
        if isinstance(width, Reason):
            return width
        widths.append(width)
    return volume_mm3([section.area_mm2 for section in sections], widths)


def _mean_row_and_column(sections: Sequence[_Section]) -> tuple[float, float]:
    row, column = np.average(
        [section.centroid for section in sections], axis=0, weights=[section.area_px for section in sections]
    )
    return float(row), float(column)


def _centroid_mm(sections: Sequence[_Section]) -> tuple[float, float, float] | None:
    """Weighted by what each slice stands for, where that is known."""
    centres = [section.centroid_mm for section in sections]
    known = [centre for centre in centres if centre is not None]
    if len(known) < len(sections):
        return None
    widths = [0.0 if isinstance(each.outlined.width_mm, Reason) else each.outlined.width_mm for each in sections]
    weights = np.array([section.area_px for section in sections]) * (widths if np.all(np.array(widths) > 0) else 1.0)
    x, y, z = np.average(known, axis=0, weights=weights)
    return float(x), float(y), float(z)


def _size(lesion: Lesion) -> tuple[float, int]:
    return lesion.volume_mm3 or 0.0, lesion.key_area_px


def _labels(slices: Sequence[OutlinedSlice], regions: Sequence[Regions], by_size: Sequence[int]) -> dict[str, Labels]:
    renumbered: Labels = np.zeros(len(by_size) + 1, np.min_scalar_type(len(by_size)))
    renumbered[list(by_size)] = np.arange(1, len(by_size) + 1)
    labels: list[Labels] = [renumbered[numbered] for numbered in regions]
    return {each.record.scan_id: label for each, label in zip(slices, labels, strict=True)}
