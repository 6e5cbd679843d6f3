"""Scans by what may matter: data set, sequence, plane, skull, tumor size, tumor type."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from training.datasets.samples import CHENG, LGG, OTHER_TUMOR, Sample
from training.evaluation.evaluated import EvaluatedScan, source_name

STRIPPED: Final = frozenset({"rsna_miccai_t1c_boxes", "oasis_alzheimer", "healthy_t1_stripped", "brats2013_slices"})
"""Sets whose heads come without skull."""
WITH_SKULL: Final = frozenset({CHENG, "radiopaedia_44", "healthy_head", "harvard_normal"})
OPEN_MS: Final = "open_ms"
STRIPPED_PREFIX: Final = "x"
"""Of `OPEN_MS`, the files of patients without skull begin with it."""
SIZES: Final = ((0.01, "0 to 1% of the head"), (0.03, "1 to 3%"), (0.10, "3 to 10%"), (1.01, "above 10%"))
"""(upper bound of the drawn mask's share of the head's crop, name)."""

Stratum = Callable[[EvaluatedScan], str | None]


def skull(sample: Sample) -> str | None:
    """Whether a head comes with its skull; None where the set mixes or does not say."""
    if sample.source in STRIPPED:
        return "without skull"
    if sample.source == OPEN_MS:
        return "without skull" if sample.path.name.startswith(STRIPPED_PREFIX) else "with skull"
    return "with skull" if sample.source in WITH_SKULL else None


def tumor_size(scan: EvaluatedScan) -> str | None:
    """The drawn mask's share of the head's crop, in one of four ranges; None where nobody drew one."""
    share = scan.truth_share
    return None if share is None else next(name for bound, name in SIZES if share < bound)


def _of_one_view(scan: EvaluatedScan) -> bool:
    """LGG files are colour composites: their channels have a sequence, the file as a whole has none."""
    return scan.sample.source != LGG or scan.sample.view != "luma"


STRATA: Final[Mapping[str, Stratum]] = {
    "data set": lambda scan: source_name(scan.sample),
    "sequence": lambda scan: scan.sample.sequence if _of_one_view(scan) else None,
    "plane": lambda scan: scan.sample.plane if scan.sample.view == "luma" else None,
    "skull": lambda scan: skull(scan.sample),
    "tumor size": lambda scan: tumor_size(scan) if scan.sample.view == "luma" else None,
    "tumor outside the classes": lambda scan: scan.sample.detail if scan.sample.label == OTHER_TUMOR else None,
}
"""What divides the scans; a scan for which it is unknown is in no part."""


def divide(scans: Sequence[EvaluatedScan], stratum: Stratum) -> dict[str, list[EvaluatedScan]]:
    """The scans of each part, by the parts' names."""
    parts: dict[str, list[EvaluatedScan]] = defaultdict(list)
    for scan in scans:
        name = stratum(scan)
        if name is not None:
            parts[name].append(scan)
    return dict(sorted(parts.items()))
