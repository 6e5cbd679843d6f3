"""Sheets of tiles, each a scan with the drawn and the found mask; and the list of the worst errors."""

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from brainscan.inference.manifest import Manifest
from training.datasets.samples import admissible_classes, read_gray, read_mask
from training.evaluation.evaluated import EvaluatedScan, mask_of, source_name
from training.evaluation.predictions import ServedPrediction

TILES: Final = 12
"""Scans of a sheet of good ones and of bad masks."""
WORST: Final = 50
"""Errors of class that are shown and listed."""
COLUMNS: Final = 6
TILE_PX: Final = 200
LINE_PX: Final = 18
DRAWN_COLOUR: Final = (0, 200, 90)
FOUND_COLOUR: Final = (255, 64, 0)
SUSPECTED_FROM: Final = 0.95
"""Confidence from which a contradicted label that no expert gave is suspected."""
NOTES: Final = Path(__file__).with_name("error_notes.csv")
"""What somebody who looked at a picture saw: a row a picture, by its file's digest."""
BY_CASE: Final = frozenset({"radiopaedia_44", "kaggle_sartaj", "br35h"})
"""Sets whose labels come from a folder or a whole case, not from a look at the slice."""


def loss(scan: EvaluatedScan) -> float:
    """Minus the logarithm of the probability of what the label admits."""
    named = scan.finding.probabilities or {}
    right = sum(chance for name, chance in named.items() if name in admissible_classes(scan.sample.label))
    return -math.log(max(right, 1e-6))


def worst(scans: Sequence[EvaluatedScan]) -> list[EvaluatedScan]:
    """The wrong ones with the largest loss, each file once; blank scans, which are abstained, left out."""
    wrong = [scan for scan in scans if not scan.correct and not scan.blank and scan.sample.view == "luma"]
    return sorted(wrong, key=loss, reverse=True)[:WORST]


def suspected_labels(scans: Sequence[EvaluatedScan]) -> list[EvaluatedScan]:
    """Of the sets that were labelled by folder or case, those that the model contradicts most surely."""
    return [scan for scan in worst(scans) if scan.sample.source in BY_CASE and scan.confidence >= SUSPECTED_FROM]


def notes(scans: Sequence[EvaluatedScan], path: Path = NOTES) -> list[tuple[str, str]]:
    """(pattern, a sentence) of each scan's picture; both empty of one that nobody looked at."""
    with path.open(newline="") as file:
        known = {row["picture"]: (row["pattern"], row["note"]) for row in csv.DictReader(file)}
    return [known.get(picture_digest(scan.sample.path), ("", "")) for scan in scans]


def picture_digest(path: Path) -> str:
    """The first 16 digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def patterns(scans: Sequence[EvaluatedScan]) -> list[tuple[str, int]]:
    """What the errors have in common: source, sequence, label and what was said, the most frequent first."""
    named = [
        f"{source_name(scan.sample)}, {scan.sample.sequence or 'sequence unknown'}: "
        f"{scan.sample.label} called {scan.predicted or 'nothing'}"
        for scan in scans
    ]
    return Counter(named).most_common()


def sheets(scans: Sequence[EvaluatedScan]) -> dict[str, list[EvaluatedScan]]:
    """Masks from the middle to the best, the worst masks, the worst classes."""
    masked = sorted((scan for scan in scans if scan.dice is not None), key=lambda scan: scan.dice or 0.0)
    spread = [masked[i] for i in np.linspace(len(masked) // 2, len(masked) - 1, TILES).astype(int)] if masked else []
    return {"successes": spread, "failures_mask": masked[:TILES], "failures_class": worst(scans)}


def sheet(
    scans: Sequence[EvaluatedScan], predictions: Mapping[tuple[str, str], ServedPrediction], manifest: Manifest
) -> Image.Image:
    """Tiles: the drawn mask's edge green, the found one's orange, label and class below. No name of a file.

    Args:
        scans: at least one.
        predictions: of each scan, by `key` of its sample.
        manifest: whose thresholds cut the masks.
    """
    rows = -(-len(scans) // COLUMNS)
    page = Image.new("RGB", (COLUMNS * TILE_PX, rows * (TILE_PX + LINE_PX)), "white")
    for place, scan in enumerate(scans):
        found = mask_of(predictions[key(scan)], manifest.thresholds)
        left, top = place % COLUMNS * TILE_PX, place // COLUMNS * (TILE_PX + LINE_PX)
        page.paste(_tile(scan, found), (left, top))
        text = f"{scan.sample.label} > {scan.predicted or 'blank'}"
        ImageDraw.Draw(page).text((left + 2, top + TILE_PX + 2), text, fill="black")
    return page


def key(each: EvaluatedScan | ServedPrediction) -> tuple[str, str]:
    """Names a file's view."""
    return str(each.sample.path), each.sample.view


def _tile(scan: EvaluatedScan, found: np.ndarray) -> Image.Image:
    picture = np.repeat(read_gray(scan.sample)[..., np.newaxis], 3, axis=2)
    for mask, colour in ((read_mask(scan.sample), DRAWN_COLOUR), (found, FOUND_COLOUR)):
        if mask is not None:
            picture[_edge(mask)] = colour
    tile = Image.fromarray(picture)
    tile.thumbnail((TILE_PX, TILE_PX))
    return tile


def _edge(mask: np.ndarray) -> np.ndarray:
    inner = mask.copy()
    inner[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return mask & ~inner
