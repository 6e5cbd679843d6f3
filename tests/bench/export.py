"""A large export through the whole laptop stack: `python -m tests.bench.export [SLICES] [--intake-only]`.

Every slice goes through intake, the served network and its series' report. What was put in is counted against what
the table, the series and their reports say; memory is that of this process, in which all functions run, while the
services that they call are moto's, in a process of its own. Progress goes to standard error, the result as JSON to
standard output: also when it is cut short by Ctrl-C, SIGTERM or `--limit-s`.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from brainscan.domain import Export, ExportState, Outcome, SeriesResult
from brainscan.pipeline.files import hierarchy_keys
from brainscan.services import services
from brainscan_local.stack import LocalStack
from tests.bench.bulk import header_of, junk_of, series_of, write_bulk

MIB = 1024**2
PERIOD_S = 2.0
"""How often is looked."""


@dataclass
class Thousand:
    """How it stood when so many slices had their answers; `functions_mib` is the most since the row before.

    `functions_cpu_s` and `moto_cpu_s` are of all cores, since the upload: what a busy machine does not change.
    """

    answered: int
    registered: int
    seconds: float
    functions_cpu_s: float
    moto_cpu_s: float
    functions_mib: int
    moto_mib: int


@dataclass
class Watch:
    """What is seen of an export under way."""

    export_id: str
    slices: int
    intake_only: bool = False
    begin: float = field(default_factory=time.perf_counter)
    before: tuple[float, float] = field(default_factory=lambda: cpu_s())
    rows: list[Thousand] = field(default_factory=list)
    export: Export | None = None
    peak_mib: float = 0.0
    seconds: float = 0.0
    reported: int = 0

    def __post_init__(self) -> None:
        belong = (hierarchy_keys(header_of(uid), services().pseudonyms) for uid, _ in series_of(self.slices))
        self._series = [each["series_id"] for each in belong]

    def look(self) -> bool:
        """Look once; True if nothing is left to happen."""
        self.seconds = time.perf_counter() - self.begin
        self.peak_mib = max(self.peak_mib, resident_mib("self"))
        self.export = services().table.exports.get(self.export_id)
        if self.export is None:
            return False
        self._note(self.export)
        expanded = self.export.state is ExportState.EXPANDED
        if self.intake_only:
            return expanded
        while self.reported < len(self._series) and _is_reported(self._series[self.reported]):
            self.reported += 1
        return expanded and self.export.done and self.reported == len(self._series)

    def _note(self, export: Export) -> None:
        """Add a row for every thousand slices that have been answered, or registered where none is."""
        answered = export.scans - export.counts.get(Outcome.QUEUED, 0)
        reached = export.scans if self.intake_only else answered
        if reached < min(self.slices, 1000 * (len(self.rows) + 1)):
            return
        if self.rows and self.rows[-1].answered == answered and self.rows[-1].registered == export.scans:
            return
        moto = round(sum(resident_mib(child) for child in children()))
        functions, services_of_aws = self._cpu_s()
        seconds, peak = round(self.seconds, 1), round(self.peak_mib)
        row = Thousand(answered, export.scans, seconds, functions, services_of_aws, peak, moto)
        self.rows.append(row)
        self.peak_mib = 0.0
        print(f"{row}, series reported: {self.reported}", file=sys.stderr, flush=True)

    def told(self) -> dict[str, Any]:
        """The result."""
        put = {"files": self.slices + junk_of(self.slices), "skipped": junk_of(self.slices), "scans": self.slices}
        export = self.export
        if export is None:
            return {"put": put}
        counted = {"files": export.files, "skipped": export.skipped, "scans": export.scans}
        outcomes = {outcome: count for outcome, count in export.counts.items() if count}
        series = self._of_series()
        functions, services_of_aws = self._cpu_s()
        return {
            "put": put,
            "counted": counted,
            "outcomes": outcomes,
            "needs_review": export.needs_review,
            "seconds": round(self.seconds, 1),
            "ms_a_file": round(self.seconds * 1000 / put["files"], 1),
            "cpu_s": {"functions": functions, "moto": services_of_aws},
            "rows": [asdict(row) for row in self.rows],
            "series": series,
            "exact": {"files_and_scans": counted == put, "series": series["slices_by_outcome"] == outcomes},
        }

    def _cpu_s(self) -> tuple[float, float]:
        functions, services_of_aws = (round(now - then, 1) for now, then in zip(cpu_s(), self.before, strict=True))
        return functions, services_of_aws

    def _of_series(self) -> dict[str, Any]:
        """Series against what was put in, and the slices that their latest reports tell, by outcome."""
        complete, told, files = 0, Counter[Outcome](), Counter[str]()
        for series_id, (_, slices) in zip(self._series, series_of(self.slices), strict=True):
            series, latest = services().table.series.get(series_id), services().table.reports.latest(series_id)
            complete += series is not None and (series.expected, series.remaining) == (slices, 0)
            if latest:
                answer = SeriesResult.model_validate_json(services().results.get(latest.files["series"]))
                told.update(each.outcome for each in answer.slices)
                files.update(latest.files.keys())
        return {
            "put": len(self._series),
            "complete": complete,
            "reported": sum(map(_is_reported, self._series)),
            "slices_by_outcome": told,
            "files": files,
        }


def _is_reported(series_id: str) -> bool:
    """Nothing of the series waits, and its latest report is of the revision that it has."""
    series, latest = services().table.series.get(series_id), services().table.reports.latest(series_id)
    return bool(series and latest and not series.remaining and latest.revision == series.revision)


def resident_mib(process: str) -> float:
    """Memory of a process now, MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * 4096 / MIB


