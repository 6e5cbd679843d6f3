"""A series of which every slice has its outcome -> its summary, DICOM objects and FHIR bundle, and one event.

A report has the revision that the series had: how many outcomes its slices had so far. A slice that arrives or is
tried again later raises it, and the series is reported anew beside the former report; a repeat changes nothing.

A report is marked as begun before it reads anything. One that broke off `ATTEMPTS` times, be it by ending its process,
is given up: the series is `failed`, made of the table alone, until somebody has it reported again.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from brainscan.dicom.report_identity import ReportObject
from brainscan.domain import ANSWERED, GivenUpReport, Outcome, Reason, Report, ScanRecord, Series, SeriesSummary
from brainscan.pipeline.objects import ReportObjects, masks_of, report_objects
from brainscan.pipeline.overlays import overlay_png
from brainscan.pipeline.series_summary import summary_of
from brainscan.pipeline.sources import slice_sources, sources_of
from brainscan.pipeline.summary import write_report
from brainscan.series.result import analyze_series, unreported_series
from brainscan.services import Services


class ReportStatus(StrEnum):
    """What became of a series that was looked at."""

    WAITING = "waiting"
    REPORTED = "reported"
    REPEAT = "repeat"
    WITHDRAWN = "withdrawn"
    GIVEN_UP = "given up"


ATTEMPTS: Final = 5
"""How often a report is begun; tries that AWS refused do not count, and the stream's mapping bounds those."""


@dataclass(frozen=True)
class ReportResult:
    """A series, what was done, and its latest report."""

    series_id: str
    state: ReportStatus
    report: Report | None = None


def report(series_id: str, services: Services) -> ReportResult:
    """Report a series if none of its slices waits and it has changed since its last report.

    Raises:
        BusError, botocore.exceptions.ClientError: to be retried.
    """
    series = services.table.series.get(series_id)
    if series is None or series.remaining:
        return ReportResult(series_id, ReportStatus.WAITING)
    if not series.expected:
        withdrawn = services.table.summaries.withdraw(series_id, series.revision)
        return ReportResult(series_id, ReportStatus.WITHDRAWN if withdrawn else ReportStatus.WAITING)
    known = services.table.reports.latest(series_id)
    state = ReportStatus.REPEAT
    if known is None or known.revision < series.revision or _is_asked_again(known, services):
        records = services.table.series.slices(series)
        if records is None or any(record.outcome is Outcome.QUEUED for record in records):
            return ReportResult(
                series_id, ReportStatus.WAITING
            )  # the stream has not told of all yet, and will be heard again
        answered = {record.model_id for record in records if record.outcome in ANSWERED}
        if services.table.models.replaced_in(series_id) & answered:
            return ReportResult(series_id, ReportStatus.WAITING)  # it is being switched: a report rests on one model
        state, known, summary = _made(series, records, services)
        services.table.summaries.put(summary)  # before the report: what breaks off in between is done again whole
        if not services.table.reports.commit(known):
            return ReportResult(series_id, ReportStatus.REPEAT, known)
    if not known.announced:
        if known.outcome is Outcome.FAILED:
            services.dead_reports.send(GivenUpReport(series_id=series_id, revision=known.revision).model_dump_json())
        services.bus.announce(known)
        services.table.reports.mark_announced(known)
    return ReportResult(series_id, state, known)


def _is_asked_again(known: Report, services: Services) -> bool:
    """Whether a report that was given up is to be tried anew: its attempts were forgotten."""
    return known.outcome is Outcome.FAILED and not services.table.reports.attempts(known.series_id, known.revision)


def _made(
    series: Series, records: Sequence[ScanRecord], services: Services
) -> tuple[ReportStatus, Report, SeriesSummary]:
    reports = services.table.reports
    attempt = reports.begin(series.series_id, series.revision)
    if attempt > ATTEMPTS:
        return ReportStatus.GIVEN_UP, *_given_up(series, records, services)
    try:
        return ReportStatus.REPORTED, *_write(series, records, services)
    except (ClientError, BotoCoreError):
        reports.discount_attempt(series.series_id, series.revision, attempt)
        raise


def _given_up(series: Series, records: Sequence[ScanRecord], services: Services) -> tuple[Report, SeriesSummary]:
    """The report of a series that says no more than that there is none; neither sources nor masks are looked at."""
    objects = ReportObjects(withheld=dict.fromkeys((*ReportObject, "labels"), Reason.RETRIES_EXHAUSTED))
    written, reported = write_report(unreported_series(series, records), objects, services)
    return reported, summary_of(written, records, {})


def _write(series: Series, records: Sequence[ScanRecord], services: Services) -> tuple[Report, SeriesSummary]:
    with ThreadPoolExecutor(max_workers=16) as pool:
        slices = sources_of(records, services, pool)
        outlined = partial(overlay_png, results=services.results)
        read_masks = partial(masks_of, services=services, pool=pool)
        sources = slice_sources(slices)
        analysis = analyze_series(series, records, sources, read_masks)
        written, reported = write_report(
            analysis.result, report_objects(analysis, slices, services, outlined), services
        )
        return reported, summary_of(written, records, sources)
