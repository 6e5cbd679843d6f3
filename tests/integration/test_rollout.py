"""On the laptop stack: a new version of analyze gets a part of the batches; it goes on, or back on alarm.

The test plays CodeDeploy, which no emulator has: it moves the alias, and looks at the alarms of infra/monitoring.yaml
over what the two versions really measured.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from threading import Lock
from types import ModuleType
from typing import Any, Final

import pytest

from brainscan.domain import Outcome, Scan
from brainscan.observability import metrics
from brainscan.pipeline.attempt import ScanResult
from brainscan.pipeline.serving import LoadedModels, analyze_as_served
from brainscan.services import Services, services
from brainscan.store.table.query import all_pages
from brainscan_local import functions
from brainscan_local.functions import Function
from brainscan_local.phantom import GLIOMA, MENINGIOMA, head, to_png
from brainscan_local.stack import LocalStack
from brainscan_local.template import FunctionSpec
from tests.making import zipped
from tests.unit.infra.version_alarms import raised

PICTURES: Final = 48
"""Of a minute: of the new version's part, the alarm of abstentions wants 20 scans."""
OLD, NEW = "7", "8"


class Alias:
    """`live`: two versions of analyze, each a module of its own, of which the new one gets a share of the batches."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.versions: dict[str, Function] = {}
        self.durations_ms: dict[str, list[float]] = {OLD: [], NEW: []}
        self.errors = Counter[str]()
        self._due = 0.0
        self._turn = Lock()

    def handle(self, event: dict[str, Any], context: Any) -> Any:
        """Invoke one of the versions; here they share a process, and with it the variable that names theirs."""
        with self._turn:
            self._due += self.share  # evenly: Lambda draws, and a test should not
            version = NEW if self._due >= 1 else OLD
            self._due -= version == NEW
            os.environ["AWS_LAMBDA_FUNCTION_VERSION"] = version
            begin = time.monotonic()
            try:
                return self.versions[version].handler(event, context)
            except Exception:
                self.errors[version] += 1
                raise
            finally:
                self.durations_ms[version].append((time.monotonic() - begin) * 1000)

    def measured(self, printed: str) -> dict[str, float]:
        """What CloudWatch has of a minute: Lambda's metrics of the new version, and its own; `all` is of both.

        Of a version that was not invoked it has nothing.
        """
        took, every = self.durations_ms[NEW], [each for times in self.durations_ms.values() for each in times]
        found = Counter[str]()
        for line in filter(lambda each: each.startswith('{"') and "_aws" in each, printed.splitlines()):
            told = json.loads(line)
            if told.get("version", NEW) == NEW:
                found.update({name: sum(value) for name, value in told.items() if isinstance(value, list)})
        lambdas = {"Errors": self.errors[NEW], "Invocations": len(took), "Duration": sum(took) / max(1, len(took))}
        self.durations_ms, self.errors = {OLD: [], NEW: []}, Counter()
        return {**found, **(lambdas if took else {}), "all": sum(every) / len(every)}


@pytest.fixture
def alias(monkeypatch: pytest.MonkeyPatch) -> Alias:
    made, load = Alias(share=0.7), functions.load

    def load_versions(spec: FunctionSpec) -> Function:
        function = load(spec)
        if spec.logical_id != "Analyze":
            return function
        made.versions = {OLD: function, NEW: load(replace(spec, logical_id="AnalyzeNew"))}
        return replace(function, handler=made.handle)

    monkeypatch.setattr(functions, "load", load_versions)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", OLD)
    return made


@pytest.fixture
def stack(alias: Alias, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalStack]:
    with LocalStack(retry_delay_s=0.05) as running:
        monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "false")
        monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "brainscan")
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "brainscan")
        monkeypatch.setattr(metrics, "namespace", "brainscan")
        monkeypatch.setattr(metrics, "service", "brainscan")
        yield running


@pytest.fixture
def minute(stack: LocalStack, alias: Alias, capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, float]]:
    """A minute of scans on both versions; what was measured of it."""
    heads = [to_png(head(seed=seed, lesion=lesion, slices=12).volume[6]) for seed, lesion in enumerate((GLIOMA, None))]
    heads.append(to_png(head(seed=2, lesion=MENINGIOMA, slices=12).volume[6]))
    uploads = iter(range(10))

    def passes() -> dict[str, float]:
        capsys.readouterr()
        data = zipped({f"{number}.png": heads[number % len(heads)] for number in range(PICTURES)})
        stack.client("s3").put_object(Bucket=stack.uploads_bucket, Key=f"{next(uploads)}.zip", Body=data + b"\0")
        stack.drain(timeout_s=300)
        return alias.measured(capsys.readouterr().out)

    return passes


def fails_on_one_of_a_batch(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(scans: Sequence[Scan], its_services: Services, loaded: LoadedModels) -> list[ScanResult]:
        unlucky = [ScanResult(each.scan_id, error=ValueError("a bug")) for each in scans[:1] if len(scans) > 1]
        return unlucky + analyze_as_served(scans[len(unlucky) :], its_services, loaded)

    monkeypatch.setattr(module, "analyze_as_served", failing)


def is_sure_of_nothing(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = module.loaded.shipped.manifest
    timid = manifest.thresholds.model_copy(update={"min_confidence": 1.0, "review_confidence": 1.0})
    monkeypatch.setattr(module.loaded.shipped, "manifest", manifest.model_copy(update={"thresholds": timid}))


def is_as_good(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is changed about it."""


def outcomes(stack: LocalStack) -> list[Outcome]:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    exports = all_pages(lambda size, cursor: services().table.exports.of_day(day, size, cursor))
    of_export = services().table.queries.of_export
    return [scan.outcome for export in exports for scan in all_pages(partial(of_export, export.export_id))]


@pytest.mark.parametrize(
    ("fault", "alarm"),
    [
        (fails_on_one_of_a_batch, "AnalyzeVersionFailures"),
        (is_sure_of_nothing, "AnalyzeVersionAbstains"),
        (is_as_good, None),
    ],
)
def test_a_new_version_goes_on_or_back_by_what_the_alarms_see(
    stack: LocalStack,
    alias: Alias,
    minute: Callable[[], dict[str, float]],
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[ModuleType, pytest.MonkeyPatch], None],
    alarm: str | None,
) -> None:
    fault(sys.modules["brainscan_local_AnalyzeNew"], monkeypatch)
    for _ in range(2):  # of three minutes, two raise an alarm
        found = minute()
        assert found["Invocations"] > 1
        assert raised(found) == ({alarm} if alarm else set())
    alias.share = 0.0 if alarm else 1.0

    last = minute()

    assert raised(last) == set()
    assert last.get("VersionScans", 0) == (0 if alarm else PICTURES)
    after = Counter(outcomes(stack))
    assert after.total() == 3 * PICTURES  # each once, and none lost to the version that went
    assert not {Outcome.FAILED, Outcome.QUEUED} & after.keys()
