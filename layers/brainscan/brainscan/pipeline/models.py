"""Versions of the model: add one, make it the shadow, serve it, go back, retire it; each with who did it and when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from brainscan.domain.base import BrainscanError
from brainscan.domain.model_version import ModelChange, ModelState, ModelVersion, Rollout, SourceFigures
from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE, Manifest
from brainscan.store import Results, Table
from brainscan.store.objects import model_key

_TYPES: Final = {MODEL_FILE: "application/octet-stream", MANIFEST_FILE: "application/json"}


class GateClosedError(BrainscanError):
    """A version has not shown what it takes to be served; the text says what is missing."""


class UnknownModelError(BrainscanError):
    """No version of that id was added."""


@dataclass(frozen=True)
class Decision:
    """Who decides something about a model, and why."""

    by: str
    reason: str | None = None
    override: bool = False

    def change(self, rollout: Rollout, model_id: str | None, state: ModelState, replaced: str | None) -> ModelChange:
        """Its line in the history."""
        return ModelChange(
            revision=rollout.revision,
            model_id=model_id,
            state=state,
            by=self.by,
            at=datetime.now(UTC),
            reason=self.reason,
            share=rollout.share if state is ModelState.SHADOW else None,
            replaced=replaced,
        )


def add_model(folder: Path, table: Table, results: Results, decision: Decision) -> ModelVersion:
    """Keep the model of a folder, and enter it as a candidate; one that was added before stays as it is.

    Args:
        folder: holds `model.tflite` and `manifest.json` of one export.

    Raises:
        ModelError: a file is missing or malformed, or the network is not the manifest's.
        RegistryConflictError: the registry was changed at the same time.
    """
    manifest = Manifest.read_verified(folder)
    if known := table.models.get(manifest.model_id):
        return known
    for name, content_type in _TYPES.items():  # before the registry names it: what is entered can be loaded
        results.put(model_key(manifest.model_id, name), (folder / name).read_bytes(), content_type)
    version = _version(manifest, (folder / MODEL_FILE).stat().st_size)
    before = table.models.rollout()
    after = before.model_copy(update={"revision": before.revision + 1})
    table.models.commit(after, decision.change(after, manifest.model_id, ModelState.CANDIDATE, None), version)
    return version


def set_model_state(
    model_id: str, state: ModelState, table: Table, decision: Decision, share: float = 0.0
) -> tuple[Rollout, ModelChange]:
    """Bring a version into a state; for a shadow, the share of the scans that it sees.

    Raises:
        UnknownModelError: it was never added.
        ModelStateError: it cannot go there from where it is.
        GateClosedError: it is to be served, has not passed the gate, and the decision does not override that.
        RegistryConflictError: the registry was changed at the same time.
    """
    if table.models.get(model_id) is None:
        raise UnknownModelError(f"model {model_id[:12]} is not in the registry; add it with `brainscan model add`")
    before = table.models.rollout()
    after = before.with_state(model_id, state, share)
    against = _gate_failures(model_id, before, table) if state is ModelState.SERVED else ()
    if against and not decision.override:
        raise GateClosedError(f"model {model_id[:12]} has not passed its gate: {'; '.join(against)}")
    places = {ModelState.SERVED: before.served, ModelState.SHADOW: before.shadow}
    replaced = places.get(state)
    change = decision.change(after, model_id, state, None if replaced == model_id else replaced)
    change = change.model_copy(update={"overridden": against})
    table.models.commit(after, change)
    return after, change


def roll_back(table: Table, decision: Decision) -> tuple[Rollout, ModelChange]:
    """Serve what was served before.

    Raises:
        ModelStateError: no version has taken another's place.
        RegistryConflictError: the registry was changed at the same time.
    """
    before = table.models.rollout()
    after = before.rolled_back()
    change = decision.change(after, after.served, ModelState.SERVED, before.served)
    table.models.commit(after, change)
    return after, change


def _gate_failures(model_id: str, rollout: Rollout, table: Table) -> tuple[str, ...]:
    """What speaks against serving a version; nothing if the gate that it passed was against what is served now."""
    result = table.models.gate(model_id)
    if result is None:
        return ("it was never compared: `brainscan model shadow`, then `brainscan model diff`",)
    if rollout.served and rollout.served not in result.served:
        return ("it was compared with another model than the one that is served now: repeat `brainscan model diff`",)
    return result.failures


def _version(manifest: Manifest, size_bytes: int) -> ModelVersion:
    fields = set(SourceFigures.model_fields)
    figures = {name: each.model_dump(include=fields) for name, each in manifest.metrics.sources.items()}
    return ModelVersion(
        model_id=manifest.model_id,
        added_at=datetime.now(UTC),
        size_bytes=size_bytes,
        input_size=manifest.input.size,
        split=manifest.metrics.split,
        figures={name: SourceFigures(**each) for name, each in figures.items()},
        data_digest=manifest.data_digest,
        source_revision=manifest.source_revision,
    )
