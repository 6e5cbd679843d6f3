"""Planning past one account: docs/scale.md. What a scan needs is metered when asked, quotas: infra/cost/quotas.json.

python -m tests.bench.scale
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from moto import mock_aws

from brainscan.domain import Export, ExportState, Outcome, TumorClass
from brainscan.events import parse_scan
from brainscan.inference.runtime import Model
from brainscan.pipeline import runs
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.estimate import estimate
from brainscan.pipeline.intake import intake
from brainscan.services import WORKERS
from brainscan.store.table import Table
from brainscan.store.table.keys import SHARDS
from brainscan.store.upload import Upload
from brainscan_local import moto_dynamodb
from brainscan_local.backend import Backend
from brainscan_local.paths import checkout
from brainscan_local.template import Template
from tests.bench import cost
from tests.bench.flow import Flow, Functions, flow
from tests.conftest import TABLE, table_of_the_template
from tests.making import NOON, a_record, analyzed, png
from tests.unit.store.test_capacity import FULL, Metered

QUOTAS = json.loads((checkout() / "infra/cost/quotas.json").read_text())
MEMORY_MB = 3008

CALL_S = 0.012
"""An answer of S3, SQS or DynamoDB, the mean that simulated runs have: tests/chaos/calls.py."""
ANALYZE_CALLS = 12
"""Calls of a batch that wait for each other; the simulated runs hold this number (tests/chaos/test_scale.py)."""
WRITE_S = 0.025
COUNT_BATCH = 500
COUNT_S = 0.3
"""What `count` takes for a full batch: 0.09 s of one core to read 500 changes, at 1024 MB 0.15 s, and ten calls."""
NEW_TABLE_SHARDS = 4
"""Shards of the stream of a table that nobody has pressed: one a partition, of which a new table has four."""
CHANGES = 2
"""Of a scan: it is registered, and it gets its outcome."""

YEAR = 100_000_000
WORKING_DAYS, HOURS = 250, 10
REPROCESSED, WITHIN_S = 1_000_000, 6 * 3600
HEAVY = 60_000
"""Slices of an export that is sent at once: the most that one archive may hold."""


@dataclass(frozen=True)
class Needs:
    """What a scan asks for. `compute_s` is of a batch of eight; write units are of one DICOM slice."""

    one_s: float
    compute_s: float
    cold_s: float
    intake_s: float
    intake_calls: float
    results_puts: float
    table_units: int
    index_units: dict[str, int]

    @property
    def analyze(self) -> Functions:
        """The functions as the template makes them, on a stack with its defaults."""
        scan_s = (self.compute_s - self.one_s) / (cost.BATCH - 1)
        fixed_s = self.one_s - scan_s + ANALYZE_CALLS * CALL_S + WRITE_S
        start, more = QUOTAS["queue_functions_at_start"], QUOTAS["queue_functions_more_a_minute"]
        return Functions(default("AnalyzeConcurrency"), cost.BATCH, fixed_s, scan_s, self.cold_s, start, more)


@dataclass(frozen=True)
class Limit:
    """Something that serves so many scans a second, and the switch that moves it."""

    name: str
    scans_a_second: float
    switch: str


def default(parameter: str) -> int:
    """What the template has for a parameter."""
    return int(Template(checkout() / "template.yaml", {}).resolve({"Ref": parameter}, lambda *_: ""))


def metered() -> tuple[Needs, dict[str, float]]:
    """What a scan needs of an emulated AWS; with it what `tests.bench.cost` says that it uses."""
    used = cost.measured(cost.lone_scans())
    row = measured_row()
    table_units, index_units = write_units()
    intake_calls, results_puts = requests()
    needs = Needs(
        one_s=row["warm_one_s"],
        compute_s=row["warm_batch_s"],
        cold_s=row["cold_start_s"],
        intake_s=intake_calls * CALL_S,  # its own work is a few milliseconds, and lost among them
        intake_calls=intake_calls,
        results_puts=results_puts,
        table_units=table_units,
        index_units=index_units,
    )
    return needs, used


def requests() -> tuple[int, int]:
    """Calls of intake for a loose file, and PUTs below `results/` for its scan."""
    calls, puts = list[str](), list[str]()

    def hear(params: dict[str, Any], model: Any, **_: Any) -> None:
        calls.append(model.name)
        if model.name == "PutObject" and params["Key"].startswith("results/"):
            puts.append(params["Key"])

    def heard(client: Any) -> Any:
        client.meta.events.register("provide-client-params", hear)
        return client

    with Backend() as aws:
        services = aws.services(lambda service: heard(aws.client(service)))
        aws.client("s3").put_object(Bucket=aws.name("UploadsBucket"), Key="a.png", Body=png(256, seed=1))
        intake(Upload(aws.name("UploadsBucket"), "a.png", received_at=datetime.now(UTC)), services)
        of_intake = len(calls)
        [queued] = aws.client("sqs").receive_message(QueueUrl=aws.name("ScanQueue"))["Messages"]
        analyze([parse_scan(queued["Body"])], services, Model.load(checkout() / "functions/analyze/model"))
    return of_intake, len(puts)


def write_units() -> tuple[int, dict[str, int]]:
    """Write units of a DICOM slice from its registration to its outcome: of the table, and of each index."""
    with mock_aws():
        moto_dynamodb.patch()
        client = boto3.client("dynamodb", region_name="us-east-1")
        properties = table_of_the_template()
        kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        client.create_table(TableName=TABLE, **{name: properties[name] for name in kept})
        metered: Any = Metered(client, properties["GlobalSecondaryIndexes"])
        table = Table.over(metered, TABLE)
        record = a_record(1, **FULL, instance_id="8" * 32)
        table.exports.conclude(Export(export_id=record.export_id, state=ExportState.EXPANDED, received_at=NOON))
        table.scans.register([a_record(0)])  # the day's marker
        metered.table, metered.of_indexes = 0, Counter()
        table.scans.register([record])
        table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9123456)], [Outcome.QUEUED])
        return metered.table, {name: n for name, n in metered.of_indexes.items() if n}


def limits(needs: Needs) -> list[Limit]:
    """What bounds live scans, the lowest first."""
    functions = needs.analyze
    batch_s, heaviest = functions.batch_s, max(needs.index_units.values())
    day_units = max(n for name, n in needs.index_units.items() if name in {"finding", "outcome", "model", "review"})
    at_once = batch_s / cost.BATCH + needs.intake_s + CHANGES * COUNT_S / COUNT_BATCH
    counted = COUNT_BATCH / COUNT_S / CHANGES
    most = QUOTAS["queue_functions_most"]
    found = [
        Limit("analyze functions, AnalyzeConcurrency as it is", functions.scans_a_second, "AnalyzeConcurrency"),
        Limit(f"analyze functions, {most} of them", most * cost.BATCH / batch_s, "a second stack"),
        Limit(
            "intake functions, IntakeConcurrency as it is, loose files",
            default("IntakeConcurrency") / needs.intake_s,
            "IntakeConcurrency; archives, which are staged 32 files at a time",
        ),
        Limit("functions of the account at once", QUOTAS["account_functions_at_once"] / at_once, "the account's quota"),
        Limit("writes of a new table", QUOTAS["new_table_write_units"] / needs.table_units, "warm throughput, or time"),
        Limit("writes of the table", QUOTAS["table_write_units"] / needs.table_units, "the table's quota"),
        Limit("writes of its heaviest index", QUOTAS["table_write_units"] / heaviest, "the table's quota"),
        Limit(
            "partition keys of an index that are written at a time",
            SHARDS * QUOTAS["partition_write_units"] / day_units,
            "SHARDS in store/table/keys.py",
        ),
        Limit(
            "count, a new table's stream", NEW_TABLE_SHARDS * counted, "none: shards grow with the table's partitions"
        ),
        Limit(
            "PUTs below one prefix",
            QUOTAS["s3_prefix_puts"] / needs.results_puts,
            "none: S3 splits keys that begin evenly",
        ),
        Limit("messages in flight", QUOTAS["queue_in_flight"] / batch_s, "none: what waits is not in flight"),
    ]
    return sorted(found, key=lambda each: each.scans_a_second)


def busy_day(scans: int) -> Iterator[tuple[float, int]]:
    """A working day's scans, most at noon, in steps of ten seconds; and one heavy export at its busiest hour."""
    steps = HOURS * 360
    weights = [min(step, steps - step) for step in range(steps)]
    for step, weight in enumerate(weights):
        if here := round(scans * weight / sum(weights)):
            yield step * 10.0, here
    yield steps * 5.0, HEAVY


