"""What must hold once nothing is left to happen: nothing lost, doubled, stale or miscounted.

The table is read as items, by the attributes that the domain gives them, and by the queries that the product answers
with; nothing here knows how the counts are kept.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import numpy as np
from PIL import Image

from brainscan.domain import ExportState, Outcome, study_of
from brainscan.domain.features import BINS, READ, Feature
from tests.chaos.left import Left
from tests.chaos.queues import Message
from tests.chaos.world import World

SAME = ("scan_id", "export_id", "outcome", "reasons", "predicted", "model_id", "finished_at", "mask_key", "tumor")
"""Attributes in which `result.json` must say what the table says."""


@dataclass(frozen=True)
class Violation:
    """Something that must not be: which promise, and of what."""

    promise: str
    what: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.what}"


def violations(world: World) -> list[Violation]:
    """Every broken promise, the most serious first."""
    left = Left(world)
    checks = (
        _nothing_lost,
        _nothing_doubled,
        _poison_failed,
        _counts,
        _statistics,
        _objects,
        _reports,
        _studies,
        _dead_letters,
    )
    return [Violation(check.__name__.lstrip("_"), what) for check in checks for what in check(left)]


def _nothing_lost(left: Left) -> Iterator[str]:
    """Every file of the latest version of an object has its outcome, and its export is done."""
    for versions in left.world.uploaded.values():
        upload, made = max(versions, key=lambda each: each[1].sequencer)
        export = left.world.services.table.exports.get(left.export_id(upload, made))
        if export is None:
            yield f"{upload!r} is in no export"
            continue
        if not export.done:
            yield f"{upload!r} is not done: {export.state}, {dict(export.counts)}"
        if export.files != upload.files:
            yield f"{upload!r} has {export.files} files listed"
        scans = left.of_export.get(export.export_id, [])
        if len(scans) != upload.scans:
            yield f"{upload!r} has {len(scans)} scans"
        queued = [scan["scan_id"] for scan in scans if scan["outcome"] == Outcome.QUEUED]
        if queued:
            yield f"{upload!r}: {len(queued)} scans are queued for ever, such as {queued[0]}"


def _nothing_doubled(left: Left) -> Iterator[str]:
    """Older versions stand nowhere, and an image stands in its series once, by its latest upload."""
    for versions in left.world.uploaded.values():
        latest = max(versions, key=lambda each: each[1].sequencer)
        for upload, made in versions:
            standing = [s for s in left.of_export.get(left.export_id(upload, made), []) if not s["superseded"]]
            if (upload, made) != latest and standing:
                yield f"{upload!r} is replaced by {latest[0]!r}, and {len(standing)} of its scans stand"
    uploads: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for scan in left.scans.values():
        if scan.get("series_id") and scan.get("instance_id"):
            uploads.setdefault((scan["series_id"], scan["instance_id"]), []).append(scan)
    for (series, instance), scans in uploads.items():
        standing = [scan for scan in scans if not scan["superseded"]]
        if len(standing) > 1:
            yield f"instance {instance[:8]} stands {len(standing)} times in series {series[:8]}"


def _poison_failed(left: Left) -> Iterator[str]:
    """A scan that kills its process is `failed`, an upload that does is a failed export, and nothing else is either."""
    uploads = {
        left.export_id(upload, made): upload for versions in left.world.uploaded.values() for upload, made in versions
    }
    for export_id, upload in uploads.items():
        failed = sum(scan["outcome"] == Outcome.FAILED for scan in left.of_export.get(export_id, []))
        export = left.world.services.table.exports.get(export_id)
        failed += export is not None and export.state is ExportState.FAILED
        if failed > upload.poison:
            yield f"{upload!r}: {failed} of it failed, {int(upload.poison)} is poison"
        elif failed < upload.poison:
            yield f"{upload!r}: its poison is not failed"


def _counts(left: Left) -> Iterator[str]:
    """Counts of exports and series are those of their items."""
    table = left.world.services.table
    for export_id, items in left.of_export.items():
        export = table.exports.get(export_id)
        if export is None:
            yield f"export {export_id[:8]} is not there, and its scans are"
            continue
        counted = {outcome: count for outcome, count in export.counts.items() if count}
        there = Counter(Outcome(item["outcome"]) for item in items)
        if counted != dict(there):
            yield f"export {export_id[:8]} counts {counted}, its items {dict(there)}"
        review = sum(bool(item.get("needs_review")) for item in items)
        if export.needs_review != review:
            yield f"export {export_id[:8]} counts {export.needs_review} to review, its items {review}"
    for series_id, items in left.of_series.items():
        series = table.series.get(series_id)
        if series is None:
            yield f"series {series_id[:8]} is not there, and its scans are"
        elif (series.expected, series.remaining) != (len(items), sum(i["outcome"] == Outcome.QUEUED for i in items)):
            yield f"series {series_id[:8]} expects {series.expected} and waits for {series.remaining} of {len(items)}"


def _statistics(left: Left) -> Iterator[str]:
    """A day's statistics are those of the scans that stand and have an outcome."""
    days: dict[str, list[dict[str, Any]]] = {}
    for scan in left.scans.values():
        if not scan["superseded"]:
            days.setdefault(scan["received_at"][:10], []).append(scan)
    for day, scans in days.items():
        told = left.world.services.table.statistics.of_day(day)
        counted = {outcome: count for outcome, count in told.outcomes.items() if count}
        there = Counter(Outcome(scan["outcome"]) for scan in scans)
        if counted != dict(there):
            yield f"day {day} counts {counted}, its items {dict(there)}"
        yield from _histograms(day, scans, left)


