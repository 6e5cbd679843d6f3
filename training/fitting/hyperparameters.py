"""What a training run may be told: validated, and closed to names that nobody declared."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class HyperparameterError(ValueError):
    """A hyperparameter is unknown or out of range; the text names it."""


class Hyperparameters(BaseModel):
    """Every knob of a run. Defaults are those of the shipped model's longest run; `precision` is the machine's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: Literal["imagenet", "none"] = Field(
        default="imagenet", description="what the encoder starts from where no weights are given by --init"
    )
    size: int = Field(default=128, ge=32, multiple_of=32, description="side of the input, pixels")
    batch_size: int = Field(default=32, ge=1, description="slices a step, all devices together")
    epochs: int = Field(default=9, ge=1, description="all epochs, those of the first phase included")
    slices_per_epoch: int = Field(default=6016, ge=1, description="draws from the training slices an epoch")
    heads_epochs: int = Field(default=0, ge=0, description="first phase: the encoder stays frozen so many epochs")
    learning_rate: Positive = Field(default=8e-4, description="AdamW's, at its peak")
    encoder_rate: Share = Field(default=1.0, description="the encoder's share of the learning rate")
    warmup_steps: int = Field(default=100, ge=0, description="steps of linear rise of a phase's learning rate")
    decay: Share = Field(
        default=1.0,
        description="share of the steps after the first phase, the last ones, over which the rate falls to 0",
    )
    weight_decay: float = Field(default=0.05, ge=0, description="AdamW's, on kernels alone")
    label_smoothing: Share = Field(default=0.05, description="share of the class loss spread over all classes")
    mask_weight: float = Field(default=1.5, ge=0, description="weight of the mask loss beside the class loss")
    ema: Share = Field(default=0.995, description="momentum of the moving average of weights that is evaluated")
    balance: Share = Field(
        default=0.5, description="a stratum (source, label) is drawn as often as its size to this power"
    )
    cheng_weight: Positive = Field(
        default=1.5, description="how many times as often slices of the Cheng set are drawn: it has every class's masks"
    )
    augment: Share = Field(default=1.0, description="strength of the augmentation; 0 leaves the slices as they are")
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = Field(
        default="float32",
        description="arithmetic of the layers; bfloat16 pays on GPUs and on processors with avx512_bf16",
    )
    held_out_slices: int = Field(default=2000, ge=0, description="held-out slices that an epoch is judged on, at most")
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.heads_epochs > self.epochs:
            raise ValueError("heads_epochs exceeds epochs")
        if self.slices_per_epoch % self.batch_size:
            raise ValueError("slices_per_epoch must be a multiple of batch_size")
        return self


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
