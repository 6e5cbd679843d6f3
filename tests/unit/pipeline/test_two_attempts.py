"""Two attempts at a scan at once: the one that commits first is the answer, and the other leaves no file."""

import copy
import json
from typing import Any

import pytest

from brainscan.domain import Outcome, ScanRecord
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.attempt import ScanChangedError
from brainscan.pipeline.give_up import give_up
from brainscan.store import Results
from tests.conftest import World
from tests.making import present


class Race:
    """Two attempts at a scan of which the first one commits after the second, which runs as a whole meanwhile."""

    def __init__(self, world: World, scan: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.scan = world, scan
        self._monkeypatch = monkeypatch

    def run(self, first: Model, second: Model) -> Any:
        commit, rivals = type(self.world.services.table.scans).commit, [second]

        def late(scans: Any, records: Any, before: Any) -> Any:
            if rivals:
                analyze([self.scan], self.world.services, rivals.pop())
            return commit(scans, records, before)

        self._monkeypatch.setattr(type(self.world.services.table.scans), "commit", late)
        [result] = analyze([self.scan], self.world.services, first)
        return result

    def files(self) -> set[str]:
        return set(self.world.keys(f"results/{self.scan.scan_id}/"))


@pytest.fixture
def race(world: World, three: Any, monkeypatch: pytest.MonkeyPatch) -> Race:
    return Race(world, three[1][0], monkeypatch)


def of_model(network: Model, letter: str) -> Model:
    """The same network under the name of another model."""
    other = copy.copy(network)
    other.manifest = network.manifest.model_copy(update={"model_id": letter * 64})
    return other


class TestTwoAttemptsAtAScan:
    def test_the_result_of_the_model_that_committed_first_is_the_one_in_s3(
        self, world: World, race: Race, network: Model
    ) -> None:
        result = race.run(of_model(network, "a"), of_model(network, "b"))
        record = present(world.services.table.scans.get(race.scan.scan_id))
        assert record.model_id == "b" * 64
        assert json.loads(world.services.results.get(present(record.result_key)))["model_id"] == "b" * 64
        assert (result.record, result.repeat) == (record, True)

    def test_of_the_attempt_that_lost_no_file_is_left(self, world: World, race: Race, network: Model) -> None:
        race.run(network, network)
        record = present(world.services.table.scans.get(race.scan.scan_id))
        assert race.files() == {key for key in (record.result_key, record.image_key, record.mask_key) if key}

    def test_files_that_cannot_be_deleted_are_named_by_nothing(
        self, world: World, race: Race, network: Model, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Results, "delete", lambda *_: (_ for _ in ()).throw(ConnectionError()))
        race.run(of_model(network, "a"), of_model(network, "b"))
        record = present(world.services.table.scans.get(race.scan.scan_id))
        assert {key.rsplit("/")[-1] for key in race.files()} == {"image.png", "result.json"}
        assert len(race.files()) == 4
        told = [world.services.results.get(key) for key in race.files() if key.endswith(".json")]
        stale = [json.loads(each) for each in told if json.loads(each)["model_id"] == "a" * 64]
        assert record.result_key not in {each["result_key"] for each in stale}

    def test_what_the_table_says_is_what_s3_says(self, world: World, race: Race, network: Model) -> None:
        race.run(of_model(network, "a"), of_model(network, "b"))
        record = present(world.services.table.scans.get(race.scan.scan_id))
        assert ScanRecord.model_validate_json(world.services.results.get(present(record.result_key))) == record

    def test_a_scan_given_up_meanwhile_is_retried_not_acknowledged(
        self, world: World, race: Race, network: Model, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit, steps = type(world.services.table.scans).commit, iter([True])

        def late(scans: Any, records: Any, before: Any) -> Any:
            if next(steps, False):
                give_up(race.scan, world.services)
            return commit(scans, records, before)

        monkeypatch.setattr(type(world.services.table.scans), "commit", late)
        [result] = analyze([race.scan], world.services, network)
        assert isinstance(result.error, ScanChangedError)
        [result] = analyze([race.scan], world.services, network)
        assert present(result.record).outcome in {Outcome.ANALYZED, Outcome.ABSTAINED}
        assert {key.split("/")[2] for key in race.files()} == {present(present(result.record).result_key).split("/")[2]}
