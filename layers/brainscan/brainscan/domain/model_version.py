"""Versions of the model: what each is, where it stands between candidate and retired, and who changed that."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import Field

from brainscan.domain.base import BrainscanError, FrozenModel, Probability

ModelId = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ModelStateError(BrainscanError):
    """A model cannot go from the state that it is in to the one that is wanted; the text says what can be done."""


class ModelState(StrEnum):
    """Where a version stands: candidate, shadow, served, or retired."""

    CANDIDATE = "candidate"
    SHADOW = "shadow"
    SERVED = "served"
    RETIRED = "retired"


_NEXT: Final = {
    ModelState.CANDIDATE: {ModelState.SHADOW, ModelState.SERVED, ModelState.RETIRED},
    ModelState.SHADOW: {ModelState.CANDIDATE, ModelState.SHADOW, ModelState.SERVED, ModelState.RETIRED},
    ModelState.RETIRED: {ModelState.CANDIDATE, ModelState.SERVED},
    ModelState.SERVED: set[ModelState](),
}
"""What may follow a state. The served version leaves by another that is served in its place."""


class SourceFigures(FrozenModel):
    """How a version did on one source of test scans."""

    scans: int
    accuracy: Probability
    abstained: int
    needs_review: int
    mean_dice: Probability | None = None


class ModelVersion(FrozenModel):
    """A version as it was added; this never changes. `model_id` is the SHA-256 of its network."""

    model_id: ModelId
    added_at: datetime
    size_bytes: int = Field(gt=0, description="of the network's file")
    input_size: int = Field(gt=0, description="rows and columns of the network's input, pixels")
    split: str = Field(description="the part of the data that the figures are of")
    figures: dict[str, SourceFigures] = Field(description="by source of the scans")
    data_digest: str
    source_revision: str


class ModelChange(FrozenModel):
    """One line of the registry's history: who brought a version into which state, when and why.

    `model_id` is None for the model that the image carries; `replaced` is the version that lost its place by it.
    """

    revision: int = Field(ge=1)
    model_id: ModelId | None
    state: ModelState
    by: str = Field(description="staff, as AWS knows the caller")
    at: datetime
    reason: str | None = None
    share: Probability | None = Field(default=None, description="of the scans that a shadow sees")
    replaced: ModelId | None = None
    overridden: tuple[str, ...] = Field(default=(), description="what the gate had against it, where it was overridden")


class Rollout(FrozenModel):
    """Which version is served, and which is its shadow; `revision` counts every change of the registry.

    `served` is None as long as the model that the image carries answers. `previous` was served before.
    """

    revision: int = Field(default=0, ge=0)
    served: ModelId | None = None
    previous: ModelId | None = None
    shadow: ModelId | None = None
    share: Probability = 0.0
    retired: tuple[ModelId, ...] = ()

    def state_of(self, model_id: str) -> ModelState:
        """Where a version that was added stands."""
        if model_id == self.served:
            return ModelState.SERVED
        if model_id == self.shadow:
            return ModelState.SHADOW
        return ModelState.RETIRED if model_id in self.retired else ModelState.CANDIDATE

    def with_state(self, model_id: str, state: ModelState, share: float = 0.0) -> Self:
        """The next revision, in which a version is in a state.

        A version that is served takes the place of the one before, which is retired; one that becomes the shadow makes
        the shadow before a candidate again.

        Raises:
            ModelStateError: the version cannot go there from where it is.
        """
        now = self.state_of(model_id)
        if state not in _NEXT[now]:
            raise ModelStateError(_refusal(model_id, now, state))
        others = tuple(each for each in self.retired if each != model_id)
        changed: dict[str, Any] = {"revision": self.revision + 1, "retired": others}
        if self.shadow == model_id:
            changed |= {"shadow": None, "share": 0.0}
        if state is ModelState.SHADOW:
            changed |= {"shadow": model_id, "share": share}
        elif state is ModelState.SERVED:
            changed |= {"served": model_id, "previous": self.served, "retired": self._and_served(others)}
        elif state is ModelState.RETIRED:
            changed["retired"] = (*others, model_id)
        return self.model_validate(self.model_dump() | changed)

    def rolled_back(self) -> Self:
        """The next revision, in which what was served before is served again; that may be the image's model.

        Raises:
            ModelStateError: no version has taken another's place.
        """
        if self.served is None:
            raise ModelStateError("the model that the image carries is served: there is none to go back to")
        if self.previous is not None:
            return self.with_state(self.previous, ModelState.SERVED)
        changed: dict[str, Any] = {"revision": self.revision + 1, "served": None}
        changed |= {"previous": self.served, "retired": self._and_served(self.retired)}
        return self.model_validate(self.model_dump() | changed)

    def _and_served(self, retired: tuple[str, ...]) -> tuple[str, ...]:
        return (*retired, self.served) if self.served else retired


def _refusal(model_id: str, now: ModelState, wanted: ModelState) -> str:
    if now is ModelState.SERVED:
        remedy = "it answers scans: serve another in its place, or go back with `brainscan model serve --back`"
    else:
        remedy = f"from there it can become {' or '.join(sorted(_NEXT[now]))}"
    return f"model {model_id[:12]} is {now} and cannot become {wanted}; {remedy}"
