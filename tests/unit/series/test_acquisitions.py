"""Slices fall into acquisitions by plane and technique, each place once; a repeated place is another acquisition."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscan.domain import Reason
from brainscan.series.acquisitions import (
    AcquisitionOrder,
    SliceSource,
    Technique,
    acquisitions_of,
    count_positions,
    plausible,
)
from brainscan.series.planes import Plane
from tests.making import present
from tests.series import TRANSVERSE

SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
ALONG = {TRANSVERSE: 2, SAGITTAL: 0, CORONAL: 1}
FIRST = AcquisitionOrder()


def source(
    height: Any, orientation: Any = TRANSVERSE, order: AcquisitionOrder = FIRST, **technique: Any
) -> SliceSource:
    position = [0.0, 0.0, 0.0]
    position[ALONG[orientation]] = float(height)
    return SliceSource(Plane(tuple(position), orientation, "1.2"), Technique(**technique), order)


def taken(time: float, instance: float = 0.0) -> AcquisitionOrder:
    return AcquisitionOrder(acquisition_number=time, instance_number=instance)


def grouped(sources: Any) -> Any:
    return [each.slices for each in acquisitions_of(list(sources), sources)]


HEIGHTS = (0, 3, 6, 9)


def test_one_stack_is_one_acquisition_in_the_order_of_its_places() -> None:
    sources = {f"{height}": source(height) for height in (6, 0, 9, 3)}
    [found] = acquisitions_of(list(sources), sources)
    assert found.slices == ("0", "3", "6", "9")
    assert found.positions_mm == (0, 3, 6, 9)


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ("echo_time_ms", (12.0, 90.0)),
        ("temporal_position", (1.0, 2.0, 3.0)),
        ("b_value", (0.0, 1000.0)),
        ("image_type", (("ORIGINAL", "PRIMARY", "M"), ("ORIGINAL", "PRIMARY", "IP"))),
    ],
)
def test_what_repeats_in_another_way_is_another_acquisition(attribute: str, values: tuple[Any, ...]) -> None:
    techniques: list[dict[str, Any]] = [{attribute: value} for value in values]
    sources = {
        f"{number}-{height}": source(height, **technique)
        for height in HEIGHTS
        for number, technique in enumerate(techniques)
    }
    expected = [tuple(f"{number}-{height}" for height in HEIGHTS) for number in range(len(values))]
    assert grouped(sources) == expected
    acquisitions = acquisitions_of(list(sources), sources)
    assert [getattr(each.technique, attribute) for each in acquisitions] == list(values)
    assert count_positions(acquisitions, sources) == len(HEIGHTS)


def test_repeats_that_no_attribute_tells_apart_go_by_when_they_were_taken() -> None:
    sources = {
        f"{turn}-{height}": source(height, order=taken(turn, 10 * turn + height))
        for height in HEIGHTS
        for turn in (2, 1)
    }
    assert grouped(sources) == [tuple(f"{turn}-{height}" for height in HEIGHTS) for turn in (1, 2)]


def test_a_single_repeated_slice_does_not_take_the_others_with_it() -> None:
    sources = {f"{height}": source(height, order=taken(1)) for height in HEIGHTS} | {"again": source(6, order=taken(2))}
    assert grouped(sources) == [("0", "3", "6", "9"), ("again",)]


def test_an_attribute_that_differs_from_slice_to_slice_parts_nothing() -> None:
    sources = {f"{height}": source(height, temporal_position=float(height)) for height in HEIGHTS}
    assert grouped(sources) == [("0", "3", "6", "9")]


@pytest.mark.parametrize(
    ("values", "parts"), [((1.0, 1.0, 1.0, 2.0, 2.0, 2.0), 2), ((1.0, 1.0, 2.0, 2.0, 3.0, 4.0), 1)]
)
def test_an_attribute_parts_a_series_if_each_value_has_two_slices_in_the_mean(
    values: tuple[float, ...], parts: int
) -> None:
    sources = {f"{place}": source(3 * place, temporal_position=value) for place, value in enumerate(values)}
    assert len(grouped(sources)) == parts


@pytest.mark.parametrize(("apart_mm", "acquisitions"), [(0.001, 2), (0.1, 1), (0.9, 1)])
def test_places_of_a_thin_stack_are_places_and_rounding_makes_none(apart_mm: float, acquisitions: int) -> None:
    sources = {f"{number}": source(number * apart_mm, order=taken(number)) for number in range(2)}
    assert len(grouped(sources)) == acquisitions


def test_planes_that_cross_are_acquisitions_of_their_own_and_all_their_places_are_counted() -> None:
    sources = {f"{plane}{height}": source(height, plane) for plane in ALONG for height in (0, 3, 6)}
    acquisitions = acquisitions_of(list(sources), sources)
    assert [len(each.slices) for each in acquisitions] == [3, 3, 3]
    assert count_positions(acquisitions, sources) == 9


def test_where_a_slice_does_not_say_where_it_lies_the_order_given_stands() -> None:
    sources = {"b": source(0), "a": SliceSource(), "c": source(9)}
    [found] = acquisitions_of(list(sources), sources)
    assert (found.slices, found.positions_mm) == (("b", "a", "c"), Reason.NO_POSITIONS)


def test_where_a_slice_has_no_source_nothing_is_known_but_the_order_given() -> None:
    [found] = acquisitions_of(["b", "a"], {"b": source(0)})
    assert (found.slices, found.positions_mm) == (("b", "a"), Reason.NO_POSITIONS)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(list(ALONG)), st.integers(0, 4), st.sampled_from([12.0, 90.0])), min_size=1))
def test_every_slice_is_in_one_acquisition_and_no_place_twice_in_any(images: list[tuple[Any, int, float]]) -> None:
    sources = {f"{n}": source(3 * h, plane, taken(n), echo_time_ms=echo) for n, (plane, h, echo) in enumerate(images)}
    given_order = random.Random(len(images)).sample(list(sources), len(sources))
    acquisitions = acquisitions_of(given_order, sources)
    assert sorted(each for one in acquisitions for each in one.slices) == sorted(sources)
    for one in acquisitions:
        positions_mm = cast(Sequence[float], one.positions_mm)
        assert list(positions_mm) == sorted(set(positions_mm))
        assert len({present(sources[each].plane).orientation for each in one.slices}) == 1
    assert count_positions(acquisitions, sources) == len({(plane, h) for plane, h, _ in images})


@pytest.mark.parametrize(("thickness", "moved"), [(6.0, 0.3), (3.0, 0.2), (60.0, 0.4), (6.0, 0.6)])
def test_a_place_that_followed_a_moving_head_is_no_neighbour_of_itself(thickness: float, moved: float) -> None:
    """Scanners that track the head write another position at each time point."""
    sources = {
        f"{time}-{height}": replace(source(height + time * moved / 2, order=taken(time)), thickness_mm=thickness)
        for height in HEIGHTS
        for time in range(3)
    }
    assert grouped(sources) == [tuple(f"{time}-{height}" for height in HEIGHTS) for time in range(3)]


@pytest.mark.parametrize(("thickness", "distance"), [(1.2, 0.6), (3.0, 1.0), (60.0, 1.0), (None, 0.1)])
def test_slices_that_overlap_are_neighbours(thickness: float | None, distance: float) -> None:
    sources = {f"{n}": replace(source(n * distance), thickness_mm=thickness) for n in range(6)}
    assert grouped(sources) == [tuple("012345")]


@pytest.mark.parametrize("tells", ["location_mm", "number"])
def test_without_positions_a_place_that_is_imaged_again_is_known_by_its_location_or_its_number(tells: str) -> None:
    stated: dict[int, Any] = {place: {tells: 6.0 * place} for place in range(4)}
    sources = {
        f"{time}-{place}": SliceSource(acquisition_order=taken(time), **stated[place])
        for place in range(4)
        for time in range(3)
    }
    acquisitions = acquisitions_of(list(sources), sources)
    assert [each.slices for each in acquisitions] == [
        tuple(f"{time}-{place}" for place in range(4)) for time in range(3)
    ]
    assert {each.positions_mm for each in acquisitions} == {Reason.NO_POSITIONS}


def test_without_positions_numbers_that_go_on_are_parted_by_acquisitions_of_equally_many_slices() -> None:
    def numbered(counts: Sequence[int], location_mm: float | None = None) -> dict[str, SliceSource]:
        numbers = (number for number, count in enumerate(counts) for _ in range(count))
        orders = [taken(number, place) for place, number in enumerate(numbers)]
        return {
            str(place): SliceSource(acquisition_order=order, number=float(place), location_mm=location_mm)
            for place, order in enumerate(orders)
        }

    assert grouped(numbered([3, 3])) == grouped(numbered([3, 3], 0.0)) == [("0", "1", "2"), ("3", "4", "5")]
    assert grouped(numbered([2, 3])) == [tuple("01234")]
    assert grouped(numbered([1, 1, 1, 1])) == [tuple("0123")]


@pytest.mark.parametrize("location_mm", [None, 0.0], ids=["none", "filled in"])
def test_a_location_that_all_slices_share_tells_no_places(location_mm: float | None) -> None:
    sources = {str(n): SliceSource(location_mm=location_mm, number=float(n)) for n in range(4)}
    assert grouped(sources) == [("0", "1", "2", "3")]


def test_one_position_for_all_slices_is_none_where_it_is_the_origin_or_their_locations_differ_or_nothing_does() -> None:
    apart = {str(n): replace(source(3), location_mm=6.0 * n) for n in range(4)}
    filled_in = {str(n): replace(source(0, order=taken(n)), number=float(n)) for n in range(4)}
    taken_once = {str(n): replace(source(3, order=taken(1, n)), number=float(n)) for n in range(4)}
    for sources in (apart, filled_in, taken_once):
        [found] = acquisitions_of(list(sources), plausible(sources))
        assert (found.slices, found.positions_mm) == (("0", "1", "2", "3"), Reason.NO_POSITIONS)


def test_one_place_that_is_imaged_several_times_keeps_its_position() -> None:
    sources = {str(n): source(3, order=taken(n)) for n in range(3)}
    assert [each.positions_mm for each in acquisitions_of(list(sources), plausible(sources))] == [(0.0,)] * 3


def test_frames_of_reference_that_differ_from_slice_to_slice_part_nothing() -> None:
    sources = {str(n): source(3 * n) for n in range(4)}
    own = {
        each: replace(of, plane=replace(present(of.plane), frame_of_reference=f"1.2.{each}"))
        for each, of in sources.items()
    }
    assert grouped(plausible(own)) == [("0", "1", "2", "3")]
    halves = {
        each: replace(of, plane=replace(present(of.plane), frame_of_reference=str(int(each) // 2)))
        for each, of in sources.items()
    }
    assert grouped(plausible(halves)) == [("0", "1"), ("2", "3")]


def test_what_tells_acquisitions_apart_is_told_by_all_slices_of_a_series() -> None:
    """Of three times of four places, those of one place alone have an answer."""
    sources = {
        f"{time}-{height}": source(height + 1.5 * time, temporal_position=float(time))
        for height in (0, 6, 12, 18)
        for time in range(3)
    }
    found = acquisitions_of(["0-6", "1-6", "2-6"], sources)
    assert [each.slices for each in found] == [("0-6",), ("1-6",), ("2-6",)]
