"""`manifest.json`: what a model is, how to feed it, how to read its answers, and what it was measured to do."""

import hashlib
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from brainscan.domain import CLASSES, RESEARCH_USE_STATEMENT, BrainscanError, FrozenModel, TumorClass
from brainscan.inference.scope import Scope

MANIFEST_FILE: Final = "manifest.json"
MODEL_FILE: Final = "model.tflite"

Share = Annotated[float, Field(ge=0, le=1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ModelError(BrainscanError):
    """The model artifact cannot be used; the text says why and what to do."""


class InputContract(FrozenModel):
    """What the network takes: (batch, size, size, channels) as `imaging.prepare` makes it."""

    size: Annotated[int, Field(gt=0, multiple_of=32)]
    channels: Literal[1] = 1
    low: float = -1.0
    high: float = 1.0


class Thresholds(FrozenModel):
    """Where answers turn; `Calibration` says by which scans they were chosen."""

    min_confidence: Share = Field(description="a calibrated probability below which a scan is abstained")
    review_confidence: Share = Field(description="a calibrated probability below which a scan needs review")
    seg_logit: float = Field(description="mask logit above which a pixel is tumor")
    min_component_fraction: Share = Field(description="share of the head's crop below which a region is a speck")
    large_mask_fraction: Share = Field(
        description="share of the head's crop from which a mask contradicts the class no_tumor"
    )

    @model_validator(mode="after")
    def _review_before_abstaining(self) -> Self:
        if self.review_confidence < self.min_confidence:
            raise ValueError("review_confidence must not be below min_confidence")
        return self


class Calibration(FrozenModel):
    """Where temperature, thresholds and the scope's thresholds come from."""

    split: str
    scans: int
    groups: int = Field(description="patients, or runs of near-duplicates, that these scans are of")
    cross_fitted: bool = Field(
        description="figures on these scans are of each half of the groups, with constants from the other half"
    )


class SourceMetrics(FrozenModel):
    """How the model as served did on one source of scans. A blank scan gets no class and counts as wrong."""

    scans: int
    accuracy: Share = Field(description="the most probable class is the label, abstained scans included")
    blank: int = Field(description="scans without foreground, abstained without a class")
    abstained: int = Field(description="scans without an answer for any reason, the blank ones among them")
    needs_review: int
    masks: int = Field(default=0, description="tumor scans with a drawn mask")
    mean_dice: Share | None = Field(default=None, description="over `masks`, at the source's own pixels")


class Parity(FrozenModel):
    """The same scans, evenly drawn from all sources, before quantisation and after it."""

    int8: dict[str, SourceMetrics]
    float32: dict[str, SourceMetrics]


class Metrics(FrozenModel):
    """Measured through prepare, network, mask and judgement, exactly as a scan is served."""

    split: str
    sources: dict[str, SourceMetrics] = Field(description="with constants that come from other scans")
    as_shipped: dict[str, SourceMetrics] = Field(description="with the constants of this manifest")
    parity: Parity = Field(description="what quantisation costs, with the constants of this manifest")


class Manifest(FrozenModel):
    """The artifact's contract; `model_id` is the SHA-256 of `model.tflite`."""

    schema_version: Literal["1"] = "1"
    model_id: Digest
    classes: tuple[TumorClass, ...] = CLASSES
    input: InputContract
    temperature: Annotated[float, Field(gt=0)]
    thresholds: Thresholds
    calibration: Calibration
    scope: Scope | None = Field(default=None, description="what tells a brain MR from other pictures; None: no check")
    metrics: Metrics
    data_digest: Digest = Field(description="SHA-256 over paths, labels, parts and bytes of all scans and masks")
    source_revision: str = Field(description="git commit of the code that made the artifact")
    research_use: str = RESEARCH_USE_STATEMENT

    @model_validator(mode="after")
    def _class_order(self) -> Self:
        if self.classes != CLASSES:
            raise ValueError(f"classes must be {[str(name) for name in CLASSES]}, in this order")
        return self

    @classmethod
    def read(cls, model_dir: Path) -> Self:
        """Read the manifest in `model_dir`.

        Raises:
            ModelError: it is missing or malformed.
        """
        path = model_dir / MANIFEST_FILE
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ModelError(f"no {MANIFEST_FILE} in the model folder; export a model or restore the folder") from error
        except ValidationError as error:
            raise ModelError(f"{MANIFEST_FILE} does not fit this version of brainscan: {error}") from error

    @classmethod
    def read_verified(cls, model_dir: Path) -> Self:
        """Read the manifest in `model_dir`, and compare the network beside it with the digest that it names.

        Raises:
            ModelError: a file is missing, the manifest is malformed, or the network is not the manifest's.
        """
        manifest = cls.read(model_dir)
        try:
            with (model_dir / MODEL_FILE).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelError(f"no {MODEL_FILE} in the model folder; export a model or restore the folder") from error
        if digest != manifest.model_id:
            raise ModelError(
                f"{MODEL_FILE} has SHA-256 {digest}, the manifest names {manifest.model_id}; "
                "take both files of one export"
            )
        return manifest
