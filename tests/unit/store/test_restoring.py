"""A table that was restored goes back into its stack: counts come out as they were, and nothing is reported again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.domain import Export, ExportState, Outcome, Report, TumorClass, Verdict
from brainscan.events import parse_scan_changes
from brainscan.pipeline.count import count
from brainscan.pipeline.report import ReportStatus, report
from brainscan.services import Services
from brainscan.store import Table
from brainscan.store.table.client import TableClient
from brainscan.store.table.restoring import restore_items
from tests.conftest import TABLE, World, table_of_the_template
from tests.listing import listed_scans
from tests.making import NOON, a_record, analyzed, opinion, present
from tests.summaries import a_series

DAY = NOON.date().isoformat()
SERIES, STUDY, PATIENT = "5" * 32, "6" * 32, "7" * 32
EXPORT = a_record().export_id


@pytest.fixture
def lived(world: World) -> World:
    """A series of three slices that was reported, of which one was judged and one came a second time, and one scan
    that waits."""
    table = world.services.table
    table.exports.conclude(Export(export_id=EXPORT, state=ExportState.EXPANDED, received_at=NOON, files=5, expected=5))
    belongs: dict[str, Any] = {"series_id": SERIES, "study_id": STUDY, "patient_id": PATIENT}
    slices = [
        a_record(
            n, **belongs, order=min(n, 2), instance_id=f"{min(n, 2)}" * 32, received_at=NOON + timedelta(minutes=n)
        )
        for n in range(4)
    ]
    for record in slices:  # the last two are of one image
        table.scans.register([record])
        table.scans.commit([analyzed(record, TumorClass.GLIOMA, 0.9, needs_review=True)], [Outcome.QUEUED])
    table.scans.register([a_record(4)])
    table.scans.review(slices[0].scan_id, 0, opinion(Verdict.CORRECTED, TumorClass.MENINGIOMA))
    revision = present(table.series.get(SERIES)).revision
    table.summaries.put(a_series(**belongs, report_revision=revision, export_ids=(EXPORT,)))
    table.reports.commit(Report(**belongs, revision=revision, outcome=Outcome.ANALYZED, announced=True))
    table.models.of_series([SERIES], "f" * 64)
    return world


@pytest.fixture
def restored(lived: World, dynamodb: Any) -> str:
    """The table as point-in-time recovery makes it anew."""
    answers(lived.services.table)  # the stream is followed
    enabled = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=enabled)
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=TABLE, TargetTableName="restored", UseLatestRestorableTime=True
    )
    return "restored"


class Stack:
    """A new, empty table, whose stream is counted when it is followed."""

    def __init__(self, client: Any) -> None:
        kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        properties = {name: table_of_the_template()[name] for name in kept}
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        client.create_table(TableName="fresh", StreamSpecification=stream, **properties)
        self.client = TableClient(client, "fresh")
        self.table = Table.over(client, "fresh")
        self._streams: Any = boto3.client("dynamodbstreams", config=Config(account_id_endpoint_mode="disabled"))
        self._arn = client.describe_table(TableName="fresh")["Table"]["LatestStreamArn"]

    def changes(self) -> Iterator[dict[str, Any]]:
        """All changes of scans so far."""
        asked = {"StreamArn": self._arn, "ShardId": self._shard, "ShardIteratorType": "TRIM_HORIZON"}
        iterator = self._streams.get_shard_iterator(**asked)["ShardIterator"]
        for each in self._streams.get_records(ShardIterator=iterator, Limit=1000)["Records"]:
            keys = each["dynamodb"]["Keys"]
            if keys["pk"]["S"].startswith("SCAN#") and keys["sk"]["S"] == "META":
                yield each

    @property
    def _shard(self) -> str:
        [shard] = self._streams.describe_stream(StreamArn=self._arn)["StreamDescription"]["Shards"]
        return str(shard["ShardId"])

    def follow(self) -> None:
        """Count all changes; those that were counted before change nothing."""
        shard, changes = parse_scan_changes({"shardId": self._shard, "Records": list(self.changes())})
        count(shard, changes, self.table)


@pytest.fixture
def stack(aws: None, dynamodb: Any) -> Stack:
    return Stack(dynamodb)


def answers(table: Table) -> list[Any]:
    """What those who ask are told."""
    scans = [a_record(n).scan_id for n in range(5)]
    return [
        table.exports.get(EXPORT),
        table.series.get(SERIES),
        table.series.scans(SERIES),
        table.scans.get_many(scans),
        [table.scans.history(each) for each in scans],
        table.statistics.of_day(DAY),
        table.summaries.series(SERIES),
        table.summaries.study(STUDY),
        table.reports.latest(SERIES),
        table.queries.of_patient(PATIENT).items,
        listed_scans(table, DAY),
        table.queries.of_export(EXPORT).items,
        table.models.of_series([SERIES], "0" * 64),
        table.statistics.arrival_days(DAY, DAY),
    ]


def services_of(world: World, table: Table) -> Services:
    return replace(world.services, table=table)


def test_a_table_that_was_lost_answers_as_it_did_before(
    lived: World, restored: str, stack: Stack, dynamodb: Any
) -> None:
    before = answers(lived.services.table)
    done = restore_items(TableClient(dynamodb, restored), stack.client)
    stack.follow()
    assert answers(stack.table) == before
    assert done.kept == 0
    assert present(stack.table.series.get(SERIES)).revision == present(stack.table.reports.latest(SERIES)).revision


@pytest.mark.parametrize("scans", range(5))
def test_no_series_is_reported_again_however_far_the_copying_is(
    lived: World, restored: str, stack: Stack, dynamodb: Any, scans: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The functions go on while items are copied; here they look whenever a scan was."""
    put, written = TableClient.put, []

    def watched(table: TableClient, item: Any, *how: Any) -> bool:
        done = put(table, item, *how)
        if table.name == "fresh" and item["pk"]["S"].startswith("SCAN#") and item["sk"]["S"] == "META":
            written.append(item)
            if len(written) == scans:
                monkeypatch.undo()
                stack.follow()
                found = report(SERIES, services_of(lived, stack.table))
                assert found.state in {ReportStatus.REPEAT, ReportStatus.WAITING}
        return done

    monkeypatch.setattr("brainscan.store.table.restoring.PARALLEL", 1)
    monkeypatch.setattr(TableClient, "put", watched)
    before = lived.services.table.reports.latest(SERIES)
    restore_items(TableClient(dynamodb, restored), stack.client)
    stack.follow()
    assert report(SERIES, services_of(lived, stack.table)).state is ReportStatus.REPEAT
    assert stack.table.reports.latest(SERIES) == before
    assert lived.events() == []


