"""Each public set in the layout that its users download, -> samples; what does not fit is listed and left out."""

import csv
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import h5py
import numpy as np
from PIL import Image

from training.datasets.indexed import INDEX, read_index
from training.datasets.samples import BR35H, CHENG, KAGGLE, LABELS, LGG, Part, Sample, cheng_groups

IMAGE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp")
KAGGLE_FOLDERS: Final = {
    "glioma_tumor": "glioma",
    "meningioma_tumor": "meningioma",
    "no_tumor": "no_tumor",
    "pituitary_tumor": "pituitary",
}
FIGSHARE_LABELS: Final = {1: "meningioma", 2: "glioma", 3: "pituitary"}
"""`cjdata/label` of the figshare files."""


@dataclass(frozen=True, slots=True)
class ExcludedFile:
    """A file that is in no sample, and why."""

    path: Path
    reason: str


@dataclass
class Reading:
    """What a folder holds: usable samples, and every file that looked like one but is not."""

    samples: list[Sample] = field(default_factory=list)
    left_out: list[ExcludedFile] = field(default_factory=list)

    def extend(self, other: "Reading") -> None:
        """Take over everything of another reading."""
        self.samples.extend(other.samples)
        self.left_out.extend(other.left_out)


def read_folder(root: Path) -> Reading:
    """Reads a set by its layout: one of `LAYOUTS`, or a folder that holds several of them.

    Raises:
        ValueError: the folder cannot be read, or neither it nor any folder in it has a known layout.
    """
    if not _is_listable(root):
        raise ValueError(f"{root} is no folder, or cannot be read")
    reading = _read(root)
    below = (Path(folder, name) for folder, names, _ in os.walk(root) for name in sorted(names))
    reading.left_out.extend(ExcludedFile(path, "cannot be read") for path in below if not _is_listable(path))
    return reading


def _read(root: Path) -> Reading:
    """Reads a folder, but for folders in it that cannot be read."""
    for fits, read in LAYOUTS:
        if fits(root):
            return read(root)
    reading = Reading()
    folders = _folders(root)
    known = [folder for folder in folders if any(fits(folder) for fits, _ in LAYOUTS)]
    if not known:
        raise ValueError(f"{root} has no known layout: index.csv, Kaggle, .mat, images with masks, LGG, Br35H")
    for folder in folders:
        if folder in known:
            reading.extend(_read(folder))
        else:
            reading.left_out.append(ExcludedFile(folder, "no known layout"))
    return reading


def read_kaggle(root: Path) -> Reading:
    """`{Training,Testing}/{glioma,meningioma,pituitary}_tumor/`, `no_tumor/`; patients are unknown."""
    reading = Reading()
    parts: tuple[tuple[str, Part], ...] = (("Training", "train"), ("Testing", "test"))
    for folder, part in parts:
        for name in (path.name for path in _folders(root / folder)):
            for path in _files(root / folder / name):
                if name not in KAGGLE_FOLDERS:
                    reading.left_out.append(ExcludedFile(path, f"folder {name} names no known class"))
                    continue
                group = f"{KAGGLE}/{folder}/{name}/{path.stem}"
                _keep(reading, Sample(path, KAGGLE_FOLDERS[name], None, KAGGLE, group, part))
    return reading


def read_figshare(root: Path) -> Reading:
    """`N.mat` (HDF5, `cjdata`: image, label, PID, tumorMask), in the folder or below it."""
    reading = Reading()
    for path in sorted(root.rglob("*.mat")):
        try:
            with h5py.File(path) as file:
                data = file["cjdata"]
                label = FIGSHARE_LABELS[int(np.asarray(data["label"]).item())]
                patient = hashlib.sha256(np.asarray(data["PID"]).tobytes()).hexdigest()[:16]
                if data["image"].shape != data["tumorMask"].shape:
                    raise ValueError("mask and image differ in size")
        except (OSError, KeyError, ValueError) as error:
            reading.left_out.append(ExcludedFile(path, f"no figshare slice: {error}"))
            continue
        reading.samples.append(Sample(path, label, path, CHENG, f"{CHENG}/{patient}", sequence="T1C"))
    return reading


