"""Writes an evaluation down: metrics.json, plots, galleries, the worst errors and `index.html`."""

import csv
import html
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.inference.manifest import Manifest
from training.evaluation import gallery, plots, protocols
from training.evaluation.evaluated import EvaluatedScan, source_name
from training.evaluation.predictions import ServedPrediction
from training.evaluation.strata import STRATA, divide
from training.evaluation.tables import (
    STYLE,
    class_rows,
    evidence_rows,
    headline_rows,
    number,
    operating_rows,
    other_tumor_rows,
    out_of_distribution_rows,
    series_rows,
    source_rows,
    stratum_rows,
    table,
    with_interval,
    without_nan,
)

WORST_FILE = "worst.csv"
"""The worst errors, one a row."""
SUSPECTED_FILE = "suspected_labels.csv"
"""Those of them whose label is suspected, apart."""


def write(
    folder: Path,
    results: dict[str, Any],
    scans: Sequence[EvaluatedScan],
    predictions: Sequence[ServedPrediction],
    manifest: Manifest,
) -> None:
    """Writes the report into `folder`, which is made if absent.

    Args:
        folder: gets `metrics.json`, `index.html`, `worst.csv`, `suspected_labels.csv` and the pictures that the page
            shows.
        results: of `training.evaluate`; gets the errors' patterns.
        scans: what the results are of.
        predictions: what the scans were evaluated from.
        manifest: of the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    worst = gallery.worst(scans)
    results["patterns"] = gallery.patterns(worst)
    seen = Counter(pattern for pattern, _ in gallery.notes(worst) if pattern)
    results["seen_patterns"] = seen.most_common()
    suspected = gallery.suspected_labels(scans)
    results["suspected_labels"] = len(suspected)
    (folder / "metrics.json").write_text(json.dumps(without_nan(results), indent=1) + "\n")
    write_worst(folder / WORST_FILE, worst, suspected)
    write_worst(folder / SUSPECTED_FILE, suspected, suspected)
    pictures = plots.draw_all(folder, divide(scans, STRATA["data set"]), scans)
    by_key = {gallery.key(prediction): prediction for prediction in predictions}
    for title, chosen in gallery.sheets(scans).items():
        if chosen:
            gallery.sheet(chosen, by_key, manifest).save(folder / f"{title}.png")
            pictures.append(f"{title}.png")
    (folder / "index.html").write_text(page(results, pictures))


def write_worst(path: Path, worst: Sequence[EvaluatedScan], suspected: Sequence[EvaluatedScan]) -> None:
    """The worst errors as CSV, the largest loss first, those with a suspected label marked."""
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["source", "file", "sequence", "plane", "label", "called", "confidence", "loss", "suspected", "note"]
        )
        for scan, (pattern, note) in zip(worst, gallery.notes(worst), strict=True):
            sample = scan.sample
            place = [source_name(sample), sample.path.name, sample.sequence, sample.plane]
            said = [sample.label, scan.predicted, f"{scan.confidence:.3f}", f"{gallery.loss(scan):.2f}"]
            rows.writerow([*place, *said, scan in suspected, f"{pattern}: {note}" if pattern else ""])


def headline(results: Mapping[str, Any]) -> str:
    """Accuracy and Dice of each source, a line each, the other model's in brackets."""
    beside = results.get("beside")
    lines = []
    for name, source in results["sources"].items():
        figures = ["accuracy {}, Dice {}".format(*_headline_figures(source))]
        if beside is not None:
            figures.append("(beside: {}, {})".format(*_headline_figures(beside["sources"][name])))
        lines.append(f"{name}: {' '.join(figures)}")
    return "\n".join(lines)


def _headline_figures(source: Mapping[str, Any]) -> tuple[str, str]:
    return number(source["accuracy"]["value"], 3), number(source["dice"]["value"], 3)


def page(results: Mapping[str, Any], pictures: Sequence[str]) -> str:
    """The report as HTML."""
    beside = results.get("beside")
    compared = protocols.rows(results.get("protocols", {}), with_interval)
    protocol_table = f"<h2>Three protocols</h2>{table(compared)}" if len(compared) > 1 else ""
    shown = "\n".join(f'<h3>{name.split(".")[0]}</h3><img src="{name}" alt="{name}">' for name in pictures)
    other = "" if beside is None else f", beside model {html.escape(beside['model_id'][:12])} (before)"
    strata = "".join(
        table(stratum_rows(title, parts, beside and beside["strata"][title]))
        for title, parts in results["strata"].items()
    )
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>brainscan evaluation</title>
<style>{STYLE}</style><h1>Evaluation of a brainscan model</h1>
<p class="note">{html.escape(RESEARCH_USE_STATEMENT)} Model {html.escape(results["model_id"][:12])}, as
{html.escape(results["artifact"])}, on the {html.escape(results["part"])} part{other}. Brackets hold 95% bootstrap
intervals that draw groups (patients, or runs of near-duplicate slices where patients are unknown), not slices.</p>
<h2>Sources</h2>{table(headline_rows(results))}
{table(stratum_rows("data set", results["sources"], beside and beside["sources"]))}
<h2>Any tumor, and what a reader gets</h2>{table(operating_rows(results, beside))}
<h2>Parts</h2>{strata}
<h2>Series</h2>{table(series_rows(results, beside))}
{protocol_table}<h2>Classes</h2>{table(class_rows(results))}
<h2>Tumors outside the classes</h2>{table(other_tumor_rows(results))}
<h2>Pictures that are no brain MR</h2>{table(out_of_distribution_rows(results))}
<h2>Evidence for the class, and the drawn tumor</h2>{table(evidence_rows(results.get("evidence", {})))}
<h2>Data sets told apart by the features</h2>{table(source_rows(results.get("sources_told_apart", {})))}
<h2>The worst errors</h2>{_pattern_list(results)}
<h2>Plots</h2>{shown}</html>
"""


def _pattern_list(results: Mapping[str, Any]) -> str:
    listed = [*results.get("seen_patterns", []), *results.get("patterns", [])]
    return table([["pattern", "errors"], *([name, str(count)] for name, count in listed)])
