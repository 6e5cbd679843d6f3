"""Everything that a report states of a list of evaluated scans: by source, by stratum, together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from brainscan.domain import Outcome
from training.evaluation import metrics
from training.evaluation.evaluated import EvaluatedScan
from training.evaluation.operating_points import SPECIFICITIES, sensitivity_at
from training.evaluation.series_level import series_figures
from training.evaluation.strata import STRATA, divide

OTHER_TYPES: Final = "tumor outside the classes"
"""The one stratum of which only what was said is stated: there is no right class."""

Figures = dict[str, Any]


def figures(scans: Sequence[EvaluatedScan]) -> Figures:
    """All figures of an evaluation; those over all files count each file once."""
    whole = [scan for scan in scans if scan.sample.view == "luma"]
    sources = divide(scans, STRATA["data set"])
    return {
        "sources": {name: summary(members) for name, members in sources.items()},
        "all": summary(whole) | {"operating_points": operating_points(whole), "answered": answer_rates(whole)},
        "strata": {
            title: {name: brief(members) for name, members in divide(scans, stratum).items()}
            for title, stratum in STRATA.items()
            if title not in ("data set", OTHER_TYPES)
        },
        "other_tumors": {
            name: other_type_answers(members) for name, members in divide(scans, STRATA[OTHER_TYPES]).items()
        },
        "series": series_figures(scans),
    }


def summary(scans: Sequence[EvaluatedScan]) -> Figures:
    """All metrics of one list of scans, those with an interval as value, low, high and n."""
    low, high = metrics.calibration_interval(scans)
    error = {"value": metrics.calibration_error(scans), "low": low, "high": high, "n": len(scans)}
    return brief(scans) | {
        "calibration_error": error,
        "hausdorff_95_px": metrics.hausdorff_95(scans),
        "per_class": metrics.per_class(scans),
        "roc_auc": metrics.roc_auc(scans),
        "confusion": metrics.confusion(scans).tolist(),
        "dice_by_class": dice_by_class(scans),
    }


def brief(scans: Sequence[EvaluatedScan]) -> Figures:
    """The metrics that are means, each with its interval, and how many scans and groups they are of."""
    results: Figures = {"scans": len(scans), "groups": len({scan.sample.group for scan in scans})}
    for name in metrics.VALUES:
        results[name] = metric_with_interval(scans, name)
    return results


def metric_with_interval(scans: Sequence[EvaluatedScan], name: str) -> dict[str, float]:
    """A metric that is a mean, with its interval, and the number of scans to which it applies."""
    value, count = metrics.mean_of(scans, name)
    low, high = metrics.interval(scans, name)
    return {"value": value, "low": low, "high": high, "n": count}


def dice_by_class(scans: Sequence[EvaluatedScan]) -> dict[str, dict[str, float]]:
    """Mean Dice of each labelled class with drawn masks, and the share of its tumors that the mask misses whole."""
    results = {}
    for label in sorted({scan.sample.label for scan in scans if scan.dice is not None}):
        values = [scan.dice for scan in scans if scan.sample.label == label and scan.dice is not None]
        missed = sum(value == 0 for value in values) / len(values)
        results[label] = {"dice": sum(values) / len(values), "missed": missed, "n": len(values)}
    return results


def operating_points(scans: Sequence[EvaluatedScan]) -> dict[str, dict[str, float]]:
    """Sensitivity to any tumor at each of `SPECIFICITIES`; at the first, that to each set's tumors too.

    The threshold is the same for all sets: what a hospital may expect of a service that does not know it.
    """
    points = {f"{specificity:.2f}": sensitivity_at(scans, specificity) for specificity in SPECIFICITIES}
    healthy = [scan for scan in scans if not scan.is_tumor]
    for name, members in divide([scan for scan in scans if scan.is_tumor], STRATA["data set"]).items():
        points[f"{SPECIFICITIES[0]:.2f}, tumors of {name}"] = sensitivity_at([*healthy, *members], SPECIFICITIES[0])
    return points


def answer_rates(scans: Sequence[EvaluatedScan]) -> dict[str, dict[str, float]]:
    """What a reader gets: the share that is answered, how often that is right, and the share that asks for review."""
    kept = [scan for scan in scans if scan.outcome is Outcome.ANALYZED]
    sure = [scan for scan in kept if not scan.finding.needs_review]
    return {
        "answered": metric_with_interval(scans, "answered"),
        "accuracy_answered": metric_with_interval(kept, "accuracy"),
        "review_load": metric_with_interval(scans, "answered_for_review"),
        "accuracy_without_review": metric_with_interval(sure, "accuracy"),
    }


def other_type_answers(scans: Sequence[EvaluatedScan]) -> Figures:
    """Of tumors that no class is right for: what they are called, how surely, and how many get no answer."""
    called = Counter(str(scan.predicted) for scan in scans if scan.predicted is not None)
    return {
        "scans": len(scans),
        "groups": len({scan.sample.group for scan in scans}),
        "called": dict(called.most_common()),
        "confidence": sum(scan.confidence for scan in scans) / len(scans),
        "abstained": metrics.mean_of(scans, "abstained")[0],
    }


def stated_sources(scans: Sequence[EvaluatedScan]) -> Mapping[str, Any]:
    """What the manifest states: the figures of each source."""
    return {name: metrics.source_metrics(members) for name, members in divide(scans, STRATA["data set"]).items()}
