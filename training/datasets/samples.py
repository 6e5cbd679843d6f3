"""Public data sets, as their users download them, -> one list of samples with label, mask, source and patient."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt
from PIL import Image

from brainscan.domain import CLASSES

Part = Literal["train", "test", "all"]
View = Literal["luma", "flair", "post"]
MrSequence = Literal["T1", "T1C", "T2", "FLAIR", "PD"]
"""T1C is contrast-enhanced."""
Plane = Literal["axial", "coronal", "sagittal"]

ANY_TUMOR: Final = "tumor"
"""Label of a scan that shows a tumor of unknown type."""
OTHER_TUMOR: Final = "other_tumor"
"""Label of a scan that shows a mass outside the classes: of the classes, any tumor is nearer than no tumor."""
LABELS: Final = (*(str(name) for name in CLASSES), ANY_TUMOR, OTHER_TUMOR)

LGG: Final = "lgg_kaggle_3m"
CHENG: Final = "cheng_figshare"
KAGGLE: Final = "kaggle_sartaj"
BR35H: Final = "br35h"

CHANNELS: Final[dict[str, int]] = {"flair": 1, "post": 2}
"""Where the colour files of the LGG set keep their sequences; 0 is pre-contrast, which it often repeats."""
VIEW_SEQUENCES: Final[dict[View, MrSequence]] = {"flair": "FLAIR", "post": "T1C"}


class Box(NamedTuple):
    """A rectangle round a tumor, in pixels of the file, right and bottom edge outside it."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Sample:
    """One slice with what is known of it.

    `label` is one of `LABELS`; `mask` is None where nobody drew one; `group` names what must not be torn apart by a
    split (a patient, or several where the set does not tell); `view` says which gray image of a colour file is meant:
    its luma, as a viewer shows it, or one channel; `sequence` and `plane` are None where the set does not tell;
    `boxes` hold all that is tumor, where there are any; `detail` is the source's own class.
    """

    path: Path
    label: str
    mask: Path | None
    source: str
    group: str
    part: Part = "all"
    view: View = "luma"
    sequence: MrSequence | None = None
    plane: Plane | None = None
    boxes: tuple[Box, ...] = ()
    detail: str = ""

    @property
    def mask_known(self) -> bool:
        """Whether every pixel's truth is known: somebody drew a mask, or there is no tumor to draw."""
        return self.mask is not None or self.label == "no_tumor"


def read_splits(root: Path) -> list[Sample]:
    """The samples that `splits.csv` under `root` lists, in its order, LGG files once, as luma.

    Args:
        root: the folder that holds `splits.csv` (columns path, label, mask, part) and what its paths point to.

    Raises:
        FileNotFoundError: there is no `splits.csv`.
        ValueError: a row has an unknown label or part.
    """
    patients = cheng_groups(root / CHENG / "slices.csv")
    with (root / "splits.csv").open(newline="") as file:
        return [_from_row(root, row, patients) for row in csv.DictReader(file)]


def with_views(samples: list[Sample]) -> list[Sample]:
    """The same list, each LGG file followed by its FLAIR and its post-contrast channel as gray images of their own."""
    views: list[Sample] = []
    for sample in samples:
        views.append(sample)
        if sample.source == LGG:
            views.extend(_as_view(sample, view) for view in ("flair", "post"))
    return views


def admissible_classes(label: str) -> frozenset[str]:
    """The classes that may be right where `label` is given: its own, or every tumor's."""
    names = {str(name) for name in CLASSES}
    return frozenset(names - {"no_tumor"} if label in (ANY_TUMOR, OTHER_TUMOR) else names & {label})


def read_gray(sample: Sample) -> npt.NDArray[np.uint8]:
    """(rows, columns) of the sample's view; a colour file's luma unless the view names a channel.

    Figshare's 16-bit slices are brought linearly from [minimum, maximum] to 8 bits, as `prepare` would.

    Raises:
        OSError: the file is missing or damaged.
    """
    if sample.path.suffix == ".mat":
        values = _figshare(sample.path, "image").astype(np.float64)
        span = max(float(np.ptp(values)), 1.0)
        return np.round((values - values.min()) * (255 / span)).astype(np.uint8)
    with Image.open(sample.path) as image:
        if sample.view == "luma":
            return np.asarray(image.convert("L"))
        return np.asarray(image.convert("RGB"))[..., CHANNELS[sample.view]]


def read_mask(sample: Sample) -> npt.NDArray[np.bool_] | None:
    """(rows, columns), True on tumor; None where no mask was drawn.

    Raises:
        OSError: the file is missing or damaged.
    """
    if sample.mask is None:
        return None
    if sample.mask.suffix == ".mat":
        return _figshare(sample.mask, "tumorMask").astype(bool)
    with Image.open(sample.mask) as image:
        return np.asarray(image.convert("L")) > 127


def _figshare(path: Path, name: str) -> npt.NDArray[np.generic]:
    """An array of `cjdata`; MATLAB stores columns first, so it comes transposed."""
    with h5py.File(path) as file:
        return np.asarray(file["cjdata"][name]).T


def _from_row(root: Path, row: dict[str, str], groups: dict[str, str]) -> Sample:
    if row["label"] not in LABELS or row["part"] not in ("train", "test"):
        raise ValueError(f"splits.csv: unknown label or part in {row}")
    path = root / row["path"]
    source = Path(row["path"]).parts[0]
    # Where nobody knows the patients, a file is a group of its own: by its path, because names repeat among folders.
    group = {CHENG: groups.get(path.stem, path.stem), LGG: path.parent.name}.get(source, row["path"])
    return Sample(
        path=path,
        label=row["label"],
        mask=root / row["mask"] if row["mask"] else None,
        source=source,
        group=f"{source}/{group}",
        part="train" if row["part"] == "train" else "test",
        sequence="T1C" if source == CHENG else None,
        plane="axial" if source == LGG else None,
    )


def cheng_groups(slices_csv: Path) -> dict[str, str]:
    """Slice id -> run of neighbouring ids with one label and one fold.

    The set's readers are told the fold of a slice, not its patient. A run is mostly one patient, but a patient has
    several: there are more runs than patients. Only whole folds divide patients for certain.
    """
    if not slices_csv.exists():
        return {}
    with slices_csv.open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["id"]))
    groups: dict[str, str] = {}
    run, before = 0, ("", "")
    for row in rows:
        key = (row["label"], row["author_fold"])
        run += key != before
        before = key
        groups[row["id"]] = f"fold{row['author_fold']}-run{run}"
    return groups


def _as_view(sample: Sample, view: View) -> Sample:
    return replace(sample, view=view, sequence=VIEW_SEQUENCES[view])
