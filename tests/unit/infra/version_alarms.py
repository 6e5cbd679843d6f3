"""What watches a new version of analyze while it has a part of the scans, worked out as CloudWatch does it."""

from collections.abc import Mapping
from typing import Any

from tests.unit.infra.rendered import resources


def raised(found: Mapping[str, float]) -> set[str]:
    """The alarms of the template that watch a version, and are above their threshold with these metrics."""
    watching = {name: each["Properties"] for name, each in resources().items() if name.startswith("AnalyzeVersion")}
    alarms = {name: each for name, each in watching.items() if "Threshold" in each}
    return {name for name, each in alarms.items() if (value(each, found) or 0) > each["Threshold"]}


def value(alarm: Mapping[str, Any], found: Mapping[str, float]) -> float | None:
    """CloudWatch's metric math, as far as these alarms use it; None where a metric of it was not measured at all."""
    expression, *parts = alarm["Metrics"]
    named = {part["Id"]: found.get(part["Id"], found.get(part["MetricStat"]["Metric"]["MetricName"])) for part in parts}
    if None in named.values():
        return None
    known = {"IF": lambda holds, then, other: then if holds else other} | named
    return float(eval(expression["Expression"], known))  # noqa: S307 - of our own template
