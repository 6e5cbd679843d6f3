"""Public data sets, as their users download them, -> one list of samples with label, mask, source and patient."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import h5py
import numpy as np
import numpy.typing as npt
from PIL import Image

from brainscan.domain import CLASSES

Part = Literal["train", "test", "all"]
View = Literal["luma", "flair", "post"]

ANY_TUMOR: Final = "tumor"
"""Label of a scan that shows a tumor of unknown type."""
LABELS: Final = (*(str(name) for name in CLASSES), ANY_TUMOR)

LGG: Final = "lgg_kaggle_3m"
CHENG: Final = "cheng_figshare"
KAGGLE: Final = "kaggle_sartaj"
BR35H: Final = "br35h"

CHANNELS: Final[dict[str, int]] = {"flair": 1, "post": 2}
"""Where the colour files of the LGG set keep their sequences; 0 is pre-contrast, which it often repeats."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One slice with what is known of it.

    `label` is a class name or `ANY_TUMOR`; `mask` is None where nobody drew one; `group` names what must not be
    torn apart by a split (a patient, or several where the set does not tell); `view` says which gray image of a
    colour file is meant: its luma, as a viewer shows it, or one channel.
    """

    path: Path
    label: str
    mask: Path | None
    source: str
    group: str
    part: Part = "all"
    view: View = "luma"

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
        return _figshare(sample.mask, "tumorMask") > 0
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
    return Sample(sample.path, sample.label, sample.mask, sample.source, sample.group, sample.part, view)
