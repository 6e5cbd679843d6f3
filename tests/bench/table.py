"""First rows of every view of 20,000 scans on the laptop stack: `python -m tests.bench.table`, as data-model.md shows.

The table is filled by the store's own items, without images, and asked as the page and the command ask it. Read units
are DynamoDB's rule for the sizes of the items that answered; seconds are those of a clock, and those of processors,
which other work on the machine leaves as they are.
"""

import argparse
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import boto3

from brainscan.api import app
from brainscan.domain import (
    CLASSES,
    Export,
    ExportState,
    Review,
    ScanRecord,
    SeriesSummary,
    Verdict,
    study_of,
)
from brainscan.store import Table
from brainscan.store.table import keys
from brainscan.store.table.counts import ScanChange
from brainscan.store.table.items import (
    export_item,
    scan_item,
    series_summary_item,
    study_summary_item,
    to_item,
)
from brainscan_local.paths import checkout
from brainscan_local.resources import Resources
from brainscan_local.server import MotoServer
from brainscan_local.stack import ISOLATED
from brainscan_local.template import Template
from brainscan_local.web import event_of
from tests.bench.export import cpu_s
from tests.making import PSEUDONYMS, a_record, analyzed, opinion
from tests.summaries import a_series
from tests.unit.store.ledger import READ_UNIT_BYTES, item_size

SCANS: Final = 20_000
SLICES: Final = 20
"""Of each series; a study has four series, so there are 250 studies and a patient for every two."""
SERIES_OF_STUDY: Final = 4
DAYS: Final = 30
BATCH: Final = 25
DOCTOR: Final = "Dr. A"
"""Has judged one of a hundred scans."""
HEAD: Final = "| view | asks | requests | read units | seconds | of processors |\n|---|---|---|---|---|---|"
READER: Final = {"name": "bench", "scope": "brainscan/read"}


