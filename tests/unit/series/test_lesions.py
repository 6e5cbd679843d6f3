"""A lesion is a mass: connected over neighbouring slices, measured by itself."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brainscan.domain import Reason, TumorClass
from brainscan.series.lesions import OutlinedSlice, findings_of, lesions_of
from brainscan.series.planes import Plane
from tests import series as mr
from tests.making import present

G, M = TumorClass.GLIOMA, TumorClass.MENINGIOMA
PIXEL = mr.SPACING[0] * mr.SPACING[1]


def outlined(*masks: Any, classes: Any = None, width: float | Reason = 3.0, places: Any = None, **changes: Any) -> Any:
    """A slice for each mask, 3 mm apart."""
    return [
        OutlinedSlice(
            mr.answered(n, classes[n] if classes else G, mask, **changes),
            mask,
            places[n] if places else n,
            Plane((-30.0, -40.0, 10.0 + 3 * n), mr.TRANSVERSE, "1.2"),
            width,
        )
        for n, mask in enumerate(masks)
    ]


def test_two_masses_are_two_lesions_each_with_its_own_size() -> None:
    small, large = mr.disc(3, 10, 8), mr.disc(6, 30, 50)
    slices = outlined(small | large, large)
    [first, second], labels = lesions_of(slices)
    assert first.volume_mm3 == pytest.approx(2 * large.sum() * PIXEL * 3)
    assert second.volume_mm3 == pytest.approx(small.sum() * PIXEL * 3)
    assert first.longest_diameter_px < 15
    assert second.longest_diameter_px < 9
    assert (len(first.slices), len(second.slices)) == (2, 1)
    np.testing.assert_array_equal(labels[slices[0].record.scan_id], np.where(large, 1, np.where(small, 2, 0)))


def test_masses_that_meet_on_the_next_slice_are_one() -> None:
    apart = mr.disc(4, 20, 20) | mr.disc(4, 20, 40)
    [lesion], _ = lesions_of(outlined(apart, mr.disc(12, 20, 30)))
    assert lesion.volume_mm3 == pytest.approx((apart.sum() + mr.disc(12, 20, 30).sum()) * PIXEL * 3)


def test_masses_on_slices_that_are_no_neighbours_are_lesions_of_their_own() -> None:
    for places in ([1, 4], [1, 1]):
        lesions, _ = lesions_of(outlined(mr.disc(5), mr.disc(5), places=places))
        assert len(lesions) == 2


def test_slices_of_unlike_pixels_share_no_lesion() -> None:
    wide = outlined(mr.disc(5), mr.disc(5))
    fine = outlined(mr.disc(5), mr.disc(5), spacing_mm=(mr.SPACING[0] / 2, mr.SPACING[1] / 2))
    lesions, _ = lesions_of([wide[0], fine[1]])
    assert len(lesions) == 2


def test_the_lesion_of_the_larger_volume_is_the_first_though_another_is_larger_on_its_slice() -> None:
    tall, flat = mr.disc(4, 10, 10), mr.disc(6, 30, 50)
    [first, second], _ = lesions_of(outlined(tall, tall, tall, tall | flat))
    assert present(first.volume_mm3) > present(second.volume_mm3)
    assert first.key_area_px < second.key_area_px


def test_a_ball_is_measured_as_a_ball() -> None:
    heights = np.arange(-12, 13, 3)
    rows, columns = np.mgrid[: mr.ROWS, : mr.COLUMNS]
    across = np.hypot((rows - 24) * mr.SPACING[0], (columns - 32) * mr.SPACING[1])
    [ball], _ = lesions_of(outlined(*(across <= math.sqrt(max(15.0**2 - h**2, 0.0)) for h in heights)))
    assert ball.volume_mm3 == pytest.approx(4 / 3 * math.pi * 15**3, rel=0.05)
    assert ball.longest_diameter_mm == pytest.approx(30, abs=3)
    assert ball.perpendicular_diameter_mm == pytest.approx(30, abs=3)
    assert ball.centroid == pytest.approx((24, 32))
    assert ball.centroid_mm == pytest.approx((-30 + 32 * mr.SPACING[1], -40 + 24 * mr.SPACING[0], 10 + 12))


def test_a_cigar_has_a_long_and_a_short_axis() -> None:
    rows, columns = np.mgrid[: mr.ROWS, : mr.COLUMNS]
    cigar = np.hypot((rows - 24) / 4, (columns - 32) / 20) <= 1
    [lesion], _ = lesions_of(outlined(cigar, cigar))
    assert lesion.longest_diameter_mm == pytest.approx(41 * mr.SPACING[1], abs=1.5)
    assert lesion.perpendicular_diameter_mm == pytest.approx(9 * mr.SPACING[0], abs=1.5)


def test_a_slice_called_otherwise_begins_another_lesion() -> None:
    slices = outlined(mr.disc(8), mr.disc(8), mr.disc(4), classes=[M, M, G])
    lesions, _ = lesions_of(slices)
    assert [(each.tumor_class, each.number, len(each.slices)) for each in lesions] == [(M, 1, 2), (G, 2, 1)]
    found = findings_of(lesions, slices)
    assert [(each.tumor_class, each.lesions, each.slices) for each in found] == [(M, 1, 2), (G, 1, 1)]


def test_without_spacing_sizes_are_in_pixels_and_the_volume_says_why_it_is_missing() -> None:
    [lesion], _ = lesions_of(outlined(mr.disc(5), mr.disc(5), spacing_mm=None))
    assert (lesion.longest_diameter_mm, lesion.centroid_mm, lesion.volume_mm3) == (None, None, None)
    assert lesion.volume_withheld is Reason.NO_SPACING
    assert lesion.longest_diameter_px == pytest.approx(11, abs=0.1)


def test_the_reason_why_there_are_no_widths_is_why_there_is_no_volume() -> None:
    slices = outlined(mr.disc(5), mr.disc(5), width=Reason.SINGLE_SLICE)
    lesions, _ = lesions_of(slices)
    [finding] = findings_of(lesions, slices)
    assert lesions[0].volume_withheld is finding.volume_withheld is Reason.SINGLE_SLICE
    assert finding.volume_mm3 is None


def test_a_finding_sums_up_the_lesions_of_its_class() -> None:
    small, large = mr.disc(3, 10, 8), mr.disc(6, 30, 50)
    slices = outlined(small | large, small | large)
    lesions, _ = lesions_of(slices)
    [finding] = findings_of(lesions, slices)
    assert (finding.lesions, finding.slices) == (2, 2)
    assert finding.volume_mm3 == pytest.approx(sum(present(each.volume_mm3) for each in lesions))
    assert finding.longest_diameter_mm == lesions[0].longest_diameter_mm
    assert finding.key_area_px == large.sum()


def test_a_slice_tells_of_the_class_of_a_finding_as_much_as_it_shows_of_it() -> None:
    slight, wide = mr.disc(3), mr.disc(9)
    unsure, sure = outlined(slight, wide)
    slices = [replace(unsure, record=mr.answered(0, G, slight, confidence=0.6)), sure]
    lesions, _ = lesions_of(slices)
    [finding] = findings_of(lesions, slices)
    assert finding.probability == pytest.approx(np.average([0.6, 0.9], weights=[slight.sum(), wide.sum()]))


def test_more_lesions_than_a_byte_counts_keep_their_numbers() -> None:
    rows, columns = np.mgrid[: mr.ROWS, : mr.COLUMNS]
    dots = (rows % 3 == 0) & (columns % 3 == 0)
    lesions, labels = lesions_of(outlined(dots))
    assert len(lesions) == dots.sum() > 255
    assert set(np.unique(next(iter(labels.values())))) == set(range(dots.sum() + 1))