def test_a_slice_that_comes_after_it_is_reported_under_the_next_revision(
    lived: World, restored: str, stack: Stack, dynamodb: Any
) -> None:
    restore_items(TableClient(dynamodb, restored), stack.client)
    stack.follow()
    before = present(stack.table.series.get(SERIES))
    new = a_record(9, series_id=SERIES, study_id=STUDY, patient_id=PATIENT, order=9)
    stack.table.scans.register([new])
    stack.table.scans.commit([analyzed(new, TumorClass.GLIOMA, 0.9)], [Outcome.QUEUED])
    stack.follow()
    after = present(stack.table.series.get(SERIES))
    assert (after.revision, after.expected) == (before.revision + 1, before.expected + 1)


def test_a_repeat_writes_nothing_and_counts_nothing_twice(
    lived: World, restored: str, stack: Stack, dynamodb: Any
) -> None:
    source = TableClient(dynamodb, restored)
    first = restore_items(source, stack.client)
    stack.follow()
    before = answers(stack.table)
    again = restore_items(source, stack.client)
    stack.follow()
    assert (again.written, again.kept) == (0, first.written)
    assert answers(stack.table) == before


def test_items_that_are_there_stay_unless_they_are_to_be_written_over(
    lived: World, restored: str, stack: Stack, dynamodb: Any
) -> None:
    source, scan_id = TableClient(dynamodb, restored), a_record(1).scan_id
    restore_items(source, stack.client)
    stack.follow()
    before = answers(stack.table)
    stack.table.scans.review(scan_id, 0, opinion(Verdict.REJECTED, reader="somebody by mistake"))
    restore_items(source, stack.client)
    assert present(stack.table.scans.get(scan_id)).revision == 1
    restore_items(source, stack.client, overwrite=True)
    stack.follow()
    assert present(stack.table.scans.get(scan_id)).revision == 0
    assert stack.table.statistics.of_day(DAY) in before


def test_the_command_copies_and_says_what_to_do_next(lived: World, restored: str, stack: Stack) -> None:
    told = CliRunner().invoke(app, ["restore", restored, "--table", "fresh"])
    assert told.exit_code == 0, told.output
    assert "0 were there and stay" in told.output
    assert "run `brainscan erase` for each receipt" in " ".join(told.output.split())
    stack.follow()
    assert answers(stack.table) == answers(lived.services.table)


def test_the_command_refuses_the_table_itself_and_tells_of_one_that_is_not_there(aws: None, stack: Stack) -> None:
    assert CliRunner().invoke(app, ["restore", "fresh", "--table", "fresh"]).exit_code == 2
    assert CliRunner().invoke(app, ["restore", "nowhere", "--table", "fresh"]).exit_code == 3
