"""Slices of a series -> acquisitions: stacks of parallel slices, taken in one way, each place once.

Echoes, time points and averages of a place are not neighbours of each other, and neither are slices of planes that
cross. So a series falls apart by plane, echo time, temporal position, b-value and image type; and where places still
repeat, by the order in which they were taken. Where no position says which place a slice is of, its location or number
does.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from brainscan.domain import Reason
from brainscan.series.planes import SAME_POSITION_MM, Plane, positions_mm


@dataclass(frozen=True)
class Technique:
    """How a slice was taken, as far as its header says."""

    image_type: tuple[str, ...] = ()
    echo_time_ms: float | None = None
    temporal_position: float | None = None
    b_value: float | None = None


class AcquisitionOrder(NamedTuple):
    """When a slice was taken among those of its place, by the first of these that differs; 0 where none is stated."""

    frame_acquisition_number: float = 0.0
    acquisition_number: float = 0.0
    acquisition_time: float = 0.0
    instance_number: float = 0.0
    frame: float = 0.0

    @property
    def acquisition(self) -> tuple[float, float]:
        """What names the acquisition."""
        return self.frame_acquisition_number, self.acquisition_number


@dataclass(frozen=True)
class SliceSource:
    """What the source of a slice says.

    `location_mm` and `number` are what else tells places apart: the slice's location, and its number in the series.
    """

    plane: Plane | None = None
    technique: Technique = field(default_factory=Technique)
    acquisition_order: AcquisitionOrder = field(default_factory=AcquisitionOrder)
    thickness_mm: float | None = None
    location_mm: float | None = None
    number: float | None = None

    @property
    def position_tolerance_mm(self) -> float:
        """How far from this slice another one may lie and be of its place, taken again when the head had moved."""
        return max(SAME_POSITION_MM, min((self.thickness_mm or 0.0) * MOVED_SHARE, MOVED_MM))


MOVED_SHARE: Final = 1 / 8
"""Of its thickness, by which a slice follows a head that moves between time points; overlapping slices lie farther."""
MOVED_MM: Final = 0.5
"""At most: some headers state a thickness that no slice has."""


@dataclass(frozen=True)
class Acquisition:
    """A stack of slices, by their ids in the order of their places.

    `positions_mm` are along the common normal, from the first slice; or why there are none, `NO_POSITIONS`: the
    slices are then in the order given.
    """

    slices: tuple[str, ...]
    technique: Technique
    positions_mm: tuple[float, ...] | Reason


_TELLING: Final[tuple[Callable[[Technique], Hashable], ...]] = (
    lambda technique: technique.image_type,
    lambda technique: technique.echo_time_ms,
    lambda technique: technique.temporal_position,
    lambda technique: technique.b_value,
)
"""What acquisitions differ in, besides their planes."""


def acquisitions_of(slices: Sequence[str], sources: Mapping[str, SliceSource]) -> list[Acquisition]:
    """Group slices into acquisitions, in the order of their first slices.

    Args:
        slices: ids, in the order that intake gave them.
        sources: by id, of all slices of the series: what tells these apart is told by all. Where one of `slices` has
            none, nothing is known of the series but this order.
    """
    if any(each not in sources for each in slices):
        return [Acquisition(tuple(slices), Technique(), Reason.NO_POSITIONS)]
    planes = planes_of(sources)
    found: list[Acquisition] = []
    for alike in _by_technique(slices, sources):
        technique = sources[alike[0]].technique
        if any(each not in planes for each in alike):
            turns = _by_stated_place(alike, sources)
            found += [Acquisition(tuple(once), technique, Reason.NO_POSITIONS) for once in turns]
            continue
        stacks = [_by_place(stack, planes, sources) for stack in _by_plane(alike, planes)]
        found += [Acquisition(tuple(once), technique, _positions(once, planes)) for turns in stacks for once in turns]
    return found


def plausible(sources: Mapping[str, SliceSource]) -> dict[str, SliceSource]:
    """The sources of a series' slices without what cannot be true of all of them together.

    One position for slices of several locations, or of one acquisition, or the origin for all, is a filler: then none
    has a position. Frames of reference that differ from slice to slice, as where each file was given UIDs of its own,
    part nothing.
    """
    planes = planes_of(sources)
    positions = {plane.position_mm for plane in planes.values()}
    locations = {source.location_mm for source in sources.values()} - {None}
    taken_once = len({_taken(source) for source in sources.values()}) == 1
    if len(planes) > 1 and len(positions) == 1 and (len(locations) > 1 or taken_once or not any(next(iter(positions)))):
        return {each: replace(source, plane=None) for each, source in sources.items()}
    frames = {plane.frame_of_reference for plane in planes.values()}
    if 2 * len(frames) <= len(planes):
        return dict(sources)
    return {
        each: replace(source, plane=source.plane and replace(source.plane, frame_of_reference=""))
        for each, source in sources.items()
    }


def _taken(source: SliceSource) -> Hashable:
    """How, in which acquisition and at what time a slice was taken."""
    return source.technique, source.acquisition_order.acquisition, source.acquisition_order.acquisition_time


def planes_of(sources: Mapping[str, SliceSource]) -> dict[str, Plane]:
    """Where slices lie, by id; those are left out whose source does not say."""
    return {each: source.plane for each, source in sources.items() if source.plane}


def count_positions(acquisitions: Sequence[Acquisition], sources: Mapping[str, SliceSource]) -> int:
    """At how many places a series was imaged, however often each."""
    planes = planes_of(sources)
    unplaced = [len(each.slices) for each in acquisitions if isinstance(each.positions_mm, Reason)]
    placed = [each for one in acquisitions if not isinstance(one.positions_mm, Reason) for each in one.slices]
    return sum(unplaced) + sum(len(_by_place(stack, planes, sources)[0]) for stack in _by_plane(placed, planes))


def has_crossing_planes(sources: Mapping[str, SliceSource]) -> bool:
    """Whether slices of a series lie in planes that cross, as those of a scout view do."""
    planes = planes_of(sources)
    return len(_by_plane(list(planes), planes)) > 1


def _by_technique(slices: Sequence[str], sources: Mapping[str, SliceSource]) -> list[list[str]]:
    """Groups of a technique; what differs from slice to slice of the series tells nothing and is passed over."""
    techniques = [source.technique for source in sources.values()]
    telling = [tell for tell in _TELLING if 2 * len({tell(each) for each in techniques}) <= len(techniques)]
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for each in slices:
        groups[tuple(tell(sources[each].technique) for tell in telling)].append(each)
    return list(groups.values())


def _by_plane(slices: Sequence[str], planes: Mapping[str, Plane]) -> list[list[str]]:
    groups: list[list[str]] = []
    for each in slices:
        parallel = next((group for group in groups if planes[each].parallel_to(planes[group[0]])), None)
        if parallel is None:
            groups.append([each])
        else:
            parallel.append(each)
    return groups


def _by_place(stack: Sequence[str], planes: Mapping[str, Plane], sources: Mapping[str, SliceSource]) -> list[list[str]]:
    """Parallel slices in the order of their places, apart by how often the place was imaged before."""
    places: list[list[str]] = []
    last = -np.inf
    for position, each in sorted(zip(_positions(stack, planes), stack, strict=True)):
        if position - last >= sources[each].position_tolerance_mm:
            places.append([])
        last = position
        places[-1].append(each)
    for place in places:
        place.sort(key=lambda each: sources[each].acquisition_order)
    turns = max(map(len, places))
    return [[place[turn] for place in places if turn < len(place)] for turn in range(turns)]


def _by_stated_place(alike: Sequence[str], sources: Mapping[str, SliceSource]) -> list[list[str]]:
    """Slices without positions in the order given, apart by how often their place was imaged before.

    Locations tell places, or else numbers; where some have none, or all the same, nothing does. Numbers that go on from
    one acquisition to the next tell it where acquisitions have equally many slices.
    """
    locations = {each: source.location_mm for each, source in sources.items()}
    numbers = {each: source.number for each, source in sources.items()}
    for stated in (locations, numbers):
        if None not in stated.values() and len(set(stated.values())) > 1:
            break
    else:
        return [list(alike)]
    seen: Counter[float | None] = Counter()
    turn_of: dict[str, int] = {}
    for each in sorted(alike, key=lambda each: sources[each].acquisition_order):
        turn_of[each] = seen[stated[each]]
        seen[stated[each]] += 1
    if stated is numbers and max(seen.values()) == 1:
        return _equal_acquisitions(alike, sources)
    return [[each for each in alike if turn_of[each] == turn] for turn in range(max(seen.values()))]


def _equal_acquisitions(alike: Sequence[str], sources: Mapping[str, SliceSource]) -> list[list[str]]:
    """Slices by their acquisitions' numbers where each has equally many, and more than one; else all together."""
    found: dict[tuple[float, float], list[str]] = defaultdict(list)
    for each in alike:
        found[sources[each].acquisition_order.acquisition].append(each)
    sizes = {len(of_one) for of_one in found.values()}
    return [found[key] for key in sorted(found)] if len(sizes) == 1 and sizes != {1} else [list(alike)]


def _positions(stack: Sequence[str], planes: Mapping[str, Plane]) -> tuple[float, ...]:
    return tuple(map(float, positions_mm([planes[each] for each in stack])))
