"""`python -m training.model_card`: MODEL_CARD.md from an artifact's manifest and the report of its evaluation."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.inference.manifest import Manifest
from training.card_text import DATA, EVIDENCE, FALLS_SHORT, HOSPITAL, ORIGIN, RUNS, SHORTCUT, USE
from training.evaluation import plots, protocols
from training.evaluation.tables import (
    class_rows,
    evidence_rows,
    headline_rows,
    is_number,
    markdown,
    number,
    operating_rows,
    other_tumor_rows,
    out_of_distribution_rows,
    series_rows,
    source_rows,
    stratum_rows,
    with_interval,
)
from training.evaluation.targets import facts, target_rows

CURVE: Final = "docs/training.png"
"""The curves of runs, seen from the card's folder."""
RUNS_FOLDER: Final = Path("docs/runs")
"""`history.json` of runs that were compared with the served weights."""


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
        runs: `history.json` of runs whose weights are not served, to compare with.

    Raises:
        ValueError: the report is of another model.
    """
    if results["model_id"] != manifest.model_id:
        raise ValueError("the report is of another model; evaluate this one first")
    beside = results.get("beside")
    return f"""# Model card

{RESEARCH_USE_STATEMENT}

**Model** `{manifest.model_id[:16]}`: Keras ResNet101V2 encoder, classification head, light U-Net decoder; int8 LiteRT,
input {manifest.input.size} x {manifest.input.size}. Classes: {", ".join(manifest.classes)}.
Code {manifest.source_revision[:12]}, data digest `{manifest.data_digest[:16]}`.

## Where it falls short

{FALLS_SHORT}

### Against the targets

{markdown(target_rows(facts(manifest, results)))}

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
channels. Blank scans count as wrong, and are in no row by class. Of a tumor outside the classes, any tumor is right.
{comparison_part(results)}
{markdown(stratum_rows("data set", results["sources"], beside and beside["sources"]))}

### Any tumor, and what a reader gets

{markdown(operating_rows(results, beside))}

{parts(results)}
### Series

A series is one patient, sequence and plane, called by the rule that the service applies to series. Of LGG every series
has a tumor. A false lesion is a run of neighbouring slices that the rule counts and that touches no drawn tumor. The
volume error compares summed areas of masks, without regard to its sign. Intervals draw patients. A series without a
tumor by the rule counts as called no tumor, also where the service abstains because most of its slices did.

{markdown(series_rows(results, beside))}

### By source, in full

{markdown(headline_rows(results))}

### By class

{markdown(class_rows(results))}

### Tumors outside the classes

{markdown(other_tumor_rows(results))}

{protocol_part(results)}### Pictures that are no brain MR

{markdown(out_of_distribution_rows(results))}

{attention_part(results)}## Known failures

{failures(results)}

{pattern_lines(results)}

## The shortcut in the data

{SHORTCUT}"""


def protocol_part(results: Mapping[str, Any]) -> str:
    """The comparison with the two usual protocols, where the evaluation made it."""
    if "protocols" not in results:
        return ""
    return f"""### Three protocols, one model

The same weights, tested on the honest split and on the two that most published figures use. They were trained on the
train part of the first alone; a model trained by the flawed protocols themselves would have seen more of their tests.

{markdown(protocols.rows(results["protocols"], with_interval))}

"""


def attention_part(results: Mapping[str, Any]) -> str:
    """Whether the class looks at the tumor, and at the hospital, where the evaluation asked."""
    evidence, told = results.get("evidence"), results.get("sources_told_apart")
    shown = ""
    if evidence:
        shown += f"""### Does it look at the tumor?

{EVIDENCE}
{markdown(evidence_rows(evidence))}

"""
    if told:
        shown += f"""### Does it know the hospital?

{HOSPITAL}
{markdown(source_rows(told))}

"""
    return shown


def comparison_part(results: Mapping[str, Any]) -> str:
    """What "before" means, where another model was measured beside."""
    if "beside" not in results:
        return ""
    other = results["beside"]
    return (
        f'\n"Before" is the model served before, `{other["model_id"][:16]}`, at {other["size"]} x {other["size"]},'
        " with its own constants.\n"
    )


def parts(results: Mapping[str, Any]) -> str:
    """A table for each thing that divides the scans."""
    beside = results.get("beside")
    return "\n".join(
        f"### By {title}\n\n{markdown(stratum_rows(title, strata, beside and beside['strata'][title]))}\n"
        for title, strata in results["strata"].items()
    )


def pattern_lines(results: Mapping[str, Any]) -> str:
    """What the worst errors have in common, the ten most frequent patterns as a list."""
    errors = sum(count for _, count in results["patterns"])
    head = (
        f"The patterns among the {errors} worst errors by loss, {results['suspected_labels']} of them on labels that a"
        " folder or a whole case gave and that may be wrong for the slice:"
    )
    lines = [f"{head}\n", *(f"- {count} x {name}" for name, count in results["patterns"][:10])]
    if results["seen_patterns"]:
        looked_at = sum(count for _, count in results["seen_patterns"])
        lines += [f"\nLooked at one by one, {looked_at} of the {errors}, without a radiologist:\n"]
        lines += [f"- {count} x {name}" for name, count in results["seen_patterns"]]
    return "\n".join(lines)


def calibration(manifest: Manifest) -> str:
    """Where temperature, thresholds and scope come from."""
    said = manifest.calibration
    origin = (
        f"Temperature {manifest.temperature:.3f} and all thresholds come from {said.scans} scans of {said.groups} "
        f"groups ({said.split}), which the weights never saw."
    )
    fair = (
        " The weights learned from the whole train part, so these constants are cross-fitted: every figure below is of"
        " one half of the groups with constants from the other half; what is shipped comes from both halves."
        if said.cross_fitted
        else ""
    )
    scope = manifest.scope
    checked = "" if scope is None else f" The scope check gives up {scope.beyond:.1%} of them."
    return f"{origin}{fair}{checked}"


def training(runs: Sequence[Mapping[str, Any]]) -> str:
    """Where the served weights come from, and other runs of the recipe: hyperparameters, and figures epoch by epoch."""
    if not runs:
        return f"\n{ORIGIN}"
    return f"""
{ORIGIN}
### Other runs of the recipe

{RUNS}
After each epoch: losses on the slices that it learned from, and figures of the averaged weights on validation
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
#### {title}: {f"{limit:.0f} minutes" if limit else f"{len(run['history'])} of {epochs} epochs"}

{markdown(rows)}

Hyperparameters: {", ".join(settings)}.
"""


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
            if recalls[worst] == 1:
                continue
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
        default=sorted(RUNS_FOLDER.glob("*.json")),
        help=f"history.json of runs to compare with, those of {RUNS_FOLDER}/ if not given: each gets its own part, "
        f"and its curve in {CURVE}",
    )
    parser.add_argument("--out", type=Path, default=Path("MODEL_CARD.md"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
