"""What is aimed at on the test part, and whether it is reached."""

from collections.abc import Mapping
from typing import Any, Final

from brainscan.inference.manifest import Manifest
from training.evaluation.tables import is_number, number, with_interval

TARGETS: Final[tuple[tuple[str, tuple[str, ...], float, bool], ...]] = (
    ("Accuracy on Cheng", ("sources", "cheng", "accuracy"), 0.95, True),
    ("Mean Dice on Cheng", ("sources", "cheng", "dice"), 0.80, True),
    ("Dice of Cheng's gliomas", ("sources", "cheng", "dice_by_class", "glioma", "dice"), 0.72, True),
    ("Cheng's gliomas missed whole", ("sources", "cheng", "dice_by_class", "glioma", "missed"), 0.05, False),
    ("Accuracy on LGG, FLAIR", ("sources", "lgg_flair", "accuracy"), 0.95, True),
    ("Mean Dice on LGG, FLAIR", ("sources", "lgg_flair", "dice"), 0.83, True),
    ("Sensitivity to any tumor at specificity 0.90, all files", ("all", "operating_points", "0.90"), 0.97, True),
    ("Radiopaedia's gliomas and meningiomas called so", ("radiopaedia_types",), 0.85, True),
    ("Expected calibration error, all files", ("all", "calibration_error"), 0.03, False),
    ("Healthy and MS series called tumor", ("healthy_series",), 0, False),
    ("Pictures that are no brain MR refused", ("refused",), 0.95, True),
    ("Brain MR called out of scope", ("beyond",), 0.05, False),
)
"""(what, where the figure stands in `facts`, goal, whether more is better)."""

RADIOPAEDIA: Final = "radiopaedia_44"


def facts(manifest: Manifest, results: Mapping[str, Any]) -> dict[str, Any]:
    """The results, with the figures that targets need and no table holds."""
    tallies = results["out_of_distribution"].values()
    pictures = sum(tally["pictures"] for tally in tallies)
    types = results["sources"].get(RADIOPAEDIA, {}).get("per_class", {})
    shown = [types[name] for name in ("glioma", "meningioma") if types.get(name, {}).get("support")]
    support = sum(row["support"] for row in shown)
    return {
        **results,
        "refused": sum(tally["refused"] for tally in tallies) / pictures if pictures else None,
        "beyond": manifest.scope.beyond if manifest.scope else None,
        "radiopaedia_types": sum(row["recall"] * row["support"] for row in shown) / support if support else None,
        "healthy_series": sum(row["called_tumor"] for row in results["series"].values()) if results["series"] else None,
    }


def target_rows(known: Mapping[str, Any]) -> list[list[str]]:
    """What was aimed at, what came out, and whether it was reached; figures that are not there are left out."""
    rows = [["target", "aim", "measured", "reached"]]
    for what, path, goal, more in TARGETS:
        figure: Any = known
        for name in path:
            figure = figure.get(name) if isinstance(figure, Mapping) else None
        value = figure["value"] if isinstance(figure, Mapping) else figure
        if not is_number(value):
            continue
        reached = value >= goal if more else value <= goal
        shown = with_interval(figure) if isinstance(figure, Mapping) else number(value, 0 if goal == 0 else 3)
        rows.append([what, f"{'>=' if more else '<='} {goal}", shown, "yes" if reached else "no"])
    return rows
