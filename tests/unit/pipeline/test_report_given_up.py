"""A report that breaks off every time, as by ending its process, is an outcome that readers see; it can be redone."""

from collections.abc import Callable
from typing import Any

import pytest

from brainscan.domain import Outcome, Reason
from brainscan.events import parse_given_up_report
from brainscan.pipeline.objects import report_objects
from brainscan.pipeline.report import ATTEMPTS, ReportStatus, report
from tests import series as mr
from tests.chaos.calls import refusal
from tests.conftest import World
from tests.making import present
from tests.unit.pipeline.reporting import SERIES, summary


class ProcessEndedError(BaseException):
    """As a process ends: no handler hears of it."""


def letters(world: World) -> list[tuple[str, int]]:
    """Take every message from the ReportDLQ."""
    url = world.sqs.get_queue_url(QueueName="dead-reports")["QueueUrl"]
    found = []
    for message in world.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        told = parse_given_up_report(message["Body"])
        found.append((told.series_id, told.revision))
        world.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


@pytest.fixture
def breaking(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException | None], None]:
    """Lets every report break off by an error, or by none any more."""

    def by(error: BaseException | None) -> None:
        def broken(*told: Any) -> Any:
            if error is not None:
                raise error
            return report_objects(*told)

        monkeypatch.setattr("brainscan.pipeline.report.report_objects", broken)

    return by


def tried(world: World, times: int, error: type[BaseException]) -> None:
    for _ in range(times):
        with pytest.raises(error):
            report(SERIES, world.services)


@pytest.mark.parametrize("error", [ProcessEndedError(), RuntimeError("a fault of ours")], ids=["killed", "fault"])
def test_a_report_that_breaks_off_every_time_is_failed_with_its_reason(
    world: World, scanned: Callable[..., Any], breaking: Any, error: BaseException
) -> None:
    scanned()
    breaking(error)
    tried(world, ATTEMPTS, type(error))
    assert world.services.table.summaries.series(SERIES) is None
    assert report(SERIES, world.services).state is ReportStatus.GIVEN_UP
    shown = present(world.services.table.summaries.series(SERIES))
    assert (shown.outcome, shown.needs_review, shown.review_reasons) == (
        Outcome.FAILED,
        True,
        (Reason.RETRIES_EXHAUSTED,),
    )
    assert shown.slices_analyzed == 6
    assert set(shown.withheld.values()) == {Reason.RETRIES_EXHAUSTED}
    assert present(world.services.table.summaries.study(present(shown.study_id))).outcome is Outcome.FAILED
    assert [each["outcome"] for each in summary(world)["slices"]] == ["analyzed"] * 6
    assert [event["detail"]["outcome"] for event in world.events()] == ["failed"]
    assert letters(world) == [(SERIES, 6)]


def test_a_repeat_of_one_that_was_given_up_changes_nothing(world: World, scanned: Any, breaking: Any) -> None:
    scanned()
    breaking(ProcessEndedError())
    tried(world, ATTEMPTS, ProcessEndedError)
    report(SERIES, world.services)
    letters(world), world.events()
    assert report(SERIES, world.services).state is ReportStatus.REPEAT
    assert (letters(world), world.events()) == ([], [])


def test_once_its_cause_is_repaired_it_is_reported_in_its_own_revision(
    world: World, scanned: Any, breaking: Any
) -> None:
    scanned()
    breaking(ProcessEndedError())
    tried(world, ATTEMPTS, ProcessEndedError)
    report(SERIES, world.services)
    world.events()
    breaking(None)
    world.services.table.series.put_complete(present(world.services.table.series.get(SERIES)))
    assert world.services.table.reports.reset_attempts(SERIES)
    done = report(SERIES, world.services)
    assert (done.state, present(done.report).revision, present(done.report).announced) == (
        ReportStatus.REPORTED,
        6,
        False,
    )
    shown = present(world.services.table.summaries.series(SERIES))
    assert (shown.outcome, shown.review_reasons) == (Outcome.ANALYZED, ())
    assert [event["detail"]["outcome"] for event in world.events()] == ["analyzed"]
    assert present(world.services.table.reports.latest(SERIES)).announced
    assert report(SERIES, world.services).state is ReportStatus.REPEAT


def test_a_letter_that_is_not_taken_is_sent_by_the_next_try(
    world: World, scanned: Any, breaking: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scanned()
    breaking(ProcessEndedError())
    tried(world, ATTEMPTS, ProcessEndedError)
    with monkeypatch.context() as refusing:
        refusing.setattr(type(world.services.dead_reports), "send", lambda *_: 1 / 0)
        tried(world, 1, ZeroDivisionError)
    assert report(SERIES, world.services).state is ReportStatus.REPEAT
    assert letters(world) == [(SERIES, 6)]


def test_tries_that_aws_refused_do_not_count(world: World, scanned: Any, breaking: Any) -> None:
    scanned()
    error = refusal("GetObject", "SlowDown")
    breaking(error)
    tried(world, ATTEMPTS + 2, type(error))
    breaking(None)
    assert report(SERIES, world.services).state is ReportStatus.REPORTED


def test_a_later_slice_begins_the_count_anew(world: World, scanned: Any, breaking: Any) -> None:
    series = scanned(mr.mr_series(7))
    breaking(ProcessEndedError())
    tried(world, ATTEMPTS, ProcessEndedError)
    report(SERIES, world.services)
    series.settle([6])
    tried(world, 1, ProcessEndedError)
    breaking(None)
    assert report(SERIES, world.services).state is ReportStatus.REPORTED
    assert present(world.services.table.summaries.series(SERIES)).outcome is Outcome.ANALYZED


def test_a_series_that_is_unknown_cannot_be_reported_again(world: World) -> None:
    assert not world.services.table.reports.reset_attempts("0" * 32)
