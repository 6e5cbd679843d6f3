"""`python -m training.model_card`: MODEL_CARD.md from an artifact's manifest and the report of its evaluation."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.inference.manifest import Manifest
from training.evaluation import plots, protocols
from training.evaluation.report import (
    class_rows,
    headline_rows,
    is_number,
    markdown,
    number,
    outsider_rows,
    with_interval,
)

TARGETS: Final[tuple[tuple[str, str, str, float, bool], ...]] = (
    ("Accuracy on Cheng", "cheng", "accuracy", 0.95, True),
    ("Mean Dice on Cheng", "cheng", "dice", 0.80, True),
    ("Sensitivity to any tumor, all files", "all", "sensitivity", 0.97, True),
    ("Specificity, all files", "all", "specificity", 0.90, True),
    ("Expected calibration error, all files", "all", "calibration_error", 0.03, False),
)
"""(what, source, metric, goal, whether more is better)."""

CURVE: Final = "docs/training.png"
"""The training's curve, seen from the card's folder."""

DATA: Final = """\
| set | licence | what it gives |
|---|---|---|
| Cheng, figshare 1512427 | CC BY 4.0 | T1 contrast-enhanced slices, three tumor types, expert masks, folds by patient |
| Kaggle "Brain Tumor Classification (MRI)" | MIT | slices without a tumor; most of the rest is the Cheng set |
| Br35H | as on its page | tumor or none, from the web; the type is unknown |
| LGG "lgg-mri-segmentation" | CC BY-NC-SA 4.0 | lower-grade glioma, FLAIR masks, slices without tumor too |
"""

SHORTCUT: Final = """\
In the public sets the source gives the class away: nearly all tumor slices are T1 contrast-enhanced images of two
hospitals, nearly all `no_tumor` slices come from the web in other sequences. A network can score well by telling the
sources apart. Slices without tumor of the LGG patients break this shortcut in part; their specificity (source `lgg`)
says how well. The class of slices that are unlike all four sources is unproven.

All LGG tumors are gliomas, and Cheng's patients have no slices without tumor: class and source stay entangled.
"""

USE: Final = """\
For research and teaching on the path of brain MR slices through such a system. Not for diagnosis, triage or any
decision about a patient: it was measured on four public sets of compressed, downsized images, on one slice at a time,
without clinical data, for three tumor types; all other disease is unknown to it.
"""


def main(arguments: Sequence[str]) -> int:
    """Writes the card."""
    options = _parser().parse_args(arguments)
    results = json.loads((options.report / "metrics.json").read_text())
    runs = [json.loads(path.read_text()) for path in options.history]
    options.out.write_text(card(Manifest.read(options.model), results, runs))
    if runs:
        figure = plots.learning(runs)
        figure.savefig(options.out.parent / CURVE, dpi=plots.DPI, bbox_inches="tight")
    print(f"wrote {options.out}")
    return 0


def card(manifest: Manifest, results: Mapping[str, Any], runs: Sequence[Mapping[str, Any]] = ()) -> str:
    """The card as Markdown.

    Args:
        manifest: of the artifact.
        results: `metrics.json` of its evaluation.
        runs: `history.json` of its training, where that is at hand; of each run, where one went on from another.

    Raises:
        ValueError: the report is of another model.
    """
    if results["model_id"] != manifest.model_id:
        raise ValueError("the report is of another model; evaluate this one first")
    compared = markdown(protocols.rows(results.get("protocols", {}), with_interval))
    return f"""# Model card

{RESEARCH_USE_STATEMENT}

**Model** `{manifest.model_id[:16]}`: Keras ResNet101V2 encoder, classification head, light U-Net decoder; int8 LiteRT,
input {manifest.input.size} x {manifest.input.size}. Classes: {", ".join(manifest.classes)}.
Code {manifest.source_revision[:12]}, data digest `{manifest.data_digest[:16]}`.

## Intended use

{USE}
## Data

{DATA}
Train and test part share no patient, where patients are known, and no picture. {calibration(manifest)}
{training(runs)}
## Figures on the {results["part"]} part, as served

Brackets hold 95% bootstrap intervals that draw groups, not slices: patients in LGG, single pictures on the web sets,
and runs of neighbouring slices in Cheng, whose readers are not told the patients: a patient has several runs, so
Cheng's intervals are somewhat too narrow. `lgg` is the file as a viewer shows it; `lgg_flair` and `lgg_post` are its
channels. Blank scans count as wrong, and are in no row by class.

