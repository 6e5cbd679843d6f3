"""Which slices belong together: of one patient, one study and one series, and each frame for itself."""

from typing import Any

import pytest
from pydicom import Dataset

from brainscan.domain import Export, Outcome, Reason
from brainscan.pipeline.intake import intake
from tests import series as mr
from tests.conftest import World
from tests.making import present, zipped

ONE: dict[str, Any] = {
    "PatientID": "P-1",
    "IssuerOfPatientID": "A",
    "PatientName": "One",
    "PatientBirthDate": "19500101",
}


def uploaded(world: World, *images: Dataset) -> Export:
    files = {f"{place}.dcm": mr.file_bytes(image) for place, image in enumerate(images)}
    return intake(world.upload("export.zip", zipped(files)), world.services)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ONE, ONE | {"PatientID": "P-2"}),
        (ONE, ONE | {"IssuerOfPatientID": "B"}),
        (ONE | {"PatientID": ""}, ONE | {"PatientID": "", "PatientName": "Other"}),
        (ONE | {"PatientID": ""}, ONE | {"PatientID": "", "PatientBirthDate": "19600101"}),
        (ONE, ONE | {"StudyInstanceUID": "1.2.3.77"}),
    ],
    ids=["id", "issuer", "name", "birth date", "study"],
)
def test_patients_and_studies_that_share_a_series_uid_are_not_mixed(world: World, one: Any, other: Any) -> None:
    uploaded(world, *mr.mr_series(2, **one), *mr.mr_series(2, **other))
    scans = world.queued()
    found = {scan.series_id for scan in scans}
    assert len(found) == 2
    assert [present(world.services.table.series.get(present(series_id))).expected for series_id in found] == [2, 2]
    assert len({scan.instance_id for scan in scans}) == 4
    assert len({scan.study_id for scan in scans}) == 2


@pytest.mark.parametrize("told_by", [{"PatientName": "Other"}, {"PatientBirthDate": "19600101"}], ids=str)
def test_persons_who_share_an_id_share_neither_series_nor_study(world: World, told_by: Any) -> None:
    uploaded(world, *mr.mr_series(2, **ONE), *mr.mr_series(2, **ONE | told_by))
    scans = world.queued()
    assert len({scan.series_id for scan in scans}) == 2
    assert len({scan.study_id for scan in scans}) == 2
    assert len({scan.instance_id for scan in scans}) == 4


@pytest.mark.parametrize("spelled", ["MUELLER^Jürgen", "jurgen muller", "Müller^Juergen", "MÜLLER^JÜRGEN^^"])
def test_one_name_in_many_spellings_is_of_one_person(world: World, spelled: str) -> None:
    first, second = mr.mr_series(2, **ONE | {"PatientName": "Müller^Jürgen"})
    second.PatientName = spelled
    uploaded(world, first, second)
    assert len({scan.series_id for scan in world.queued()}) == 1


def test_a_name_spelled_twice_does_not_split_the_series_of_an_id(world: World) -> None:
    first, second = mr.mr_series(2, **ONE)
    second.PatientName = "ONE"
    uploaded(world, first, second)
    assert len({scan.series_id for scan in world.queued()}) == 1


def test_slices_that_share_one_instance_uid_are_instances_of_their_own(world: World) -> None:
    images = mr.mr_series(3)
    for image in images:
        image.SOPInstanceUID = images[0].SOPInstanceUID
        image.file_meta.MediaStorageSOPInstanceUID = images[0].SOPInstanceUID
    uploaded(world, *images)
    assert len({scan.instance_id for scan in world.queued()}) == 3


def test_frames_of_one_object_at_one_place_are_instances_of_their_own(world: World) -> None:
    image = mr.enhanced(mr.mr_series(2))
    first, second = image.PerFrameFunctionalGroupsSequence
    second.PlanePositionSequence = first.PlanePositionSequence
    uploaded(world, image)
    one, other = world.queued()
    assert one.order == other.order
    assert one.instance_id != other.instance_id


def test_a_slice_of_no_series_says_that_no_report_will_speak_of_it(world: World) -> None:
    images = mr.mr_series(2)
    for image in images:
        del image.SeriesInstanceUID
    uploaded(world, *images)
    assert [(scan.series_id, scan.flags) for scan in world.queued()] == [(None, (Reason.NO_SERIES,))] * 2


def of_both_components() -> Dataset:
    """A multi-frame object: two frames of phase, then two of magnitude."""
    image = mr.enhanced(mr.mr_series(4))
    for place, groups in enumerate(image.PerFrameFunctionalGroupsSequence):
        kind = Dataset()
        kind.FrameType = ["ORIGINAL", "PRIMARY", "M"]
        kind.ComplexImageComponent = "PHASE" if place < 2 else "MAGNITUDE"
        groups.MRImageFrameTypeSequence = [kind]
    return image


def test_frames_of_phase_are_skipped_by_name_and_those_of_magnitude_are_the_series(world: World) -> None:
    export = uploaded(world, of_both_components())
    queued = world.queued()
    assert [scan.source.frame for scan in queued] == [2, 3]
    [series_id] = {scan.series_id for scan in queued}
    series = present(world.services.table.series.get(present(series_id)))
    assert (series.expected, series.remaining) == (2, 2)
    assert export.counts == {Outcome.QUEUED: 2, Outcome.SKIPPED: 2}
    records = world.services.table.queries.of_export(export.export_id).items
    skipped = [record for record in records if record.outcome is Outcome.SKIPPED]
    assert [(record.source.frame, record.reasons) for record in skipped] == [
        (0, (Reason.PHASE_IMAGE,)),
        (1, (Reason.PHASE_IMAGE,)),
    ]
