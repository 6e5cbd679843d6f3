"""What a training run may be told: validated, and closed to names that nobody declared.

`python -m training.fitting.hyperparameters NAME=VALUE ...` says what is wrong with them, and ends with 2.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0, le=1000)]

MOST_SLICES: Final = 10_000_000
"""More than all public sets together; a typing error has more digits."""

DRAW_WEIGHTS: Final[dict[str, float]] = {
    "cheng_figshare": 2,
    "lgg_kaggle_3m/luma": 0.7,
    "lgg_kaggle_3m/flair": 0.7,
    "lgg_kaggle_3m/post": 0.5,
    "radiopaedia_44": 0.8,
    "rsna_miccai_t1c_boxes": 0.8,
    "healthy_head": 0.7,
    "healthy_t1_stripped": 0.5,
    "open_ms": 0.5,
    "oasis_alzheimer": 0.4,
    "harvard_normal": 0.4,
    "brats2013_slices": 0.4,
}
"""How often a source's strata are drawn, beside 1 for every other; Cheng's, which has all masks, is a third of all."""


class HyperparameterError(ValueError):
    """A hyperparameter is unknown or out of range; the text names it."""


def _pairs(value: Any) -> Any:
    """`name:number,name:number` -> {name: number}; anything else as it is."""
    if not isinstance(value, str):
        return value
    entries = (
        entry.rpartition(":") if ":" in entry else (entry, "", "") for entry in value.split(",") if entry.strip()
    )
    return {name: number for name, _, number in entries}


def _names(value: Any) -> Any:
    """`name,name` -> (name, name); anything else as it is."""
    return tuple(name.strip() for name in value.split(",") if name.strip()) if isinstance(value, str) else value


class Hyperparameters(BaseModel):
    """Every knob of a run. Defaults are the recipe from ImageNet's weights; docs/training.md says what each is for."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    weights: Literal["imagenet", "none"] = Field(
        default="imagenet", description="what the encoder starts from where no weights are given by --init"
    )
    validation: Literal["groups", "none"] = Field(
        default="groups", description="whole groups of the train part kept out for figures, or nothing kept out"
    )
    validation_slices: int = Field(
        default=2000, ge=0, le=MOST_SLICES, description="validation slices that an epoch is judged on"
    )

    leave_out: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        default=(),
        description="SOURCE,...: sets for validation alone: what the recipe is worth at a hospital that it never saw",
    )

    size: int = Field(
        default=160, ge=32, le=2048, multiple_of=32, description="side of the input at the end, and as served"
    )
    stages: Annotated[dict[int, Share], BeforeValidator(_pairs)] = Field(
        default={96: 0.35, 128: 0.88},
        description="SIDE:SHARE,...: smaller sides before that, each up to this share of the run; empty for none",
    )
    batch_size: int = Field(default=48, ge=1, le=65_536, description="slices a step, all devices together")
    epochs: int = Field(default=30, ge=1, le=10_000, description="epochs of a run without a time limit")
    slices_per_epoch: int = Field(
        default=6000, ge=1, le=MOST_SLICES, description="draws from the training slices an epoch"
    )
    time_limit: float = Field(
        default=0,
        ge=0,
        le=40_320,
        description="minutes of training after which the run ends, its rate fallen; 0 for epochs",
    )
    checkpoint_minutes: float = Field(
        default=5, gt=0, le=1440, description="time between two checkpoints within an epoch"
    )

    learning_rate: float = Field(default=6e-4, gt=0, le=1, description="AdamW's, at its peak")
    early_rate: Share = Field(default=0.4, description="share of the learning rate of conv1 to conv3; 0 freezes them")
    middle_rate: Share = Field(default=0.7, description="share of the learning rate of conv4; 0 freezes it")
    warmup_steps: int = Field(
        default=150, ge=0, le=MOST_SLICES, description="steps of linear rise of the learning rate"
    )
    decay: Share = Field(default=1.0, description="share of the run, its last, over which the rate falls to 0")
    weight_decay: float = Field(default=0.05, ge=0, le=10, description="AdamW's, on kernels alone")
    clip_norm: float = Field(default=2.0, gt=0, le=1e6, description="norm that all gradients together are cut to")
    ema: Share = Field(default=0.998, description="momentum of the moving average of weights, which is the result")
    path_drop: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="how often the deepest residual branch drops out of a slice's step; others less"
    )

    label_smoothing: Share = Field(default=0.05, description="share of the class loss spread over all classes")
    pixel_weight: float = Field(
        default=4.0, ge=0, le=1000, description="weight of the pixels' cross-entropy beside the class's"
    )
    dice_weight: float = Field(
        default=1.0, ge=0, le=1000, description="weight of soft Dice beside the class's cross-entropy"
    )
    miss_share: Share = Field(
        default=0.5, description="of what Dice punishes, the share of missed tumor; 0.5 is Dice, more is Tversky's"
    )
    balance: Share = Field(
        default=0.5, description="a stratum (source, view, label) is drawn as often as its size to this power"
    )
    draw_weights: Annotated[dict[str, Weight], BeforeValidator(_pairs)] = Field(
        default={}, description="SOURCE:WEIGHT or SOURCE/VIEW:WEIGHT,...: other weights than the recipe's"
    )

    augment: Share = Field(default=1.0, description="strength of the augmentation; 0 leaves the slices as they are")
    geometry: float = Field(default=1.0, ge=0, le=2, description="strength of rotation, scale, aspect and shift alone")
    curves: Share = Field(default=0.2, description="share of slices under a random curve of intensity")
    bias_field: Share = Field(default=0.25, description="share of slices under a smooth field of brightness")
    low_resolution: Share = Field(default=0.15, description="share of slices that lose resolution")
    inversion: Share = Field(default=0.1, description="share of slices with inverted contrast inside the head")
    erasing: Share = Field(default=0.15, description="share of slices that lose a patch")
    peeling: Share = Field(default=0.0, description="share of slices whose skull is peeled off, where one is found")
    mixup: Share = Field(default=0.3, description="share of batches that are mixed with themselves in another order")

    rounding: bool = Field(
        default=False, description="round what layers give as int8 by fixed ranges does, from the run's start"
    )

    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = Field(
        default="auto", description="arithmetic of the layers; auto times a convolution on this machine first"
    )
    seed: int = Field(default=0, ge=0, lt=2**32)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.slices_per_epoch % self.batch_size:
            raise ValueError("slices_per_epoch must be a multiple of batch_size")
        if any(side % 32 or side < 32 for side in self.stages):
            raise ValueError("stages: every side must be a multiple of 32")
        if list(self.stages.values()) != sorted(self.stages.values()):
            raise ValueError("stages: shares must rise")
        return self

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch, all of one size."""
        return self.slices_per_epoch // self.batch_size

    def side_at(self, done: float) -> int:
        """Side of the input, pixels, when the share `done` of the run is over."""
        return next((side for side, until in self.stages.items() if done < until and side < self.size), self.size)

    def draw_weight(self, source: str, view: str) -> float:
        """How many times as often a source's strata are drawn; a view's own weight goes before its source's."""
        weights = {**DRAW_WEIGHTS, **self.draw_weights}
        return weights.get(f"{source}/{view}", weights.get(source, 1.0))


def parse_hyperparameters(values: Mapping[str, object]) -> Hyperparameters:
    """Raw values, strings as SageMaker passes them included -> Hyperparameters.

    Raises:
        HyperparameterError: a name is unknown or a value out of range; the text names each.
    """
    try:
        return Hyperparameters.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or 'together'}: {fault['msg']}" for fault in error.errors()
        )
        raise HyperparameterError(f"hyperparameters refused: {faults}") from None


def main(arguments: Sequence[str]) -> int:
    """Checks settings as a run would; 2 if one is refused."""
    try:
        parse_hyperparameters(dict(each.split("=", 1) for each in arguments))
    except HyperparameterError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
