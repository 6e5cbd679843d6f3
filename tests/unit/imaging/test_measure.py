"""Measurements against shapes whose size is known on paper."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import regionprops

from brainscan.imaging.measure import measure

Mask = npt.NDArray[np.bool_]


def ellipse(rows: float, columns: float, angle: float = 0, size: int = 301) -> Mask:
    """Half axes in pixels along rows and columns, turned by an angle in radians."""
    y, x = np.mgrid[:size, :size] - size // 2
    along, across = y * np.cos(angle) + x * np.sin(angle), -y * np.sin(angle) + x * np.cos(angle)
    return np.asarray((along / rows) ** 2 + (across / columns) ** 2 <= 1)


def rectangle(rows: int, columns: int) -> Mask:
    mask = np.zeros((200, 200), bool)
    mask[20 : 20 + rows, 50 : 50 + columns] = True
    return mask


def test_an_empty_mask_has_no_measurements() -> None:
    assert measure(np.zeros((5, 5), bool), (1, 1)) is None


def test_a_lone_pixel_is_one_pixel_long_and_in_millimetres_as_long_as_its_longer_edge() -> None:
    mask = np.zeros((7, 9), bool)
    mask[3, 4] = True
    found = measure(mask, (0.5, 2.0))
    assert found is not None
    assert (found.area_px, found.area_mm2) == (1, 1.0)
    assert (found.longest_diameter_px, found.longest_diameter_mm) == (1.0, 2.0)
    assert found.centroid == (3.0, 4.0)
    assert found.bounding_box == (3, 4, 4, 5)
    assert found.components == 1


@pytest.mark.parametrize("radius", [3, 10, 50.5, 120])
def test_the_diameter_of_a_disc_is_twice_its_radius(radius: float) -> None:
    found = measure(ellipse(radius, radius), (0.7, 0.7))
    assert found is not None
    assert found.longest_diameter_px == pytest.approx(2 * radius, abs=1)
    assert found.longest_diameter_mm == pytest.approx(2 * radius * 0.7, abs=0.701)
    assert found.area_mm2 == pytest.approx(np.pi * radius**2 * 0.49, rel=0.03)
    assert found.centroid == (150.0, 150.0)


@pytest.mark.parametrize("angle", [0, 0.4, 1.1, np.pi / 2])
def test_the_diameter_of_an_ellipse_is_its_long_axis_whichever_way_it_points(angle: float) -> None:
    found = measure(ellipse(80, 30, angle), None)
    assert found is not None
    assert found.longest_diameter_px == pytest.approx(160, abs=1)
    assert found.longest_diameter_mm is None
    assert found.area_mm2 is None


def test_the_diameter_of_a_rectangle_is_its_diagonal() -> None:
    found = measure(rectangle(30, 40), (2, 2))
    assert found is not None
    assert found.area_px == 1200
    assert found.longest_diameter_px == pytest.approx(50, abs=1)
    assert found.longest_diameter_mm == pytest.approx(100, abs=2)
    assert found.bounding_box == (20, 50, 50, 90)
    assert found.centroid == (34.5, 69.5)


def test_unequal_spacing_changes_which_way_is_longest() -> None:
    """In pixels the ellipse is longest along its rows; in millimetres, with columns 5 mm apart, along its columns."""
    found = measure(ellipse(80, 40), (1.0, 5.0))
    assert found is not None
    assert found.longest_diameter_px == pytest.approx(160, abs=1)
    assert found.longest_diameter_mm == pytest.approx(400, abs=5)


def test_regions_are_counted_and_measured_together() -> None:
    mask = rectangle(1, 1)
    mask[20, 149] = True
    mask[21, 150] = True
    found = measure(mask, None)
    assert found is not None
    assert found.components == 2, "pixels that touch at a corner belong together"
    assert found.area_px == 3
    assert found.longest_diameter_px == pytest.approx(101, abs=0.1)


@given(arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12))).filter(lambda mask: bool(mask.any())))
def test_it_agrees_with_scikit_image_on_any_mask(mask: Mask) -> None:
    found = measure(mask, None)
    (reference,) = regionprops(mask.astype(np.uint8))
    assert found is not None
    assert found.area_px == reference.area
    assert found.bounding_box == reference.bbox
    assert found.centroid == pytest.approx(reference.centroid)
    # scikit-image fills the convex hull with whole pixels first, which moves its outline by up to half a pixel.
    assert found.longest_diameter_px == pytest.approx(reference.feret_diameter_max, abs=0.75)
