"""The registry of model versions: each change is one transaction, on condition that nobody changed it meanwhile."""

from collections.abc import Collection, Sequence
from typing import Final

from brainscan.domain.base import BrainscanError
from brainscan.domain.gate import GateResult
from brainscan.domain.model_version import ModelChange, ModelVersion, Rollout
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient, Write
from brainscan.store.table.items import Item, from_item, model_attributes, to_item

_BEGINS: Final = "pk = :pk AND begins_with(sk, :begin)"


class RegistryConflictError(BrainscanError):
    """Somebody changed the registry since it was read; look at it as it is now, and decide again."""


class Models:
    """Versions of the model, which of them answers, and the history of that. Nothing of it expires."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def rollout(self) -> Rollout:
        """Which version is served and which is its shadow, as of now."""
        found = self._table.get(keys.rollout())
        return Rollout.model_validate(model_attributes(Rollout, found)) if found else Rollout()

    def get(self, model_id: str) -> ModelVersion | None:
        """One version, if it was added."""
        found = self._table.get(keys.model_version(model_id))
        return ModelVersion.model_validate(model_attributes(ModelVersion, found)) if found else None

    def all(self) -> list[ModelVersion]:
        """Every version that was added, the latest first."""
        found = self._table.query(_BEGINS, {":pk": keys.MODELS, ":begin": keys.VERSION})
        versions = [ModelVersion.model_validate(model_attributes(ModelVersion, each)) for each in found]
        return sorted(versions, key=lambda each: each.added_at, reverse=True)

    def history(self) -> list[ModelChange]:
        """Every change of the registry, the first first."""
        found = self._table.query(_BEGINS, {":pk": keys.MODELS, ":begin": keys.CHANGE})
        return [ModelChange.model_validate(model_attributes(ModelChange, each)) for each in found]

    def gate(self, model_id: str) -> GateResult | None:
        """What the gate said of a version last."""
        found = self._table.get(keys.model_gate(model_id))
        return GateResult.model_validate(model_attributes(GateResult, found)) if found else None

    def put_gate(self, result: GateResult) -> None:
        """Keep what the gate said of a version, in place of what it said before."""
        self._table.put(to_item(result.model_dump(mode="json", exclude_none=True) | keys.model_gate(result.model_id)))

    def of_series(self, series_ids: Sequence[str], served: str) -> dict[str, str]:
        """Which version answers each series: the one that answered its first slice; of a new series, `served`."""
        found = self._of_series(series_ids)
        missing = [each for each in series_ids if each not in found]
        if missing:
            self._table.put_all([self._first(each, served) for each in missing])
            found |= self._of_series(missing)  # another worker may have begun the series with another version
        return found

    def switch_series(self, series_id: str, model_id: str, replaced: Collection[str]) -> None:
        """Have another version answer a series from now on, in place of those that answered slices of it."""
        fields = {"series_id": series_id, "model_id": model_id, "expires_at": self._table.expires_at}
        self._table.put(to_item(keys.series_model(series_id) | fields | {"replaced": sorted(replaced)}))

    def replaced_in(self, series_id: str) -> frozenset[str]:
        """Versions in whose place another answers a series; while slices of it are theirs, it is being switched."""
        found = self._table.get(keys.series_model(series_id))
        return frozenset(from_item(found).get("replaced", ()) if found else ())

    def _of_series(self, series_ids: Sequence[str]) -> dict[str, str]:
        found = map(from_item, self._table.get_batch([keys.series_model(each) for each in series_ids]))
        return {each["series_id"]: each["model_id"] for each in found}

    def _first(self, series_id: str, model_id: str) -> Write:
        fields = {"series_id": series_id, "model_id": model_id, "expires_at": self._table.expires_at}
        return Write(to_item(keys.series_model(series_id) | fields), "attribute_not_exists(pk)")

    def commit(self, rollout: Rollout, change: ModelChange, added: ModelVersion | None = None) -> None:
        """Make a change: the rollout that it leads to, its line in the history, and the version that it adds.

        Raises:
            RegistryConflictError: the registry is not at the revision before, or has the version that would be added.
        """
        writes = [
            _write(rollout, keys.rollout(), "attribute_not_exists(pk) OR revision < :revision", rollout.revision),
            _write(change, keys.model_change(change.revision)),
        ]
        if added is not None:
            writes.append(_write(added, keys.model_version(added.model_id)))
        if self._table.put_all_or_none(writes):
            return
        if change not in self.history():  # it may be there, of a write whose answer was lost
            raise RegistryConflictError("the registry has changed meanwhile; look at `brainscan model list` and repeat")


def _write(
    value: Rollout | ModelChange | ModelVersion,
    key: dict[str, str],
    condition: str = "attribute_not_exists(pk)",
    revision: int | None = None,
) -> Write:
    item: Item = to_item(value.model_dump(mode="json", exclude_none=True) | key)
    return Write(item, condition, {} if revision is None else {":revision": revision})
