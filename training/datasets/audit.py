"""`brainscan train audit`: what is in the data and what is wrong with it, as HTML and JSON."""

import argparse
import csv
import hashlib
import html
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image, ImageDraw

from training.datasets.duplicates import SAME, alike_pairs, mirrored, thumbnail
from training.datasets.readers import Reading, read_folder
from training.datasets.samples import CHENG, KAGGLE, Sample, admissible_classes, read_gray
from training.evaluation.tables import STYLE, table

SHEET_ROWS: Final = 24
TILE_PX: Final = 160


@dataclass(frozen=True, slots=True)
class Pair:
    """Two samples that show one picture."""

    first: Sample
    second: Sample
    correlation: float
    flipped: bool
    same_bytes: bool

    @property
    def across_splits(self) -> bool:
        """One side trains, the other tests, within one set."""
        same_set = self.first.source == self.second.source
        return same_set and {self.first.part, self.second.part} == {"train", "test"}

    @property
    def across_sources(self) -> bool:
        """The picture is in two sets."""
        return self.first.source != self.second.source

    @property
    def labels_conflict(self) -> bool:
        """Both labels cannot be right."""
        return not admissible_classes(self.first.label) & admissible_classes(self.second.label)


KINDS: Final[dict[str, Callable[[Pair], bool]]] = {
    "same bytes": lambda pair: pair.same_bytes,
    "mirrored": lambda pair: pair.flipped,
    "across splits": lambda pair: pair.across_splits,
    "across sources": lambda pair: pair.across_sources,
    "conflicting labels": lambda pair: pair.labels_conflict,
}


def main(arguments: Sequence[str]) -> int:
    """Audits folders; 2 if one has no known layout."""
    options = _parser().parse_args(arguments)
    try:
        summary = audit(options.data, options.out)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    for kind, count in summary["pairs"].items():
        print(f"{kind}: {count} pairs")
    print(f"report: {options.out / 'index.html'}")
    return 0


def audit(folders: Sequence[Path], out: Path) -> dict[str, Any]:
    """Reads all sets, compares every picture with every other, and writes `audit.json` and `index.html` into `out`.

    Raises:
        ValueError: a folder has no known layout.
    """
    reading = Reading()
    for folder in folders:
        reading.extend(read_folder(folder))
    pairs = list(same_pictures(reading.samples))
    summary = {
        "samples": len(reading.samples),
        "left_out": [{"path": str(left.path), "reason": left.reason} for left in reading.left_out],
        "counts": counts(reading.samples),
        "sequences": sequences(reading.samples),
        "truth": truth(reading.samples),
        "sizes": sizes(reading.samples),
        "pairs": {"all": len(pairs), **{kind: sum(map(fits, pairs)) for kind, fits in KINDS.items()}},
        "leaks": leaks(reading.samples, pairs),
        "conflicts": [_described(pair) for pair in pairs if pair.labels_conflict],
        "known_matches": known_matches(folders, pairs),
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "audit.json").write_text(json.dumps(summary, indent=1) + "\n")
    worst = sorted(pairs, key=lambda pair: (not pair.labels_conflict, not pair.across_splits, -pair.correlation))
    contact_sheet(worst[:SHEET_ROWS]).save(out / "worst.png")
    (out / "index.html").write_text(page(summary))
    return summary


def same_pictures(samples: Sequence[Sample]) -> Iterator[Pair]:
    """Every pair of samples that correlate by at least `SAME`, mirrored or not."""
    if not samples:
        return
    vectors = np.stack([thumbnail(read_gray(sample)) for sample in samples])
    flips = mirrored(vectors)
    digests = [hashlib.sha256(sample.path.read_bytes()).digest() for sample in samples]
    for i, j, correlation in alike_pairs(vectors, alike=SAME):
        flipped = float(vectors[i] @ vectors[j]) < float(vectors[i] @ flips[j])
        yield Pair(samples[i], samples[j], correlation, flipped, digests[i] == digests[j])


def counts(samples: Sequence[Sample]) -> dict[str, int]:
    """Slices by `source, part, label`."""
    tally = Counter(f"{sample.source}, {sample.part}, {sample.label}" for sample in samples)
    return dict(sorted(tally.items()))


def sequences(samples: Sequence[Sample]) -> dict[str, int]:
    """Slices by `source, sequence, plane`, as far as the sets tell."""
    tally = Counter(f"{s.source}, {s.sequence or 'unknown'}, {s.plane or 'unknown'}" for s in samples)
    return dict(sorted(tally.items()))


def truth(samples: Sequence[Sample]) -> dict[str, int]:
    """Slices by `source, what is known of the tumor's place`: a mask, boxes, nothing, or that there is none."""

    def known(sample: Sample) -> str:
        if sample.label == "no_tumor":
            return "no tumor"
        return "mask" if sample.mask is not None else "boxes" if sample.boxes else "place unknown"

    return dict(sorted(Counter(f"{sample.source}, {known(sample)}" for sample in samples).items()))