{markdown(headline_rows(results))}

### Against the targets

{markdown(target_rows(results))}

### By class

{markdown(class_rows(results))}

### Three protocols, one model

The same weights, tested on the honest split and on the two that most published figures use. They were trained on the
train part of the first alone; a model trained by the flawed protocols themselves would have seen more of their tests.

{compared}

### Pictures that are no brain MR

{markdown(outsider_rows(results))}

## Known failures

{failures(results)}

## The shortcut in the data

{SHORTCUT}"""


def calibration(manifest: Manifest) -> str:
    """Where temperature and thresholds come from."""
    said = manifest.calibration
    honest = (
        "The starting weights had been trained on these scans, so certainty is overrated."
        if said.seen_by_weights
        else "The weights never saw them."
    )
    scope = manifest.scope
    checked = "" if scope is None else f" The scope check gives up {scope.held_out_beyond:.1%} of them."
    return (
        f"Temperature {manifest.temperature:.3f} and all thresholds come from {said.scans} scans ({said.split}). "
        f"{honest}{checked}"
    )


def training(runs: Sequence[Mapping[str, Any]]) -> str:
    """The hyperparameters, and the figures epoch by epoch: they show what more training would bring."""
    if not runs:
        return ""
    later = "Each run began with weights of the one before it. " if len(runs) > 1 else ""
    return f"""
## Training

{later}After each epoch: losses on the slices that it learned from, and figures of the averaged weights on validation
slices, `validation_slices` of them at most, on the network's own grid, where a run keeps any. They pick nothing: a run
ends by its epochs or its time, with its rate fallen. `score` is the mean of these figures, Cheng's counted twice.

![Losses and validation figures against the slices seen]({CURVE})
{"".join(_run(run, f"Run {number}") for number, run in enumerate(runs, start=1))}"""


def _run(run: Mapping[str, Any], title: str) -> str:
    settings = [f"`{name}` {value}" for name, value in run["settings"].items() if name != "weights"]
    names = [name for name in run["history"][-1] if name not in ("epoch", "slices", "seconds", "loss")]
    rows = [["slices seen", "machine hours", *(name.replace("_", " ") for name in names)]]
    rows += [
        [f"{epoch['slices']:,.0f}", number(epoch["seconds"] / 3600, 2), *(number(epoch.get(name), 3) for name in names)]
        for epoch in run["history"]
    ]
    limit, epochs = run["settings"]["time_limit"], run["settings"]["epochs"]
    return f"""
### {title}: {f"{limit:.0f} minutes" if limit else f"{len(run['history'])} of {epochs} epochs"}

{markdown(rows)}

Hyperparameters: {", ".join(settings)}.
"""


def target_rows(results: Mapping[str, Any]) -> list[list[str]]:
    """What was aimed at, what came out, and whether it was reached."""
    rows = [["target", "aim", "measured", "reached"]]
    for what, source, metric, goal, more in TARGETS:
        figures = results["all"] if source == "all" else results["sources"].get(source)
        if figures is None or not is_number(figures[metric]["value"]):
            continue
        value = figures[metric]["value"]
        reached = value >= goal if more else value <= goal
        rows.append(
            [what, f"{'>=' if more else '<='} {goal}", with_interval(figures[metric]), "yes" if reached else "no"]
        )
    return rows


def failures(results: Mapping[str, Any]) -> str:
    """The classes that are missed most, and small lesions, in words."""
    lines = []
    for name, source in results["sources"].items():
        recalls = {
            label: scores["recall"]
            for label, scores in source["per_class"].items()
            if scores["support"] and is_number(scores["recall"])
        }
        if recalls:
            worst = min(recalls, key=lambda label: recalls[label])
            lines.append(f"- {name}: of the {worst} slices, {1 - recalls[worst]:.0%} are called something else.")
        small = source["small_lesions_found"]
        if small["n"]:
            missed = 1 - small["value"]
            lines.append(f"- {name}: of {small['n']} lesions below 1% of the head, {missed:.0%} get no touching mask.")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.model_card", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("functions/analyze/model"), help="an artifact's folder")
    parser.add_argument("--report", type=Path, default=Path("out/report"), help="folder of training.evaluate's report")
    parser.add_argument(
        "--history",
        type=Path,
        nargs="+",
        default=[],
        help=f"history.json of the training, of each run in turn: it gets its own part, and its curve as {CURVE}",
    )
    parser.add_argument("--out", type=Path, default=Path("MODEL_CARD.md"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
