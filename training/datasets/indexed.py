"""Sets with an `index.csv`, which tells of each slice its label, mask or box, patient, sequence, plane and part."""

import csv
from pathlib import Path
from typing import Final, get_args

from training.datasets.samples import LABELS, Box, MrSequence, Part, Plane, Sample

INDEX: Final = "index.csv"
"""Columns: path, label, mask, box, group, sequence, plane, part, detail; paths are relative to the set's folder."""
PARTS: Final[dict[str, Part]] = {"train": "train", "test": "test"}
SEQUENCES: Final[dict[str, MrSequence]] = {name: name for name in get_args(MrSequence)}
PLANES: Final[dict[str, Plane]] = {name: name for name in get_args(Plane)}


def read_index(root: Path) -> list[Sample]:
    """The samples that `index.csv` in the set's folder `root` lists, in its order; the folder's name is the source.

    Raises:
        FileNotFoundError: there is no `index.csv`.
        ValueError: a row has an unknown label, part, sequence or plane, or a box that is none; the text names the row.
    """
    with (root / INDEX).open(newline="") as file:
        return [_from_row(root, row) for row in csv.DictReader(file)]


def read_boxes(text: str) -> tuple[Box, ...]:
    """`x0 y0 x1 y1`, several separated by `;` -> boxes in pixels of the file; none of an empty text.

    Raises:
        ValueError: not four numbers, or a box without area.
    """
    boxes = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        left, top, right, bottom = (float(number) for number in part.split())
        if left >= right or top >= bottom:
            raise ValueError(f"box {part!r} has no area")
        boxes.append(Box(left, top, right, bottom))
    return tuple(boxes)


def _from_row(root: Path, row: dict[str, str]) -> Sample:
    if row["label"] not in LABELS:
        raise ValueError(f"{root.name}/{INDEX}: unknown label in {row}")
    try:
        return Sample(
            path=root / row["path"],
            label=row["label"],
            mask=root / row["mask"] if row["mask"] else None,
            source=root.name,
            group=f"{root.name}/{row['group']}",
            part=PARTS[row["part"]],
            sequence=SEQUENCES[row["sequence"]] if row["sequence"] else None,
            plane=PLANES[row["plane"]] if row["plane"] else None,
            boxes=read_boxes(row["box"]),
            detail=row["detail"],
        )
    except (KeyError, ValueError) as error:
        raise ValueError(f"{root.name}/{INDEX}: {error} in {row}") from None
