"""One scan of an evaluation: what is true, what the model as served made of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brainscan.domain import CLASSES, Outcome, Reason, TumorClass
from training.datasets.samples import ANY_TUMOR, OTHER_TUMOR, Sample


@dataclass(frozen=True, eq=False)
class Case:
    """Figures of one scan; None where they do not apply.

    `probabilities` (4,) calibrated, None for a blank scan; `dice`, `iou` against the drawn mask of a tumor scan;
    `truth_share` and `mask_share` of the head's crop; `distance` of the scope check.
    """

    sample: Sample
    outcome: Outcome
    reasons: tuple[Reason, ...]
    needs_review: bool
    probabilities: npt.NDArray[np.float64] | None
    distance: float | None = None
    dice: float | None = None
    iou: float | None = None
    hausdorff_95_px: float | None = None
    truth_share: float | None = None
    mask_share: float | None = None

    @property
    def type_known(self) -> bool:
        """Whether the label names one of the classes."""
        return self.sample.label not in (ANY_TUMOR, OTHER_TUMOR)

    @property
    def predicted(self) -> TumorClass | None:
        """The most probable class."""
        return None if self.probabilities is None else CLASSES[int(self.probabilities.argmax())]

    @property
    def confidence(self) -> float:
        """Its probability; 0 for a blank scan."""
        return 0.0 if self.probabilities is None else float(self.probabilities.max())

    @property
    def says_tumor(self) -> bool:
        """Whether the most probable class is a tumor."""
        return self.predicted is not None and self.predicted is not TumorClass.NO_TUMOR

    @property
    def correct(self) -> bool:
        """Whether the most probable class is the label; of a tumor of unknown type, whether it is a tumor."""
        return self.says_tumor if not self.type_known else self.predicted == self.sample.label