def holding(needs: Needs) -> dict[str, float]:
    """What functions wait for, in scans a second."""
    table, puts = QUOTAS["new_table_write_units"] / needs.table_units, QUOTAS["s3_prefix_puts"] / needs.results_puts
    return {"table": table, "puts": puts}


def reprocessing(needs: Needs, at_once: int) -> Flow:
    """A million stored scans by a distributed map of so many children, each of which reads a batch of them.

    The scans of a batch are fetched, and their answers put, so many at a time as there are threads.
    """
    scan_s, rounds = needs.analyze.scan_s, -(-runs.BATCH // WORKERS)
    fixed_s = needs.one_s - scan_s + ANALYZE_CALLS * CALL_S + rounds * (CALL_S + WRITE_S)
    functions = Functions(at_once, runs.BATCH, fixed_s, scan_s, needs.cold_s)
    shared = {"gets": QUOTAS["s3_prefix_gets"], "table": QUOTAS["new_table_write_units"]}
    return flow([(0.0, REPROCESSED)], functions, shared)


def main() -> None:
    """Print the tables of docs/scale.md."""
    needs, used = metered()
    functions = needs.analyze
    print(f"a scan: {needs}\na batch of {cost.BATCH}: {functions.batch_s:.3f} s\n")
    print("| what | scans a second | switch |\n|---|---:|---|")
    for each in limits(needs):
        print(f"| {each.name} | {each.scans_a_second:,.0f} | {each.switch} |")
    day = YEAR // WORKING_DAYS
    counting = {"count": NEW_TABLE_SHARDS * COUNT_BATCH / COUNT_S / CHANGES}
    ran = flow(busy_day(day), functions, holding(needs), counting)
    print(f"\nA day of {day:,} and {HEAVY:,} at once: {ran.most_at_once} functions, {ran.most_waiting:,} waiting")
    print(f"at most, answered after {ran.wait(0.5):.1f} s (median), {ran.wait(0.99):.0f} s (99 %)")
    for at_once in (2, 3, 20, 100, 200):
        took = reprocessing(needs, at_once)
        print(f"A million again, {at_once} at once: {took.last_s / 3600:.2f} h, {took.scans_a_second:.0f} scans/s")
    children = REPROCESSED // runs.BATCH
    print(f"{children:,} children of the map; {QUOTAS['open_executions']:,} may be open")
    again = estimate(REPROCESSED, children, 20)
    print(f"by `brainscan reprocess`: {again.hours:.2f} h with 20 at once, {again.dollars:.2f} dollars")
    row = measured_row()
    dollars = cost.by_service(cost.lines(used, row["warm_batch_s"] / cost.BATCH, row["memory_mb"]))
    print({name: round(each * YEAR / cost.MILLION) for name, each in dollars.items()}, "dollars a year")
    kept_gb = used["stored_bytes"] * YEAR / cost.GB
    month = kept_gb * cost.RATES["s3_gb_month"]
    print(f"{kept_gb:,.0f} GB written a year; a month that they stay: {month:.0f} dollars")


def measured_row() -> dict[str, Any]:
    """What the image was measured to take at the memory that the template gives it."""
    row: dict[str, Any] = next(each for each in cost.MEASURED if each["memory_mb"] == MEMORY_MB)
    return row


if __name__ == "__main__":
    main()