def sizes(samples: Sequence[Sample]) -> dict[str, int]:
    """Slices by the length of their longest side, `source, pixels` rounded down to 64."""
    tally: Counter[tuple[str, int]] = Counter()
    for sample in samples:
        tally[sample.source, max(read_gray(sample).shape) // 64 * 64] += 1
    return {f"{source}, from {side} px": count for (source, side), count in sorted(tally.items())}


def leaks(samples: Sequence[Sample], pairs: Sequence[Pair]) -> dict[str, dict[str, int]]:
    """For each set with its own test part: its test slices, and how many of them stand in its training part."""
    leaked: dict[str, set[Path]] = defaultdict(set)
    identical: dict[str, set[Path]] = defaultdict(set)
    for pair in pairs:
        if pair.across_splits:
            tested = pair.first if pair.first.part == "test" else pair.second
            leaked[tested.source].add(tested.path)
            if pair.same_bytes:
                identical[tested.source].add(tested.path)
    tests = Counter(sample.source for sample in samples if sample.part == "test")
    return {
        source: {"test": count, "in_training": len(leaked[source]), "same_bytes": len(identical[source])}
        for source, count in tests.items()
    }


def known_matches(folders: Sequence[Path], pairs: Sequence[Pair]) -> dict[str, float] | None:
    """Precision and recall of the Kaggle-Cheng pairs against `kaggle_matches.csv`, where a folder holds one."""
    listed = [path for folder in folders for path in folder.rglob("kaggle_matches.csv")]
    if not listed:
        return None
    with listed[0].open(newline="") as file:
        truth = {(row["kaggle_path"], row["cheng_id"]) for row in csv.DictReader(file)}
    found = set()
    for pair in pairs:
        by_source = {sample.source: sample for sample in (pair.first, pair.second)}
        if set(by_source) == {KAGGLE, CHENG} and not pair.flipped:
            kaggle = "/".join(by_source[KAGGLE].path.parts[-3:])
            found.add((kaggle, by_source[CHENG].path.stem))
    right = len(found & truth)
    return {
        "listed": len(truth),
        "found": len(found),
        "precision": right / len(found) if found else 0.0,
        "recall": right / len(truth) if truth else 0.0,
    }


def contact_sheet(pairs: Sequence[Pair]) -> Image.Image:
    """Pairs side by side, four a row, the labels below."""
    rows = max(1, -(-len(pairs) // 4))
    sheet = Image.new("RGB", (8 * TILE_PX + 30, rows * (TILE_PX + 16)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, pair in enumerate(pairs):
        left, top = place % 4 * (2 * TILE_PX + 10), place // 4 * (TILE_PX + 16)
        for offset, sample in ((0, pair.first), (TILE_PX, pair.second)):
            tile = Image.fromarray(read_gray(sample)).resize((TILE_PX - 4, TILE_PX - 4))
            sheet.paste(tile, (left + offset, top))
        text = f"{pair.first.source[:6]} {pair.first.label} | {pair.second.source[:6]} {pair.second.label}"
        draw.text((left, top + TILE_PX - 2), text, fill="black")
    return sheet


def page(summary: dict[str, Any]) -> str:
    """The audit as HTML."""
    pairs = [["pairs of one picture", "count"], *([kind, str(count)] for kind, count in summary["pairs"].items())]
    leaked = [["set", "test slices", "also in training", "byte for byte"]]
    leaked += [[name, *map(str, values.values())] for name, values in summary["leaks"].items()]
    known = summary["known_matches"]
    check = (
        ""
        if known is None
        else "<h2>Check against the known matches</h2>"
        + table([list(known), [f"{value:.4g}" for value in known.values()]])
    )
    parts = [
        ("Pairs", pairs),
        ("Leaks between training and test", leaked),
        ("Counts", [["source, part, label", "slices"], *([k, str(v)] for k, v in summary["counts"].items())]),
        (
            "Sequences and planes",
            [["source, sequence, plane", "slices"], *([k, str(v)] for k, v in summary["sequences"].items())],
        ),
        ("Truth", [["source, known", "slices"], *([k, str(v)] for k, v in summary["truth"].items())]),
        ("Sizes", [["longest side", "slices"], *([k, str(v)] for k, v in summary["sizes"].items())]),
        ("Left out", [["file", "reason"], *([left["path"], left["reason"]] for left in summary["left_out"])]),
        (
            "Conflicting labels",
            [
                ["first", "label", "second", "label"],
                *(list(conflict.values())[:4] for conflict in summary["conflicts"]),
            ],
        ),
    ]
    body = "".join(f"<h2>{html.escape(title)}</h2>{table(rows)}" for title, rows in parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Audit of the data</title><style>{STYLE}</style>'
        f"<h1>Audit of {summary['samples']} slices</h1>{check}<h2>The worst</h2>"
        f'<img src="worst.png" alt="pairs of one picture with conflicting labels or across splits">{body}</html>\n'
    )


def _described(pair: Pair) -> dict[str, Any]:
    return {
        "first": str(pair.first.path),
        "first_label": pair.first.label,
        "second": str(pair.second.path),
        "second_label": pair.second.label,
        "correlation": round(pair.correlation, 5),
        "flipped": pair.flipped,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.datasets.audit", description=__doc__)
    parser.add_argument("data", type=Path, nargs="+", help="folders of public sets as downloaded")
    parser.add_argument("--out", type=Path, default=Path("out/audit"))
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
