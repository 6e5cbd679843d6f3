"""Writes an evaluation down: metrics.json, plots, a gallery and `index.html`."""

import html
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from PIL import Image, ImageDraw

from brainscan.domain import CLASSES, RESEARCH_USE_STATEMENT
from brainscan.inference.manifest import Manifest
from brainscan.inference.runtime import Prediction
from training.datasets.samples import read_gray, read_mask
from training.evaluation import plots, protocols
from training.evaluation.cases import Case
from training.evaluation.served import answers, source_name

GALLERY: Final = 12
"""Scans of each gallery."""
TILE_PX: Final = 200
DRAWN_COLOUR: Final = (0, 200, 90)
FOUND_COLOUR: Final = (255, 64, 0)

STYLE: Final = """body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}
table{border-collapse:collapse;margin:1rem 0}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:right}
td:first-child,th:first-child{text-align:left}img{max-width:100%}.note{color:#666}"""


class Served(Protocol):
    """What the gallery needs of a network."""

    manifest: Manifest

    def run(self, batch: np.ndarray) -> Prediction:
        """(B, N, N, 1) -> what the network says."""


def write(folder: Path, results: Mapping[str, Any], cases: Sequence[Case], network: Served) -> None:
    """Writes the report into `folder`, which is made if absent.

    Args:
        folder: gets `metrics.json`, `index.html` and the pictures that it shows.
        results: of `evaluate.main`.
        cases: what the results are of.
        network: draws the gallery's masks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text(json.dumps(without_nan(results), indent=1) + "\n")
    by_source: dict[str, list[Case]] = {}
    for case in cases:
        by_source.setdefault(source_name(case.sample), []).append(case)
    pictures = plots.draw_all(folder, by_source, cases)
    for title, chosen in galleries(cases).items():
        if chosen:
            gallery(chosen, network).save(folder / f"{title}.png")
            pictures.append(f"{title}.png")
    (folder / "index.html").write_text(page(results, pictures))


def galleries(cases: Sequence[Case]) -> dict[str, list[Case]]:
    """Best and worst masks, and the surest wrong classes."""
    masked = sorted((case for case in cases if case.dice is not None), key=lambda case: case.dice or 0.0)
    spread = [masked[i] for i in np.linspace(len(masked) // 2, len(masked) - 1, GALLERY).astype(int)] if masked else []
    wrong = sorted((case for case in cases if not case.correct), key=lambda case: -case.confidence)
    return {"successes": spread, "failures_mask": masked[:GALLERY], "failures_class": wrong[:GALLERY]}


def gallery(cases: Sequence[Case], network: Served) -> Image.Image:
    """Tiles of scans: the drawn mask's edge green, the found one's orange, the class below. No name of a file."""
    columns = 6
    rows = -(-len(cases) // columns)
    sheet = Image.new("RGB", (columns * TILE_PX, rows * (TILE_PX + 18)), "white")
    tiles = answers([case.sample for case in cases], network.run, network.manifest.input.size)
    for place, answer in enumerate(tiles):
        pixels, drawn = read_gray(answer.sample), read_mask(answer.sample)
        picture = np.repeat(pixels[..., np.newaxis], 3, axis=2)
        for mask, colour in ((drawn, DRAWN_COLOUR), (answer.mask(network.manifest.thresholds), FOUND_COLOUR)):
            if mask is not None:
                picture[_edge(mask)] = colour
        tile = Image.fromarray(picture)
        tile.thumbnail((TILE_PX, TILE_PX))
        left, top = place % columns * TILE_PX, place // columns * (TILE_PX + 18)
        sheet.paste(tile, (left, top))
        said = "blank" if answer.cls is None else CLASSES[int(answer.cls.argmax())]
        ImageDraw.Draw(sheet).text((left + 2, top + TILE_PX + 2), f"{answer.sample.label} > {said}", fill="black")
    return sheet


def page(results: Mapping[str, Any], pictures: Sequence[str]) -> str:
    """The report as HTML."""
    compared = protocols.rows(results.get("protocols", {}), with_interval)
    protocol_table = f"<h2>Three protocols</h2>{table(compared)}" if len(compared) > 1 else ""
    shown = "\n".join(f'<h3>{name.split(".")[0]}</h3><img src="{name}" alt="{name}">' for name in pictures)
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>brainscan evaluation</title>
<style>{STYLE}</style><h1>Evaluation of a brainscan model</h1>
<p class="note">{html.escape(RESEARCH_USE_STATEMENT)} Model {html.escape(results["model_id"][:12])}, as
{html.escape(results["artifact"])}, on the {html.escape(results["part"])} part. Brackets hold 95% bootstrap intervals
that draw groups (patients, or runs of near-duplicate slices where patients are unknown), not slices.</p>
<h2>Sources</h2>{table(headline_rows(results))}
{protocol_table}<h2>Classes</h2>{table(class_rows(results))}
<h2>Pictures that are no brain MR</h2>{table(outsider_rows(results))}
<h2>Plots</h2>{shown}</html>
"""


def headline_rows(results: Mapping[str, Any]) -> list[list[str]]:
    """One row a source, with a header."""
    names = (
        "accuracy",
        "dice",
        "iou",
        "sensitivity",
        "specificity",
        "calibration_error",
        "small_lesions_found",
        "abstained",
    )
    rows = [["source", "scans", "groups", *(name.replace("_", " ") for name in names), "Hausdorff 95 px"]]
    for name, source in [*results["sources"].items(), ("all files", results["all"])]:
        cells = [with_interval(source[metric]) for metric in names]
        rows.append([name, str(source["scans"]), str(source["patients"]), *cells, number(source["hausdorff_95_px"], 1)])
    return rows


def class_rows(results: Mapping[str, Any]) -> list[list[str]]:
    """Precision, recall, F1 and area under the curve by source and class."""
    rows = [["source, class", "precision", "recall", "F1", "ROC-AUC", "scans"]]
    for name, source in results["sources"].items():
        for label, scores in source["per_class"].items():
            if scores["support"]:
                values = [number(scores[key], 3) for key in ("precision", "recall", "f1")]
                area = number(source["roc_auc"].get(label, math.nan), 3)
                rows.append([f"{name}, {label}", *values, area, f"{scores['support']:.0f}"])
    return rows


def outsider_rows(results: Mapping[str, Any]) -> list[list[str]]:
    """How many pictures of each kind were refused."""
    rows = [["kind", "pictures", "got no answer", "by the scope check"]]
    for kind, tally in results["outsiders"].items():
        rows.append([kind, *(f"{tally[key]:.0f}" for key in ("pictures", "refused", "out_of_scope"))])
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


def _edge(mask: np.ndarray) -> np.ndarray:
    inner = mask.copy()
    inner[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return mask & ~inner