def cpu_s() -> tuple[float, float]:
    """CPU time so far of this process and of moto, seconds."""
    return time.process_time(), sum(map(_cpu_s, children()))


def _cpu_s(process: str) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children() -> Iterator[str]:
    """Processes that this one started: moto."""
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            yield from (task / "children").read_text().split()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("slices", type=int, nargs="?", default=20_000)
    parser.add_argument("--side", type=int, default=128, help="rows and columns of a slice")
    parser.add_argument("--intake-only", action="store_true", help="do not analyze")
    parser.add_argument("--limit-s", type=float, default=7200, help="give up after so many seconds")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Path(os.devnull).open("w") as log, redirect_stdout(log):  # functions log there
        complete, told = measured(asked.slices, asked.side, asked.limit_s, intake_only=asked.intake_only)
    print(json.dumps({"complete": complete, **told}, indent=2))
    return 0 if complete else 1


def measured(slices: int, side: int, limit_s: float, *, intake_only: bool) -> tuple[bool, dict[str, Any]]:
    """Whether all came to its end, and what was seen until then."""
    with tempfile.TemporaryDirectory() as folder, LocalStack() as stack:
        path = Path(folder) / "export.zip"
        write_bulk(path, slices, side)
        print(f"{slices} slices, {path.stat().st_size / MIB:.0f} MiB", file=sys.stderr, flush=True)
        if intake_only:
            stop_analyzing(stack)
        watch = Watch(upload(stack, path), slices, intake_only)
        complete = False
        try:
            while not (complete := watch.look()) and watch.seconds < limit_s:
                stack.check()
                time.sleep(PERIOD_S)
        except KeyboardInterrupt:
            print("cut short", file=sys.stderr)
        return complete, watch.told()


def stop_analyzing(stack: LocalStack) -> None:
    """Leave scans in their queue."""
    for worker in stack._workers:
        if "Analyze" in worker.name:
            worker.stop()
            worker.join()


def upload(stack: LocalStack, path: Path) -> str:
    """Upload a file; the id of its export."""
    with path.open("rb") as body:
        put = stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=path.name, Body=body)
    return services().pseudonyms.export_id(stack.uploads_bucket, path.name, put["VersionId"])


if __name__ == "__main__":
    sys.exit(main())
