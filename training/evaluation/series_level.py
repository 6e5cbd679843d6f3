"""Whole series instead of slices: of the sets that keep volumes, how many series are called rightly."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from brainscan.domain import Kind, Outcome, Scan, ScanRecord, Source
from brainscan.series.classification import Classification, classify_acquisition
from training.datasets.samples import LGG
from training.evaluation.bootstrap import REPEATS, bounds, draws, group_sums
from training.evaluation.evaluated import EvaluatedScan

VOLUMES: Final = (LGG, "healthy_head", "healthy_t1_stripped", "open_ms", "harvard_normal")
"""Sets with several slices of each patient, whose file names sort as the slices lie."""
FEWEST: Final = 3
"""Slices that a series has at least."""


def series_figures(scans: Sequence[EvaluatedScan]) -> dict[str, dict[str, Any]]:
    """Of each set and sequence: its series, the share called rightly, false lesions, and volume errors.

    Files of one name but for the number at its end are a series. It is a tumor series if any of its slices is.
    """
    results: dict[str, dict[str, Any]] = {}
    verdicts: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for (name, _), members in sorted(_series(scans).items()):
        if len(members) < FEWEST:
            continue
        records = [_record(scan, place) for place, scan in enumerate(members)]
        analyzed = [record for record in records if record.outcome is Outcome.ANALYZED]
        tumor = any(scan.is_tumor for scan in members)
        classification = classify_acquisition(analyzed, len(members)) if analyzed else None
        says_tumor = classification is not None and classification.predicted.is_tumor
        row = results.setdefault(name, _nothing())
        row["tumor"] += tumor
        row["found"] += tumor and says_tumor
        row["healthy"] += not tumor
        row["called_tumor"] += not tumor and says_tumor
        row["false_lesions"] += 0 if classification is None else false_lesions(classification, members)
        verdicts[name].append((members[0].sample.group, tumor == says_tumor))
        error = volume_error(members)
        if error is not None:
            row["volume_errors"].append(error)
    return {name: row | {"right": _share([*verdicts[name]])} for name, row in results.items()}


def false_lesions(classification: Classification, series: Sequence[EvaluatedScan]) -> int:
    """Runs of neighbouring slices that count as positive and touch no drawn tumor on any of them.

    Two lesions on the same slices are one run.
    """
    counted = {record.scan_id for record in classification.counted}
    runs: list[list[EvaluatedScan]] = [[]]
    for record in classification.analyzed:
        if record.scan_id in counted:
            runs[-1].append(series[int(record.scan_id)])
        elif runs[-1]:
            runs.append([])
    return sum(bool(run) and not any(scan.dice for scan in run) for run in runs)


def volume_error(series: Sequence[EvaluatedScan]) -> float | None:
    """(found - drawn) / drawn, both summed over the slices; None where no tumor is drawn.

    The slices of one series stand for equally thick slabs, so that areas add up as volumes would.
    """
    drawn = sum(scan.truth_px or 0 for scan in series)
    found = sum(scan.finding.tumor.area_px for scan in series if scan.finding.tumor is not None)
    return (found - drawn) / drawn if drawn else None


def _nothing() -> dict[str, Any]:
    return {"tumor": 0, "found": 0, "healthy": 0, "called_tumor": 0, "false_lesions": 0, "volume_errors": []}


def _share(verdicts: Sequence[tuple[str, bool]]) -> dict[str, float]:
    """The share of series that are called rightly, with an interval that draws patients."""
    sums = group_sums([group for group, _ in verdicts], np.array([[right, 1.0] for _, right in verdicts]))
    drawn = draws(len(sums), REPEATS, seed=0) @ sums
    low, high = bounds(drawn[:, 0] / drawn[:, 1])
    value = float(sums[:, 0].sum() / sums[:, 1].sum())
    return {"value": value, "low": low, "high": high, "n": len(verdicts), "groups": len(sums)}


def _series(scans: Sequence[EvaluatedScan]) -> dict[tuple[str, str], list[EvaluatedScan]]:
    """(set with sequence, series) -> its slices in order."""
    series: dict[tuple[str, str], list[EvaluatedScan]] = defaultdict(list)
    for scan in scans:
        sample = scan.sample
        if sample.source in VOLUMES:
            name = f"{sample.source}, {sample.sequence or sample.view}"
            series[name, f"{sample.path.parent}/{_without_number(sample.path.stem)}"].append(scan)
    return {key: sorted(members, key=lambda scan: _number(scan.sample.path.stem)) for key, members in series.items()}


def _without_number(name: str) -> str:
    """A slice's name without its number."""
    return re.sub(r"\d+$", "", name)


def _number(name: str) -> int:
    found = re.search(r"(\d+)$", name)
    return int(found.group(1)) if found else 0


def _record(scan: EvaluatedScan, place: int) -> ScanRecord:
    """The scan as a slice of a series that the pipeline calls."""
    described = Scan(
        scan_id=f"{place}",
        export_id="evaluation",
        source=Source(bucket="", key_digest="", version_id=""),
        kind=Kind.PNG,
        staged_key="",
        received_at=datetime.fromtimestamp(0, UTC),
        order=place,
    )
    return ScanRecord.of(described, scan.finding)
