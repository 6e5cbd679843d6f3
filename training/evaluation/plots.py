"""The report's plots, as PNG files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brainscan.domain import CLASSES
from training.evaluation import metrics
from training.evaluation.evaluated import EvaluatedScan

mpl.use("Agg")
DPI = 110
STROKES: Final = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 4)))
"""Of the curves of one run after another."""
COLORS = mpl.colormaps["tab20"]
"""Of the figures of one run."""


def draw_all(
    folder: Path, by_source: Mapping[str, Sequence[EvaluatedScan]], scans: Sequence[EvaluatedScan]
) -> list[str]:
    """Writes every plot into `folder` and returns the file names."""
    plots = {
        "confusion.png": confusion(by_source),
        "reliability.png": reliability(by_source),
        "selective.png": selective(by_source),
        "dice.png": dice_by_size(by_source),
        "scope.png": distances(scans),
    }
    for name, figure in plots.items():
        figure.savefig(folder / name, dpi=DPI, bbox_inches="tight")
    return list(plots)


def confusion(by_source: Mapping[str, Sequence[EvaluatedScan]]) -> Figure:
    """A table of counts for each source."""
    figure = Figure(figsize=(3.2 * len(by_source), 3.4))
    for axes, (name, scans) in zip(_row(figure, len(by_source)), by_source.items(), strict=True):
        table = metrics.confusion(scans)
        axes.imshow(table / np.maximum(table.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(table):
            axes.text(column, row, str(count), ha="center", va="center", fontsize=8)
        axes.set(title=name, xlabel="predicted", xticks=range(4), yticks=range(4))
        axes.set_xticklabels(CLASSES, rotation=45, ha="right", fontsize=7)
        axes.set_yticklabels(CLASSES, fontsize=7)
    return figure


def reliability(by_source: Mapping[str, Sequence[EvaluatedScan]]) -> Figure:
    """Accuracy against confidence, the size of a dot growing with its scans."""
    figure = Figure(figsize=(4.5, 4.2))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="gray", linewidth=1)
    for name, scans in by_source.items():
        bins = metrics.reliability(scans)
        if bins:
            sure, right, count = zip(*bins, strict=True)
            axes.scatter(sure, right, s=[8 + n / 4 for n in count], label=name, alpha=0.7)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0.2, 1.02), ylim=(0, 1.05), title="Reliability")
    axes.legend(fontsize=7)
    return figure


def selective(by_source: Mapping[str, Sequence[EvaluatedScan]]) -> Figure:
    """Accuracy of what is answered against the share that is not."""
    figure = Figure(figsize=(4.5, 4.2))
    axes = figure.subplots()
    for name, scans in by_source.items():
        abstained, right = zip(*metrics.selective(scans), strict=True)
        axes.plot(abstained, right, label=name)
    axes.set(xlabel="share abstained", ylabel="accuracy on the rest", title="Selective accuracy")
    axes.legend(fontsize=7)
    return figure


def dice_by_size(by_source: Mapping[str, Sequence[EvaluatedScan]]) -> Figure:
    """Dice of each tumor scan against the size of its tumor."""
    figure = Figure(figsize=(4.5, 4.2))
    axes = figure.subplots()
    for name, scans in by_source.items():
        points = [(scan.truth_share, scan.dice) for scan in scans if scan.truth_share and scan.dice is not None]
        if points:
            shares, dices = zip(*points, strict=True)
            axes.scatter(shares, dices, s=5, alpha=0.5, label=name)
    axes.set(xscale="log", xlabel="tumor's share of the head", ylabel="Dice", title="Masks by tumor size")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)
    return figure


def distances(scans: Sequence[EvaluatedScan]) -> Figure:
    """Distances of the scope check."""
    figure = Figure(figsize=(4.5, 4.2))
    axes = figure.subplots()
    values = [scan.distance for scan in scans if scan.distance is not None]
    if values:
        axes.hist(values, bins=60)
    axes.set(xlabel="distance from the training scans, in units of the threshold", ylabel="scans", title="Scope check")
    return figure


def learning(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Losses and validation figures against the slices seen, each run (`history.json`) in a stroke of its own."""
    figure = Figure(figsize=(11.0, 4.0))
    losses, validation = figure.subplots(1, 2)
    names = list(
        dict.fromkeys(name for run in runs for name in run["history"][-1] if name.endswith(("_accuracy", "_dice")))
    )
    for number, run in enumerate(runs):
        epochs = run["history"]
        seen = [epoch["slices"] for epoch in epochs]
        for axes, drawn in ((losses, ["cls_loss", "seg_loss"]), (validation, names)):
            for color, name in enumerate(drawn):
                values = [epoch.get(name, np.nan) for epoch in epochs]
                what = name.replace("_", " ")
                label = f"run {number + 1}: {what}" if axes is losses else what if number == 0 else None
                stroke, shade = STROKES[number % len(STROKES)], COLORS(color % COLORS.N)
                axes.plot(seen, values, linestyle=stroke, marker=".", color=shade, label=label)
    losses.set(xlabel="slices seen", ylabel="training loss", title="What it learns from")
    validation.set(xlabel="slices seen", ylabel="accuracy, Dice", ylim=(0, 1), title="Validation slices")
    losses.legend(fontsize=7)
    if names:
        validation.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _row(figure: Figure, count: int) -> list[Axes]:
    return list(np.atleast_1d(figure.subplots(1, count)))
