"""Figures as tables: rows of text, then HTML or Markdown."""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

STYLE: Final = """body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:right}
td:first-child,th:first-child{text-align:left}img{max-width:100%}.note{color:#666}"""

HEADLINES: Final = (
    "accuracy",
    "dice",
    "iou",
    "sensitivity",
    "specificity",
    "calibration_error",
    "small_lesions_found",
    "abstained",
)
BRIEF: Final = ("accuracy", "dice", "sensitivity", "specificity")
"""Metrics of a table by strata."""

Rows = list[list[str]]


def headline_rows(results: Mapping[str, Any]) -> Rows:
    """One row a source, with a header."""
    rows = [["source", "scans", "groups", *(name.replace("_", " ") for name in HEADLINES), "Hausdorff 95 px"]]
    for name, source in [*results["sources"].items(), ("all files", results["all"])]:
        cells = [with_interval(source[metric]) for metric in HEADLINES]
        rows.append([name, str(source["scans"]), str(source["groups"]), *cells, number(source["hausdorff_95_px"], 1)])
    return rows


def stratum_rows(title: str, parts: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> Rows:
    """One row a part, with a header; figures of another model in columns of their own.

    Args:
        title: what divides the scans.
        parts: `figures.brief` of each.
        beside: the same of the other model.
    """
    head = [column for metric in BRIEF for column in ([metric] if beside is None else [f"{metric} before", metric])]
    rows = [[title, "scans", "groups", *head, "abstained"]]
    for name, part in parts.items():
        cells: list[str] = []
        for metric in BRIEF:
            if beside is not None:
                cells.append(number(beside[name][metric]["value"], 3) if part[metric]["n"] else "-")
            cells.append(with_interval(part[metric]))
        rows.append([name, str(part["scans"]), str(part["groups"]), *cells, number(part["abstained"]["value"], 3)])
    return rows


def class_rows(results: Mapping[str, Any]) -> Rows:
    """Precision, recall, F1, area under the curve, Dice and masks missed whole, by source and class."""
    rows = [["source, class", "precision", "recall", "F1", "ROC-AUC", "Dice", "missed whole", "scans"]]
    for name, source in results["sources"].items():
        for label, scores in source["per_class"].items():
            if scores["support"]:
                values = [number(scores[key], 3) for key in ("precision", "recall", "f1")]
                area = number(source["roc_auc"].get(label, math.nan), 3)
                masks = source["dice_by_class"].get(label, {})
                drawn = [number(masks.get(key), 3) for key in ("dice", "missed")]
                rows.append([f"{name}, {label}", *values, area, *drawn, f"{scores['support']:.0f}"])
    return rows


def out_of_distribution_rows(results: Mapping[str, Any]) -> Rows:
    """How many pictures of each kind were refused."""
    rows = [["kind", "pictures", "got no answer", "by the scope check"]]
    tallies = results["out_of_distribution"]
    keys = ("pictures", "refused", "out_of_scope")
    total = {key: sum(tally[key] for tally in tallies.values()) for key in keys}
    for kind, tally in [*tallies.items(), ("all", total)]:
        rows.append([kind, *(f"{tally[key]:.0f}" for key in keys)])
    return rows


def other_tumor_rows(results: Mapping[str, Any]) -> Rows:
    """What is said of tumor types that are none of the classes."""
    rows = [["type", "scans", "groups", "called", "mean confidence", "abstained"]]
    for name, part in results["other_tumors"].items():
        called = ", ".join(f"{label} {count}" for label, count in part["called"].items())
        counts = [str(part["scans"]), str(part["groups"])]
        rows.append([name, *counts, called, number(part["confidence"], 2), number(part["abstained"], 2)])
    return rows


def series_rows(results: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> Rows:
    """Series called rightly, of each set and sequence."""
    models = [("", results)] if beside is None else [(" before", beside), ("", results)]
    kinds = ("called rightly", "tumor found", "healthy called tumor", "false lesions a series")
    head = [f"{what}{suffix}" for suffix, _ in models for what in kinds]
    rows = [["series", "n", "patients", *head, "median volume error", "largest"]]
    for name, row in results["series"].items():
        cells = []
        for _, model in models:
            own = model["series"][name]
            lesions = number(own["false_lesions"] / own["right"]["n"], 2)
            called = [_of(own["found"], own["tumor"]), _of(own["called_tumor"], own["healthy"])]
            cells += [with_interval(own["right"]), *called, lesions]
        errors = sorted(abs(error) for error in row["volume_errors"])
        ends = [f"{errors[len(errors) // 2]:.0%}", f"{errors[-1]:.0%}"] if errors else ["-", "-"]
        rows.append([name, str(row["right"]["n"]), str(row["right"]["groups"]), *cells, *ends])
    return rows


def operating_rows(results: Mapping[str, Any], beside: Mapping[str, Any] | None = None) -> Rows:
    """Sensitivity to any tumor at fixed specificities, and what a reader gets at the shipped thresholds."""
    models = [results] if beside is None else [beside, results]
    rows = [["over all files", "scans", *(["measured"] if beside is None else ["before", "measured"])]]
    for name in results["all"]["operating_points"]:
        cells = [with_interval(model["all"]["operating_points"][name]) for model in models]
        count = results["all"]["operating_points"][name]["n"]
        rows.append([f"sensitivity to any tumor at specificity {name}", str(count), *cells])
    for name in results["all"]["answered"]:
        cells = [with_interval(model["all"]["answered"][name]) for model in models]
        rows.append([name.replace("_", " "), str(results["all"]["answered"][name]["n"]), *cells])
    error = [model["all"]["calibration_error"] for model in models]
    rows.append(["calibration error", str(error[-1]["n"]), *map(with_interval, error)])
    return rows


def evidence_rows(evidence: Mapping[str, Any]) -> Rows:
    """Where the evidence for the class lies, beside what chance would give; a row a set and class."""
    head = ["evidence in the mask", "the mask's area", "hottest place touches it", "places that touch it"]
    rows = [["set, class", "scans", "groups", *head]]
    for name, part in evidence.items():
        cells = [with_interval(part[share]) for share in ("inside", "area", "hottest", "touched")]
        rows.append([name, str(part["scans"]), str(part["groups"]), *cells])
    return rows


def source_rows(told: Mapping[str, Any]) -> Rows:
    """How well a classifier on the features tells the data sets apart, overall and within a class."""
    rows = [["scans of", "scans", "groups", "balanced accuracy", "chance", "told, of each set"]]
    for name, part in told.items():
        sets = ", ".join(f"{each} {number(one['told'], 2)}" for each, one in part["sets"].items())
        counts = [str(part["n"]), str(part["groups"])]
        rows.append([name, *counts, with_interval(part), number(part["chance"], 2), sets])
    return rows


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as an HTML table, the first as its header."""
    head, *body = ["".join(f"<t{kind}>{html.escape(cell)}</t{kind}>" for cell in row) for kind, row in _tagged(rows)]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{row}</tr>' for row in body)}</table>"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first as its header."""
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" * len(rows[0]) + "|", *body])


def with_interval(metric: Mapping[str, float]) -> str:
    """0.900 [0.850, 0.940], or a dash."""
    if metric["n"] == 0 or not is_number(metric["value"]):
        return "-"
    return f"{metric['value']:.3f} [{metric['low']:.3f}, {metric['high']:.3f}]"


def number(value: float | None, digits: int) -> str:
    """With so many decimals, or a dash."""
    return f"{value:.{digits}f}" if is_number(value) else "-"


def is_number(value: float | None) -> bool:
    """Neither None, as NaN stands in JSON, nor NaN."""
    return value is not None and math.isfinite(value)


def without_nan(value: Any) -> Any:
    """The same with None for what is not a number, which JSON cannot say."""
    if isinstance(value, Mapping):
        return {key: without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tagged(rows: Sequence[Sequence[str]]) -> list[tuple[str, Sequence[str]]]:
    return [("h" if index == 0 else "d", row) for index, row in enumerate(rows)]


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}" if whole else "-"
