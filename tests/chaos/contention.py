"""One export of many slices of one patient, and many workers: who waits for whom, and how long until it is done.

The slices are registered by intake's own code, without faults. Messages of the ScanQueue then go through the real
analyze handler, whose `analyze` is left in place up to the prediction: that is given, and reports find no headers,
since decoding 50,000 files would measure decoding. What the table's stream feeds runs as well.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from brainscan.domain import CLASSES, Finding, Kind, Outcome, Reason, ScanError, ScanRecord, Source
from brainscan.pipeline import analyze, sources
from brainscan.pipeline.predict import ScanPrediction
from brainscan.store.queues import message
from tests.chaos.network import SECONDS_A_SCAN
from tests.chaos.world import Scenario, World, world_of

WRITE_S = (0.025, 0.025)
SLICES_A_SERIES = 200
DONE_WITHIN_S = 60
FOUND = ScanPrediction(
    finding=Finding(
        outcome=Outcome.ANALYZED,
        predicted=CLASSES[2],
        probabilities={name: 0.97 if name is CLASSES[2] else 0.01 for name in CLASSES},
        confidence=0.97,
    ),
    rows=48,
    columns=48,
)


@dataclass(frozen=True)
class Contention:
    """What a run measured; seconds are simulated."""

    workers: int
    slices: int
    batches: int
    gave_up: int
    conflicts: int
    transactions: int
    last_slice_s: float
    done_s: float

    @property
    def rate(self) -> float:
        """Scans a second."""
        return self.slices / self.last_slice_s

    @property
    def holds(self) -> bool:
        """Whether fewer than one batch in a thousand gave up, and the export was done a minute after its last slice."""
        return self.gave_up < self.batches / 1000 and self.done_s - self.last_slice_s <= DONE_WITHIN_S

    def __str__(self) -> str:
        return (
            f"{self.workers:>4} workers: {self.slices:,} slices, {self.rate:,.0f} scans/s; "
            f"{self.gave_up} of {self.batches:,} batches gave up ({self.gave_up / self.batches:.2%}), "
            f"{self.conflicts:,} conflicts in {self.transactions:,} transactions; last slice after "
            f"{self.last_slice_s:,.1f} s, done {self.done_s - self.last_slice_s:,.1f} s later"
        )


def bench(slices: int, workers: int) -> Contention:
    """Analyze one export with so many workers."""
    parameters = (("AnalyzeConcurrency", str(workers)),)
    with world_of(Scenario(1, (), parameters=parameters, write_s=WRITE_S)) as world:
        export_id = _register(world, slices)
        world.simulation.run()
        begin = world.simulation.now
        committed = _Watch(world)
        world.dynamodb.conflicts = world.dynamodb.transactions = 0
        with patch.object(analyze, "predict", _predicted(world)), patch.object(sources, "read_source", _unread):
            for each in committed.waiting:
                world.sqs.send("ScanQueue", each)
            world.simulation.run()
        export = world.services.table.exports.get(export_id)
        if export is None or not export.done or committed.count != slices:
            raise AssertionError(f"{committed.count} of {slices} slices were committed; the export: {export}")
        return Contention(
            workers,
            slices,
            world.functions["Analyze"].invocations,
            committed.gave_up,
            world.dynamodb.conflicts,
            world.dynamodb.transactions,
            committed.last - begin,
            max(committed.done, committed.last) - begin,
        )


class _Watch:
    """Watches the table: when slices are committed, and when the export's counts say that none is queued."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.waiting = world.__dict__["waiting"]
        self.count = 0
        self.last = self.done = world.simulation.now
        world.dynamodb.listeners.append(self.hear)

    @property
    def gave_up(self) -> int:
        """Batches of which a message came again."""
        queue = self.world.sqs.queues["ScanQueue"]
        return queue.received - self.count

    def hear(self, changes: list[Any]) -> None:
        """Count what was committed."""
        for key, before, after in changes:
            if after is None:
                continue
            if key[0].startswith("SCAN#") and before and before["outcome"]["S"] == "queued" != after["outcome"]["S"]:
                self.count += 1
                self.last = self.world.simulation.now
            elif key[0].startswith(("EXPORT#", "SERIES#")):
                self.done = self.world.simulation.now


def _register(world: World, slices: int) -> str:
    """An export of one patient, registered chunk by chunk."""
    export_id = world.services.pseudonyms.export_id("uploads", "one patient", "v1")
    now = datetime.fromtimestamp(world.simulation.now, UTC)
    from brainscan.domain import Export, ExportState

    world.services.table.exports.conclude(
        Export(export_id=export_id, state=ExportState.EXPANDED, received_at=now, files=slices)
    )
    waiting = []
    for start in range(0, slices, 32):
        records = [slice_of(world, export_id, number, now) for number in range(start, min(start + 32, slices))]
        world.services.table.scans.register(records)
        waiting += [message(record) for record in records]
    world.__dict__["waiting"] = waiting
    return export_id


def slice_of(world: World, export_id: str, number: int, now: datetime, data: bytes = b"a slice") -> ScanRecord:
    """A slice of the patient that waits, its bytes staged."""
    digest = world.services.pseudonyms.digest
    series = number // SLICES_A_SERIES
    key = f"sources/{number}"
    world.s3.put("results", key, data)
    return ScanRecord(
        scan_id=digest("scan", export_id, number),
        export_id=export_id,
        series_id=digest("series", series),
        study_id=digest("study", series // 10),
        patient_id=digest("patient", 1),
        instance_id=digest("instance", number),
        source=Source(bucket="uploads", key_digest="0" * 32, version_id="v1", entry_index=number),
        kind=Kind.DICOM,
        staged_key=key,
        received_at=now,
        order=number % SLICES_A_SERIES,
        outcome=Outcome.QUEUED,
    )


def _unread(*_: object) -> None:
    raise ScanError(Reason.UNREADABLE, "slices have no headers here")


def _predicted(world: World) -> Any:
    def predicted(scans: Any, *_: Any) -> list[ScanPrediction]:
        world.simulation.sleep(SECONDS_A_SCAN * len(scans))
        return [FOUND for _ in scans]

    return predicted
