"""After a rotation of the pseudonym secret, who was seen before keeps the pseudonym; who is new has a new key's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import MagicMock

import pytest

from brainscan.dicom.header import read_header
from brainscan.domain import Scan
from brainscan.identity import Keyring, Pseudonyms
from brainscan.pipeline import naming
from brainscan.pipeline.files import patient_key
from brainscan.pipeline.intake import intake
from brainscan.services import Services
from tests import series as mr
from tests.conftest import World
from tests.making import NOON, PSEUDONYMS, png, present, zipped

SECOND = Pseudonyms(b"second")


@pytest.fixture
def rotated(world: World) -> Services:
    """The services of the world once a second version has begun."""
    text = Keyring.parse(PSEUDONYMS.secret.decode()).rotated("second", NOON - timedelta(hours=1))
    return replace(world.services, secret=lambda: text)


def taken_in(world: World, services: Services, key: str, place: int = 0, **header: Any) -> Scan:
    image = mr.mr_series(place + 1, **header)[place]
    intake(world.upload(key, zipped({"slice.dcm": mr.file_bytes(image)})), services)
    [scan] = world.queued()
    return scan


def test_a_deployment_that_never_rotated_asks_the_table_for_no_name(world: World, rotated: Services) -> None:
    upload = world.upload("a.png", png(32))
    header = read_header(mr.file_bytes(mr.mr_series(1, PatientID="P-1")[0]), world.services.limits)

    def asked(services: Services) -> list[str]:
        table = MagicMock(wraps=services.table)
        beside = replace(services, table=table)
        naming.pseudonyms_of_upload(upload, beside)
        naming.pseudonyms_of_patient(header, NOON, beside)
        return [name for name, *_ in table.mock_calls]

    assert asked(world.services) == []
    assert asked(rotated) != []


def test_a_patient_and_a_series_of_before_meet_after_it(world: World, rotated: Services) -> None:
    before = taken_in(world, world.services, "before.zip", 0, PatientID="P-1")
    after = taken_in(world, rotated, "after.zip", 1, PatientID="P-1")
    assert after.patient_id == before.patient_id == patient_key("P-1", "", PSEUDONYMS)
    assert (after.study_id, after.series_id) == (before.study_id, before.series_id)
    assert present(rotated.table.series.get(present(after.series_id))).expected == 2


def test_a_study_without_patient_id_meets_after_it(world: World, rotated: Services) -> None:
    before = taken_in(world, world.services, "before.zip", 0, PatientID="")
    after = taken_in(world, rotated, "after.zip", 1, PatientID="")
    assert after.patient_id is None
    assert (after.study_id, after.series_id) == (before.study_id, before.series_id)


def test_who_has_the_old_key_alone_finds_nobody_who_is_new(world: World, rotated: Services) -> None:
    scan = taken_in(world, rotated, "Doe.zip", PatientID="P-2")
    assert scan.patient_id == patient_key("P-2", "", SECOND)
    assert scan.source.key_digest == SECOND.digest("key", "Doe.zip")
    assert scan.export_id == SECOND.export_id("uploads", "Doe.zip", scan.source.version_id)
    assert rotated.table.versions.latest(SECOND.object_id("uploads", "Doe.zip")) == scan.export_id
    assert rotated.table.versions.latest(PSEUDONYMS.object_id("uploads", "Doe.zip")) is None


def test_what_came_before_the_new_version_began_is_named_by_the_old_one(world: World, rotated: Services) -> None:
    late = replace(world.upload("a.png", png(32)), received_at=NOON - timedelta(hours=2))
    export = intake(late, rotated)
    assert export.export_id == PSEUDONYMS.export_id("uploads", "a.png", present(late.version_id))


def test_a_new_version_of_an_object_of_before_replaces_it(world: World, rotated: Services) -> None:
    first = intake(world.upload("a.png", png(32), "01"), world.services)
    second = intake(world.upload("a.png", png(33), "02"), rotated)
    superseded = {
        scan.export_id: scan.superseded
        for each in (first, second)
        for scan in rotated.table.queries.of_export(each.export_id).items
    }
    assert superseded == {first.export_id: True, second.export_id: False}


def test_an_event_of_before_that_is_repeated_changes_nothing(world: World, rotated: Services) -> None:
    upload = world.upload("a.png", png(32), "01")
    first = intake(upload, world.services)
    assert intake(upload, rotated).export_id == first.export_id


def test_a_process_learns_of_a_rotation(world: World) -> None:
    told = [PSEUDONYMS.secret.decode()]
    services = replace(world.services, secret=lambda: told[-1])
    assert len(services.keyring.all) == 1
    told.append(services.keyring.rotated("second", NOON))
    assert len(services.keyring.all) == 2
