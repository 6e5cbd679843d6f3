"""What is watched of scans is counted a day and a site from the table's stream: once, whatever comes again."""

import random
from collections import Counter
from dataclasses import replace
from typing import Any, cast

import pytest

from brainscan.domain import CLASSES, Outcome, Reason
from brainscan.domain.devices import CODES
from brainscan.domain.drift import LEAST_DAY
from brainscan.domain.features import Feature
from brainscan.domain.traits import Sequence, Traits
from brainscan.inference.runtime import Model
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.intake import intake, site_of
from brainscan.store import Table
from brainscan.store.table import Counts, ScanChange
from brainscan.store.upload import Upload
from brainscan_local.phantom import GLIOMA, head, to_dicom
from tests.conftest import Stream, World
from tests.making import NOON, a_record, analyzed, png, present

DAY = NOON.date().isoformat()


@pytest.fixture
def records(lagging_table: Table, stream: Stream) -> Any:
    """Ten scans of two sites and of none."""
    for number in range(10):
        site = ("north", "south", None)[number % 3]
        waiting = a_record(number, site=site, traits=Traits(device="Gb", sequence=Sequence.T2))
        lagging_table.scans.register([waiting])
        traits = present(waiting.traits).measured(-0.3, 0.8)
        answered = analyzed(waiting, CLASSES[1], 0.97).model_copy(
            update={"traits": traits, "rows": 512, "columns": 512}
        )
        lagging_table.scans.commit([answered], [Outcome.QUEUED])
    return stream.read()


def told(table: Table, site: Any = None) -> Any:
    found = table.statistics.histograms(DAY, site)
    return {feature.value: dict(found.of(feature)) for feature in Feature}


EXPECTED = {
    "intensity": {"-0.3 to -0.25": 10},
    "size": {"448 to 576": 10},
    "vendor": {"ge": 10},
    "sequence": {"t2": 10},
    "scope": {"0.8 to 0.9": 10},
    "class": {CLASSES[1]: 10},
    "confidence": {"0.95 to 0.99": 10},
    "outcome": {"analyzed": 10},
    "area": {"no mask": 10},
}


def test_a_day_and_each_site_have_their_histograms(lagging_table: Table, stream: Stream, records: Any) -> None:
    stream.count(records)
    assert told(lagging_table) == EXPECTED
    assert [lagging_table.statistics.histograms(DAY, site).scans for site in (None, "north", "south", "east")] == [
        10,
        4,
        3,
        0,
    ]
    assert lagging_table.statistics.histograms(DAY).models == ("f" * 64,)


@pytest.mark.parametrize("seed", range(3))
def test_batches_that_come_again_cut_otherwise_count_once(
    lagging_table: Table, stream: Stream, records: Any, seed: int
) -> None:
    chance, place = random.Random(seed), 0
    while place < len(records):
        end = place + chance.randint(1, 6)
        for _ in range(chance.randint(1, 3)):
            stream.count(records[place:end])
        stream.count(records[: chance.randint(1, end)])
        place = end
    assert told(lagging_table) == EXPECTED
    assert lagging_table.statistics.histograms(DAY, "north").scans == 4


def test_a_replaced_scan_leaves_the_histograms(lagging_table: Table, stream: Stream, records: Any) -> None:
    stream.count(records)
    lagging_table.scans.supersede(a_record().export_id)
    stream.follow()
    assert lagging_table.statistics.histograms(DAY).scans == 0
    assert not any(told(lagging_table, "north").values())


def test_a_batch_with_a_scan_of_every_kind_is_counted_in_updates_that_dynamodb_takes() -> None:
    """Expressions of 4 KB with 300 operators; a portion that was counted is known by its last sequence number."""
    changes = []
    for number, code in enumerate(CODES * 2):
        known = {"sequence": list(Sequence)[number % 8], "intensity": number % 10, "scope": number % 10}
        waiting = a_record(number, traits=Traits(device=code))
        outcome = (Outcome.ABSTAINED, Outcome.REJECTED)[number < len(CODES)]
        after = analyzed(waiting, CLASSES[number % 4], number % 10 / 10).model_copy(
            update={
                "traits": Traits(device=code, **known),
                "outcome": outcome,
                "rows": 100 * (number % 9 + 1),
                "columns": 100,
                "review_reasons": (Reason.BORDERLINE_CONFIDENCE,),
            }
        )
        changes.append(ScanChange(str(number), waiting, after))
    told = Told()
    Counts(cast(Any, told)).add("shard", changes)
    assert max(len(each["UpdateExpression"]) for each in told.written) < 4096
    assert max(len(each["ExpressionAttributeValues"]) for each in told.written) < 300
    added: Counter[Any] = Counter()
    for each in told.written:
        for number, name in ((key[2:], name) for key, name in each["ExpressionAttributeNames"].items()):
            if name.startswith("device_") and name.count("_") == 1:
                added[name] += int(each["ExpressionAttributeValues"][f":v{number}"]["N"])
    assert added == Counter({f"device_{code}": 2 for code in CODES})


class Told:
    """A table that takes whatever it is told."""

    expires_at = None

    def __init__(self) -> None:
        self.written: list[Any] = []

    def update(self, _key: Any, **request: pytest.FixtureRequest) -> bool:
        self.written.append(request)
        return True


def test_a_site_is_the_first_segment_of_a_key_if_it_was_named() -> None:
    assert site_of("north/2026/export.zip", None, ("north", "south")) == "north"
    assert site_of("DOE^JANE/export.zip", None, ("north", "south")) is None
    assert site_of("north", None, ("north",)) is None
    assert site_of("north/x.png", None, ()) is None
    assert site_of("bundles/1.zip", "south", ("north", "south")) == "south"
    assert site_of("north/1.zip", "south", ("north", "south")) == "north"
    assert site_of("bundles/1.zip", "DOE^JANE", ("north", "south")) is None


def test_an_upload_under_a_sites_prefix_is_counted_there_and_no_other_prefix_is_kept(world: World) -> None:
    services = replace(world.services, sites=("north",))
    for key in ("north/a.png", "DOE-JANE/b.png"):
        intake(world.upload(key, png(64, seed=len(key))), services)
    world.s3.put_object(Bucket="uploads", Key="page/c", Body=png(), Metadata={"brainscan-site": "north"})
    intake(Upload("uploads", "page/c", NOON), services)
    sites = sorted((scan.site or "") for scan in world.queued())
    assert sites == ["", "north", "north"]


def test_a_scan_that_is_analyzed_says_what_it_is_like_in_five_characters(world: World, network: Model) -> None:
    """From its bytes to the day's histograms: a DICOM slice by its header and by what the network saw of it."""
    dicom = to_dicom(head(seed=3, lesion=GLIOMA, size=96, slices=12))[5]
    intake(world.upload("a.dcm", dicom), world.services)
    [answer] = analyze(world.queued(), world.services, network)
    assert answer.record
    assert answer.record.traits
    packed = answer.record.traits.packed()
    assert len(packed) == 5
    assert packed[3:].isdecimal()
    stored = world.services.table.scans.get(answer.record.scan_id)
    assert stored
    assert stored.traits == answer.record.traits
    found = world.services.table.statistics.histograms(DAY)
    assert found.of(Feature.INTENSITY).total() == found.of(Feature.SCOPE).total() == 1
    assert list(found.devices()) == [(packed[:2], 1)]


def test_the_least_counts_are_beyond_chance() -> None:
    """By Yurdakul and Naranjo, (bins - 1)(1/n + 1/m) is what chance makes of two samples of one population."""
    assert 9 / LEAST_DAY < 0.05