def patient(study: int) -> str:
    """The patient of a study."""
    return PSEUDONYMS.digest("patient", study // 2)


def received(study: int, count: int) -> datetime:
    """When a study arrived: the last one today."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=study * (DAYS - 1) * 1440 // count)


def scans(count: int) -> Iterator[ScanRecord]:
    """Analyzed slices, each with a finding; a fifth needs review, one of a hundred was judged."""
    studies = count // SLICES // SERIES_OF_STUDY
    for number in range(count):
        series, study = number // SLICES, number // SLICES // SERIES_OF_STUDY
        record = a_record(number, f"export {study}", received_at=received(study, studies), order=number % SLICES)
        ids = {
            "series_id": PSEUDONYMS.digest("series", series),
            "study_id": PSEUDONYMS.digest("study", study),
            "patient_id": patient(study),
        }
        record = record.model_copy(update=ids)
        known = analyzed(record, CLASSES[series % 4], 0.5 + number % 500 / 1001, needs_review=number % 5 == 0)
        files = {f"{name}_key": f"results/{known.scan_id}/{name}" for name in ("image", "mask")}
        judged = {"review": Review.of(opinion(Verdict.CONFIRMED, reader=DOCTOR), 0, adjudicates=False)}
        yield known.model_copy(update=files | (judged if number % 100 == 7 else {}))


def summaries(count: int) -> Iterator[list[SeriesSummary]]:
    """The reported series of each study."""
    studies = count // SLICES // SERIES_OF_STUDY
    for study in range(studies):
        told = {
            "study_id": PSEUDONYMS.digest("study", study),
            "patient_id": patient(study),
            "received_at": received(study, studies),
            "export_ids": (PSEUDONYMS.export_id("uploads", f"export {study}", "v1"),),
            "needs_review": study % 5 == 0,
        }
        yield [a_series(study * 4 + n, CLASSES[study % 4], 0.9, **told) for n in range(SERIES_OF_STUDY)]


def items(count: int) -> Iterator[Any]:
    """Everything that the table holds of so many scans, but for the counts."""
    seen = set()
    for record in scans(count):
        yield scan_item(record, None)
        instance = keys.instance(record.series_id or "", record.order, PSEUDONYMS.digest("instance", record.scan_id))
        yield to_item(instance | {"scan_id": record.scan_id})
        if record.export_id not in seen:
            seen.add(record.export_id)
            export = Export(export_id=record.export_id, state=ExportState.EXPANDED, received_at=record.received_at)
            yield export_item(export, None)
    for several in summaries(count):
        yield from (series_summary_item(each, None) for each in several)
        yield study_summary_item(study_of(several[0].study_id or "", several, None), None)


def fill(table: Table, client: Any, name: str, count: int) -> None:
    """Put all items, in batches, and count them as the stream would have."""
    waiting = list(items(count))
    batches = [waiting[start : start + BATCH] for start in range(0, len(waiting), BATCH)]
    for batch in batches:
        client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in batch]})
    for day in {record.day for record in scans(count)}:
        table.statistics.mark_arrival(day)
    changes = [ScanChange(str(number + 1), None, record) for number, record in enumerate(scans(count))]
    for start in range(0, len(changes), 500):
        table.counts.add("bench", changes[start : start + 500])


@contextmanager
def filled(count: int) -> Iterator[Table]:
    """The stack's table and buckets without its functions, which would look at all of it."""
    server = MotoServer()
    try:
        os.environ |= ISOLATED | {"AWS_ENDPOINT_URL": server.url, "POWERTOOLS_SERVICE_NAME": "bench"}
        resources = Resources(Template(checkout() / "template.yaml"), lambda service: boto3.client(service))  # type: ignore[call-overload]
        name = resources.attribute("Scans", "Ref")
        os.environ |= {
            "BRAINSCAN_TABLE_NAME": name,
            "BRAINSCAN_RESULTS_BUCKET": resources.attribute("ResultsBucket", "Ref"),
        }
        client = boto3.client("dynamodb")
        table = Table.over(client, name)
        fill(table, client, name, count)
        yield table
    finally:
        server.stop()


def views(count: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """What the page asks first in each of its views."""
    today = datetime.now(UTC).date()
    days = {"from": (today - timedelta(days=DAYS - 1)).isoformat(), "to": today.isoformat()}
    page = days | {"limit": 50}
    record = next(scans(count))
    study = f"studies/{record.study_id}"
    return {
        "studies": ("studies", page),
        "studies, probability": ("studies", page | {"sort": "probability"}),
        "studies, volume": ("studies", page | {"sort": "volume"}),
        "review queue": ("studies", page | {"sort": "review", "review": "needed"}),
        "studies, a class": ("studies", page | {"finding": "meningioma"}),
        "studies, counts": ("studies/counts", days),
        "series": ("series", page),
        "series, counts": ("series/counts", days),
        "series, probability": ("series", page | {"sort": "probability"}),
        "series, volume": ("series", page | {"sort": "volume"}),
        "scans": ("scans", page),
        "scans, a class": ("scans", page | {"finding": "glioma"}),
        "scans, an outcome": ("scans", page | {"outcome": "analyzed"}),
        "scans, an outcome that none has": ("scans", page | {"outcome": "failed"}),
        "scans, a confidence": ("scans", page | {"min_confidence": 0.9}),
        "scans to review": ("scans", page | {"review": "needed"}),
        "scans, a reader": ("scans", page | {"reader": DOCTOR}),
        "scans, a reader who judged none": ("scans", page | {"reader": "nobody"}),
        "scans, a model": ("scans", page | {"model_id": record.model_id}),
        "scans, an upload": ("scans", page | {"export_id": record.export_id}),
        "scans, an upload, probability": ("scans", page | {"export_id": record.export_id, "sort": "probability"}),
        "scans, probability": ("scans", page | {"sort": "probability"}),
        "scans, probability, a class": ("scans", page | {"sort": "probability", "finding": "glioma"}),
        "scans, probability, one day": ("scans", page | {"sort": "probability", "from": today.isoformat()}),
        "scans, review state": ("scans", page | {"sort": "review"}),
        "scans, counts": ("scans/counts", days),
        "scans, counts, a class": ("scans/counts", days | {"finding": "glioma"}),
        "scans, counts, a reader": ("scans/counts", days | {"reader": DOCTOR}),
        "scans, counts, a confidence": ("scans/counts", days | {"min_confidence": 0.9}),
        "scans, counts, an upload": ("scans/counts", days | {"export_id": record.export_id}),
        "study": (study, {}),
        "series of a study": (f"series/{record.series_id}", {}),
        "its slices": (f"series/{record.series_id}/scans", {"limit": 200}),
        "scan": (f"scans/{record.scan_id}", {}),
        "patient": (f"patients/{record.patient_id}/studies", {}),
        "uploads": ("exports", {"day": today.isoformat()}),
        "upload": (f"exports/{record.export_id}", {}),
        "statistics": ("statistics", {"from": (today - timedelta(days=13)).isoformat(), "to": today.isoformat()}),
        "models": ("models", {"from": (today - timedelta(days=13)).isoformat(), "to": today.isoformat()}),
        "agreement": ("agreement", days),
    }


class Meter:
    """What the API's requests to the table would consume, and of which indexes."""

    def __init__(self) -> None:
        boto3.DEFAULT_SESSION = session = boto3.Session()
        events = session.events
        events.register("before-parameter-build.dynamodb.Query", self._ask_whole)
        events.register("after-call.dynamodb.*", self._add)
        self.whole = False
        self.clear()

    def clear(self) -> None:
        """Begin anew."""
        self.requests, self.units, self.indexes = 0, 0.0, dict[str, None]()

    def _ask_whole(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        """Ask for whole items, by which DynamoDB charges, whatever is asked of them."""
        context["index"] = params.get("IndexName")
        if self.whole and params.pop("ProjectionExpression", None):
            names = params["ExpressionAttributeNames"]
            params["ExpressionAttributeNames"] = {name: names[name] for name in names if not name.startswith("#a")}

    def _add(self, model: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        self.requests += 1
        self.indexes[context.get("index") or "table"] = None
        each = [[item] for items in parsed.get("Responses", {}).values() for item in items]
        each = each or [[parsed["Item"]] if "Item" in parsed else parsed.get("Items", [])]
        for items in each:
            units = max(1, math.ceil(sum(map(item_size, items)) / READ_UNIT_BYTES))
            self.units += units / 2 if context.get("index") else units


def asked(path: str, query: dict[str, Any]) -> tuple[float, float]:
    """Seconds until the API has answered: of a clock, and of processors, its own and the stack's."""
    begin, used = time.perf_counter(), sum(cpu_s())
    answer = app.handle_request(event_of("GET", f"/v1/{path}?{urlencode(query)}", {}, b"", READER), None)
    seconds = time.perf_counter() - begin, sum(cpu_s()) - used
    if answer["statusCode"] != 200:
        raise SystemExit(f"{path}: {answer['statusCode']} {answer['body']}")
    return seconds


def row(meter: Meter, path: str, query: dict[str, Any]) -> str:
    """What a view asks, by how many requests of how many read units, and its least seconds of three times."""
    meter.clear()
    meter.whole = True
    asked(path, query)
    meter.whole = False
    cost = f"{', '.join(f'`{name}`' for name in meter.indexes)} | {meter.requests} | {meter.units:.1f}"
    seconds, used = map(min, zip(*(asked(path, query) for _ in range(3)), strict=True))
    return f"{cost} | {seconds:.2f} | {used:.2f}"


def command(*arguments: str) -> tuple[float, float, int]:
    """Seconds until the command's first row, and until its end; how many lines it printed."""
    program = [sys.executable, "-c", "from brainscan.cli.main import app; app()", *arguments]
    begin = time.perf_counter()
    first, lines = 0.0, 0
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as run:
        for line in run.stdout or ():
            lines += 1
            if not first and line[:32].strip().isalnum() and line[0] in "0123456789abcdef":
                first = time.perf_counter() - begin
    return first, time.perf_counter() - begin, lines


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scans", type=int, nargs="?", default=SCANS)
    parser.add_argument("--only", default="", help="views whose name begins so")
    parser.add_argument("--no-command", action="store_true")
    told = parser.parse_args()
    begin = time.perf_counter()
    with filled(told.scans):
        meter = Meter()
        print(f"filled in {time.perf_counter() - begin:.0f} s", "", HEAD, sep="\n")
        for name, (path, query) in views(told.scans).items():
            if name.startswith(told.only):
                print(f"| {name} | {row(meter, path, query)} |", flush=True)
        since = (datetime.now(UTC).date() - timedelta(days=DAYS - 1)).isoformat()
        for form in () if told.no_command else ("csv", "table"):
            first, whole, lines = command("results", "--from", since, "--format", form)
            print(f"| results --format {form} | {first:.2f} | {whole:.1f} | {lines} lines |")


if __name__ == "__main__":
    main()
