"""Slices lie in the order of their positions, else of their numbers."""

from typing import Any

import numpy as np
import pytest

from tests.unit.dicom.headers import header

SAGITTAL = [0, 1, 0, 0, 0, -1]

OBLIQUE = [0.9991238, 0.015085529, 0.039039638, 0.039316997, -0.018548675, -0.9990546]


@pytest.mark.parametrize("cosines", [[1, 0, 0, 0, 1, 0], SAGITTAL, OBLIQUE], ids=["axial", "sagittal", "oblique"])
def test_slices_sort_by_their_position_along_the_normal_whatever_their_numbers(cosines: Any) -> None:
    normal = np.cross(cosines[:3], cosines[3:])
    heights = [-120.5, -3.25, -3.2, 0.0, 7.125, 99.0]
    orders = [
        header(
            ImageOrientationPatient=cosines,
            ImagePositionPatient=[f"{value:.6f}" for value in normal * height + np.array(cosines[:3]) * 5],
            InstanceNumber=100 - place,
        ).orders[0]
        for place, height in enumerate(heights)
    ]
    assert orders == sorted(set(orders))
    assert np.allclose(np.diff(orders), np.diff(heights) * 1000, atol=1)


@pytest.mark.parametrize(
    "elements",
    [
        {"ImagePositionPatient": None},
        {"ImagePositionPatient": [0, 0]},
        {"ImageOrientationPatient": None},
        {"ImagePositionPatient": [0, 0, "1e400"]},
    ],
)
def test_without_a_position_the_instance_number_stands_in(elements: dict[str, Any]) -> None:
    whole = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 0], "InstanceNumber": 7}
    assert header(**whole | elements).orders == (7,)