def _histograms(day: str, scans: list[dict[str, Any]], left: Left) -> Iterator[str]:
    """What is watched of a day's scans is what their items say: device and brightness stand for the rest."""
    told = left.world.services.table.statistics.histograms(day)
    traits = [scan.get("traits", "-----") for scan in scans if scan["outcome"] in READ]
    devices, there = dict(told.devices()), dict(Counter(each[:2] for each in traits))
    bins = [told.of(Feature.INTENSITY)[name] for name in BINS[Feature.INTENSITY]]
    if devices != there or bins != [sum(each[3] == str(place) for each in traits) for place in range(len(bins))]:
        yield f"day {day} counts devices {devices} and brightness {bins}, its items {traits}"


def _objects(left: Left) -> Iterator[str]:
    """What lies in S3 for a scan that stands is what the table says."""
    for scan_id, scan in left.scans.items():
        if scan["superseded"] or scan["outcome"] == Outcome.QUEUED:
            continue
        if scan["outcome"] == Outcome.SKIPPED:
            continue
        key = scan.get("result_key")
        data = left.world.s3.latest("results", key) if key else None
        if data is None:
            yield f"scan {scan_id[:8]} is {scan['outcome']} and has no result.json"
            continue
        said = json.loads(data)
        different = [name for name in SAME if _normal(said.get(name)) != _normal(scan.get(name))]
        if different:
            yield f"scan {scan_id[:8]}: result.json differs from the table in {', '.join(different)}"
        if mask := scan.get("mask_key"):
            png = left.world.s3.latest("results", mask)
            area = 0 if scan.get("tumor") is None else int(scan["tumor"]["area_px"])
            if png is None or _area(png) < area:
                yield f"scan {scan_id[:8]}: its mask is not the one that the table measured"


