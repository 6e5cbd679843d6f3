"""Divides samples so that what is measured is honest, and refuses a division that leaks."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from training.datasets.duplicates import ALIKE, SAME, alike_pairs, join_groups, thumbnail
from training.datasets.indexed import INDEX, read_index
from training.datasets.readers import read_folder
from training.datasets.samples import CHENG, KAGGLE, Sample, read_gray, read_splits

VALIDATION_FOLD: Final = 3
"""The fold of the Cheng set that is kept for validation: the finest patient-wise division its readers are given."""
VALIDATION_SHARE: Final = 0.15
"""Share of the other sources' groups that is kept for validation."""
TEST_SHARE: Final = 0.2
"""Share of the groups that is for testing where nobody has divided the data yet."""


class LeakError(ValueError):
    """A split has the same patient, or the same picture, on both sides."""


def read_data(root: Path) -> list[Sample]:
    """All usable samples under `root`, each with its part, and groups that no split may tear apart.

    With a `splits.csv` the parts are the table's, and sets with an `index.csv` beside it come with parts of their own;
    without one, a random `TEST_SHARE` of the groups of every source
    is the test part, whatever the set's own folders say: those leak.

    Raises:
        LeakError: the table's parts share a patient or a picture.
        ValueError: there is no table and no known layout.
    """
    if (root / "splits.csv").exists():
        indexed = [sample for index in sorted(root.glob(f"*/{INDEX}")) for sample in read_index(index.parent)]
        samples = grouped([*read_splits(root), *indexed], SAME)
    else:
        reading = read_folder(root)
        if reading.left_out:
            print(f"left out: {len(reading.left_out)} files; `brainscan train audit` lists them")
        samples = with_parts(grouped(reading.samples))
    refuse_leaks([s for s in samples if s.part == "train"], [s for s in samples if s.part == "test"])
    return samples


def with_parts(samples: Sequence[Sample], seed: int = 0) -> list[Sample]:
    """A random `TEST_SHARE` of each source's groups becomes the test part, all others the train part."""
    tested = _drawn_groups(samples, TEST_SHARE, seed)
    return [replace(sample, part="test" if sample.group in tested else "train") for sample in samples]


def grouped(samples: Sequence[Sample], alike: float = ALIKE) -> list[Sample]:
    """The samples with groups merged wherever two slices correlate by at least `alike`, mirrored or not."""
    vectors = np.stack([thumbnail(read_gray(sample)) for sample in samples])
    pairs = [(i, j) for i, j, _ in alike_pairs(vectors, alike=alike)]
    names = join_groups([sample.group for sample in samples], pairs)
    return [replace(sample, group=name) for sample, name in zip(samples, names, strict=True)]


def split_validation(samples: Sequence[Sample], seed: int = 0) -> tuple[list[Sample], list[Sample]]:
    """Training samples -> (fitted, validation), patient-wise: figures while a model trains, which pick nothing.

    Of the Cheng set a whole fold is kept where only folds are known; else, and of every other source, a random
    `VALIDATION_SHARE` of the groups.

    Raises:
        LeakError: a group is on both sides.
    """
    folded = any(_in_validation_fold(sample) for sample in samples)
    kept_groups = _drawn_groups([s for s in samples if not folded or s.source != CHENG], VALIDATION_SHARE, seed)

    def is_validation(sample: Sample) -> bool:
        return _in_validation_fold(sample) if folded and sample.source == CHENG else sample.group in kept_groups

    return _divide(samples, is_validation)


def refuse_leaks(first: Sequence[Sample], second: Sequence[Sample]) -> None:
    """Raises LeakError when a group, thus a patient or a near-duplicate, has slices in both lists."""
    shared = {sample.group for sample in first} & {sample.group for sample in second}
    if shared:
        raise LeakError(f"{len(shared)} groups of patients or near-duplicates are on both sides of the split")


def kaggle_folders(samples: Sequence[Sample]) -> tuple[list[Sample], list[Sample]]:
    """The usual, flawed protocol: train on the Kaggle set's `Training`, test on its `Testing`. It leaks."""
    own = [sample for sample in samples if sample.source == KAGGLE]
    return [sample for sample in own if "Training" in sample.path.parts], [
        sample for sample in own if "Testing" in sample.path.parts
    ]


def random_by_image(samples: Sequence[Sample], seed: int = 0) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """The other usual, flawed protocol: train, validation and test, 80/10/10, drawn by image. It leaks."""
    order = np.random.default_rng(seed).permutation(len(samples))
    first, second = round(len(samples) * 0.8), round(len(samples) * 0.9)
    chosen = [[samples[i] for i in part] for part in np.split(order, [first, second])]
    return chosen[0], chosen[1], chosen[2]


def _in_validation_fold(sample: Sample) -> bool:
    return f"fold{VALIDATION_FOLD}-" in sample.group


def _drawn_groups(samples: Sequence[Sample], share: float, seed: int) -> set[str]:
    """A share of the groups of every source."""
    by_source: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        by_source[sample.source].add(sample.group)
    random = np.random.default_rng(seed)
    drawn: set[str] = set()
    for source in sorted(by_source):
        groups = sorted(by_source[source])
        drawn.update(str(name) for name in random.choice(groups, round(len(groups) * share), replace=False))
    return drawn


def _divide(samples: Sequence[Sample], is_second: Callable[[Sample], bool]) -> tuple[list[Sample], list[Sample]]:
    first = [sample for sample in samples if not is_second(sample)]
    second = [sample for sample in samples if is_second(sample)]
    refuse_leaks(first, second)
    return first, second
