"""A patient's studies by time of arrival: how the volume of what is outlined changes, where it may be compared at all.

Dates of acquisition are a patient's data and are kept nowhere; so time here is that of arrival.
"""

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from pydantic import Field

from brainscan.domain.base import FrozenModel
from brainscan.domain.summary import Geometry, SeriesSummary, StudySummary

SAME_PLANE: Final = math.cos(math.radians(5))
"""Normals within five degrees: heads are never placed quite alike."""

SAME_SIZE: Final = 0.1
"""Relative difference up to which pixels and slice distances are alike."""


class NotCompared(StrEnum):
    """Why the volumes of two studies are not set against each other."""

    FIRST = "first_study"
    NO_VOLUME = "no_volume"
    UNKNOWN_GEOMETRY = "unknown_geometry"
    OTHER_PLANE = "other_plane"
    OTHER_PIXELS = "other_pixel_size"
    OTHER_DISTANCE = "other_slice_distance"
    NO_TUMOR_BEFORE = "no_tumor_before"


class FollowUp(FrozenModel):
    """A study in a patient's history, and how it differs from the study before it."""

    study_id: str
    series_id: str | None = Field(default=None, description="whose volume it is")
    volume_mm3: float | None = Field(default=None, description="of all lesions of the series")
    largest_mm3: float | None = Field(default=None, description="of its largest lesion")
    compared_with: str | None = Field(default=None, description="series id in the study before")
    compared_volume_mm3: float | None = Field(default=None, description="of all lesions of the series compared with")
    change_percent: float | None = Field(default=None, description="of the volume compared with")
    not_compared: NotCompared | None = None


def follow_ups(studies: Sequence[StudySummary], series: Mapping[str, SeriesSummary]) -> list[FollowUp]:
    """Compare each of a patient's studies with the one before.

    Args:
        studies: In the order of their arrival.
        series: All of theirs, by id.
    """
    of_study = [[series[each.series_id] for each in study.series if each.series_id in series] for study in studies]
    before = [[], *of_study][: len(of_study)]
    return [_follow_up(*each) for each in zip(studies, of_study, before, strict=True)]


def incomparable_reason(one: Geometry, other: Geometry) -> NotCompared | None:
    """In what two series differ so that their volumes say nothing about each other."""
    if not (
        one.spacing_mm and other.spacing_mm and one.distance_mm and other.distance_mm and one.normal and other.normal
    ):
        return NotCompared.UNKNOWN_GEOMETRY
    if abs(sum(a * b for a, b in zip(one.normal, other.normal, strict=True))) < SAME_PLANE:
        return NotCompared.OTHER_PLANE
    if not all(math.isclose(a, b, rel_tol=SAME_SIZE) for a, b in zip(one.spacing_mm, other.spacing_mm, strict=True)):
        return NotCompared.OTHER_PIXELS
    if not math.isclose(one.distance_mm, other.distance_mm, rel_tol=SAME_SIZE):
        return NotCompared.OTHER_DISTANCE
    return None


def _follow_up(study: StudySummary, now: Sequence[SeriesSummary], before: Sequence[SeriesSummary]) -> FollowUp:
    """The series that the verdicts rest on come first: they are compared if they can be."""
    if not now:
        return FollowUp(study_id=study.study_id, not_compared=NotCompared.NO_VOLUME)
    if not before:
        return _of(study, now[0], None, NotCompared.FIRST)
    reasons = []
    for later in now:
        for earlier in before:
            reason = _not_comparable(earlier, later)
            if reason is None:
                return _of(study, later, earlier, None)
            reasons.append(reason)
    return _of(study, now[0], None, reasons[0])


def _not_comparable(earlier: SeriesSummary, later: SeriesSummary) -> NotCompared | None:
    if earlier.volume_mm3 is None or later.volume_mm3 is None:
        return NotCompared.NO_VOLUME
    return incomparable_reason(earlier.geometry, later.geometry) or (
        None if earlier.volume_mm3 else NotCompared.NO_TUMOR_BEFORE
    )


def _of(
    study: StudySummary, series: SeriesSummary, earlier: SeriesSummary | None, reason: NotCompared | None
) -> FollowUp:
    change = None
    if earlier and earlier.volume_mm3 and series.volume_mm3 is not None:
        change = 100 * (series.volume_mm3 - earlier.volume_mm3) / earlier.volume_mm3
    return FollowUp(
        study_id=study.study_id,
        series_id=series.series_id,
        volume_mm3=series.volume_mm3,
        largest_mm3=max((each.volume_mm3 for each in series.lesions if each.volume_mm3 is not None), default=None),
        compared_with=earlier.series_id if earlier else None,
        compared_volume_mm3=earlier.volume_mm3 if earlier else None,
        change_percent=change,
        not_compared=reason,
    )