def _normal(value: Any) -> Any:
    """A value as JSON and DynamoDB both have it."""
    if isinstance(value, dict):
        return {name: _normal(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_normal(inner) for inner in value] or None  # an item leaves out what is empty
    if isinstance(value, str | bool):
        return value
    return None if value is None else round(float(value), 6)


def _area(png: bytes) -> int:
    """Pixels of a mask that are tumor."""
    return int((np.asarray(Image.open(io.BytesIO(png))) > 0).sum())


def _reports(left: Left) -> Iterator[str]:
    """Every series is reported with all slices that stand, as they stand, and was announced so."""
    announced = {(each["Detail"]["series_id"], each["Detail"]["revision"]) for each in left.world.events.taken}
    for series_id, scans in left.of_series.items():
        report = left.world.services.table.reports.latest(series_id)
        if report is None:
            yield f"series {series_id[:8]} is not reported"
            continue
        if (series_id, report.revision) not in announced:
            yield f"series {series_id[:8]}: revision {report.revision} is not announced"
        told = json.loads(left.world.s3.latest("results", report.files["series"]) or b"{}").get("slices", [])
        said = {each["scan_id"]: (each["outcome"], each.get("predicted")) for each in told}
        there = {scan["scan_id"]: (scan["outcome"], scan.get("predicted")) for scan in scans}
        if missing := set(there) - set(said):
            yield f"series {series_id[:8]} is reported without {len(missing)} of its {len(there)} slices"
        elif said != there:
            yield f"series {series_id[:8]} is reported otherwise than its slices are"
    for bucket, key in left.world.s3.objects:
        if bucket == "results" and key.endswith("series.json"):
            slices = json.loads(left.world.s3.latest(bucket, key) or b"{}").get("slices", [])
            if any(each["outcome"] == Outcome.QUEUED for each in slices):
                yield f"{key} reports slices that still wait"


def _studies(left: Left) -> Iterator[str]:
    """Every study is what its series make it, each as its slices are; what no slice is left of stands in none.

    A volume without headers is a series of no study.
    """
    summaries = left.world.services.table.summaries
    of_study: dict[str, set[str]] = {}
    for series_id, scans in left.of_series.items():
        if "study_id" in scans[0]:
            of_study.setdefault(scans[0]["study_id"], set()).add(series_id)
    known = {each["study_id"] for each in left.items if each["pk"].startswith("STUDY#") and each["sk"] == "META"}
    for study_id in known | set(of_study):
        study, expected = summaries.study(study_id), of_study.get(study_id, set())
        listed = {each.series_id for each in study.series} if study else set()
        if study is None or listed != expected or study.withdrawn == bool(expected):
            yield f"study {study_id[:8]} lists {len(listed)} series, of which {len(listed & expected)} are its own"
            continue
        series = summaries.series_of(study)
        if expected and study != study_of(study_id, series, study).model_copy(update={"version": study.version}):
            yield f"study {study_id[:8]} is not what its series make it"
        for each in series:
            outcomes = Counter(scan["outcome"] for scan in left.of_series[each.series_id])
            if (each.slices_analyzed, each.slices_abstained) != (outcomes["analyzed"], outcomes["abstained"]):
                yield f"series {each.series_id[:8]} is summarised otherwise than its slices are"


def _dead_letters(left: Left) -> Iterator[str]:
    """Dead-letter queues hold poison and nothing else; nothing waited so long that it expired."""
    poisoned = {upload.key for upload in left.world.scenario.uploads if upload.poison}
    exports = {left.export_id(upload, made) for key in poisoned for upload, made in left.world.uploaded.get(key, [])}
    for queue in left.world.sqs.queues.values():
        if queue.expired:
            yield f"{len(queue.expired)} messages expired in {queue.name}"
        if queue.name.endswith("DLQ"):
            innocent = [m for m in [*queue.visible, *queue.in_flight.values()] if not _is_poison(m, exports, left)]
            if innocent:
                yield f"{queue.name} holds {len(innocent)} that are no poison, such as {innocent[0].body[:160]}"
        elif queue.visible or queue.in_flight:
            yield f"{queue.name} still holds {len(queue.visible) + len(queue.in_flight)} messages"


def _is_poison(message: Message, exports: set[str], left: Left) -> bool:
    """Whether a message speaks of a scan, a part or an upload that is poison, and failed."""
    told = json.loads(message.body)
    if "scan_id" in told:
        scan = left.scans.get(told["scan_id"])
        return scan is not None and scan["export_id"] in exports and scan["outcome"] == Outcome.FAILED
    if "Records" in told:
        [s3] = [record["s3"] for record in told["Records"]]
        named = s3["bucket"]["name"], unquote_plus(s3["object"]["key"]), s3["object"]["versionId"]
        told["export_id"] = left.named(*named)
    if "export_id" not in told:
        return False  # where in the stream something was given up
    export = left.world.services.table.exports.get(told["export_id"])
    return export is not None and export.export_id in exports and export.state is ExportState.FAILED