def read_images_masks(root: Path) -> Reading:
    """`images/N.*`, `masks/N.png` and `slices.csv` with columns id, label and author_fold."""
    reading = Reading()
    groups = cheng_groups(root / "slices.csv")
    images = {path.stem: path for path in _files(root / "images")}
    with (root / "slices.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            path, mask = images.pop(row["id"], None), root / "masks" / f"{row['id']}.png"
            if path is None:
                reading.left_out.append(ExcludedFile(root / "images" / row["id"], "listed, but not there"))
                continue
            group = f"{CHENG}/{groups[row['id']]}"
            _keep(reading, Sample(path, row["label"], mask, CHENG, group, sequence="T1C"))
    reading.left_out.extend(ExcludedFile(path, "not listed in slices.csv") for path in images.values())
    return reading


def read_lgg(root: Path) -> Reading:
    """`PATIENT/SLICE.tif` or `.jpg` with `SLICE_mask.*` beside it; the label is whether the mask is empty."""
    reading = Reading()
    for folder in _folders(root):
        masks = {path.stem.removesuffix("_mask"): path for path in _files(folder) if path.stem.endswith("_mask")}
        for path in _files(folder):
            if path.stem.endswith("_mask"):
                continue
            mask = masks.get(path.stem)
            if mask is None:
                reading.left_out.append(ExcludedFile(path, "no mask beside it"))
                continue
            label = "glioma" if _any_tumor(mask) else "no_tumor"
            _keep(reading, Sample(path, label, mask, LGG, f"{LGG}/{folder.name}", plane="axial"))
    return reading


def read_indexed(root: Path) -> Reading:
    """`index.csv`, and what it lists beside it; the folder's name is the source.

    Raises:
        ValueError: a row makes no sense.
    """
    reading = Reading()
    for sample in read_index(root):
        _keep(reading, sample)
    return reading


def read_br35h(root: Path) -> Reading:
    """`yes/` and `no/`; the tumors' types and the patients are unknown."""
    reading = Reading()
    for folder, label in (("yes", "tumor"), ("no", "no_tumor")):
        for path in _files(root / folder):
            _keep(reading, Sample(path, label, None, BR35H, f"{BR35H}/{folder}/{path.stem}"))
    return reading


def _keep(reading: Reading, sample: Sample) -> None:
    """Adds a sample if its files can be decoded and fit each other."""
    fault = _fault(sample)
    if fault is None:
        reading.samples.append(sample)
    else:
        reading.left_out.append(ExcludedFile(sample.path, fault))


def _fault(sample: Sample) -> str | None:
    if sample.label not in LABELS:
        return f"unknown label {sample.label}"
    try:
        with Image.open(sample.path) as image:
            image.load()
            size = image.size
        if sample.mask is not None:
            with Image.open(sample.mask) as mask:
                mask.load()
                if mask.size != size:
                    return f"mask is {mask.size}, image is {size}"
    except (OSError, ValueError) as error:
        return f"cannot be read: {type(error).__name__}"
    return None


def _any_tumor(mask: Path) -> bool:
    """Whether a mask has a pixel; a mask that cannot be read is found out by `_fault`."""
    try:
        with Image.open(mask) as image:
            return bool((np.asarray(image.convert("L")) > 127).any())
    except OSError:
        return False


def _files(folder: Path) -> Iterator[Path]:
    """Images of a folder, in the order of their names; none if there is no such folder, or it cannot be read."""
    if _is_listable(folder):
        yield from sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)


def _folders(root: Path) -> list[Path]:
    """Folders of a folder that can be read, in the order of their names."""
    return sorted(path for path in root.iterdir() if _is_listable(path)) if _is_listable(root) else []


def _is_listable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)


def _has_lgg_pair(root: Path) -> bool:
    return any(path.stem.endswith("_mask") for folder in _folders(root) for path in _files(folder))


LAYOUTS: Final[tuple[tuple[Callable[[Path], bool], Callable[[Path], Reading]], ...]] = (
    (lambda root: (root / INDEX).exists(), read_indexed),
    (lambda root: (root / "Training").is_dir() and (root / "Testing").is_dir(), read_kaggle),
    (lambda root: (root / "slices.csv").exists() and (root / "images").is_dir(), read_images_masks),
    (lambda root: (root / "yes").is_dir() and (root / "no").is_dir(), read_br35h),
    (lambda root: next(root.rglob("*.mat"), None) is not None, read_figshare),
    (_has_lgg_pair, read_lgg),
)
"""(does the folder look like it, its reader), the first that fits counts."""
