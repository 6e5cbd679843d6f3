"""Which model answers a scan: the one that is served; in a series that was begun, the one that began it.

Another, the shadow, may see a share of them once the answers stand.
"""

import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from brainscan.domain import Scan, ScanRecord
from brainscan.domain.model_version import Rollout
from brainscan.inference.manifest import MANIFEST_FILE, MODEL_FILE
from brainscan.inference.runtime import Model
from brainscan.observability import error_fields, logger
from brainscan.pipeline.analyze import analyze
from brainscan.pipeline.attempt import ScanResult
from brainscan.pipeline.shadow import predict_in_shadow, sampled_scans
from brainscan.services import Services
from brainscan.store import Results
from brainscan.store.objects import model_key

KEPT: Final = 2
"""Models beside the image's that a process keeps loaded: the served one, and one more: the shadow, or one that is left
over from before a switch."""


class LoadedModels:
    """The models of a process: the one that its image carries, and those fetched from the results bucket."""

    def __init__(self, shipped: Model) -> None:
        self.shipped = shipped
        self._fetched: OrderedDict[str, Model] = OrderedDict()

    def __contains__(self, model_id: str) -> bool:
        return model_id == self.shipped.manifest.model_id or model_id in self._fetched

    def get(self, model_id: str, results: Results) -> Model:
        """A model, loaded once; its digest is compared with its id.

        Raises:
            ObjectGoneError: its files are not in the bucket.
            ModelError: they are not what was added.
        """
        if model_id == self.shipped.manifest.model_id:
            return self.shipped
        if model_id not in self._fetched:
            self._fetched[model_id] = fetch_model(model_id, results)
        self._fetched.move_to_end(model_id)
        while len(self._fetched) > KEPT:
            self._fetched.popitem(last=False)
        return self._fetched[model_id]


def fetch_model(model_id: str, results: Results) -> Model:
    """Load a version from the results bucket.

    Raises:
        ObjectGoneError: its files are not in the bucket.
        ModelError: they are not what was added.
    """
    # The interpreter maps the file: on Linux the mapping outlives its name, so nothing stays behind in /tmp.
    with tempfile.TemporaryDirectory() as folder:
        for name in (MANIFEST_FILE, MODEL_FILE):
            (Path(folder) / name).write_bytes(results.get(model_key(model_id, name)))
        return Model.load(Path(folder))


def analyze_as_served(scans: Sequence[Scan], services: Services, loaded: LoadedModels) -> list[ScanResult]:
    """`analyze`, each scan by the model that is to answer it.

    Returns:
        One result a scan, in order. Scans whose model cannot be loaded, or whose batch failed, come with the error.

    Raises:
        botocore.exceptions.ClientError: the table does not say which model that is; the whole batch is to be retried.
    """
    rollout = services.table.models.rollout()
    groups: dict[str, list[Scan]] = {}
    for scan, model_id in zip(scans, _models_of(scans, rollout, services, loaded), strict=True):
        groups.setdefault(model_id, []).append(scan)
    found: dict[str, ScanResult] = {}
    for model_id, group in groups.items():
        try:
            results = analyze(group, services, loaded.get(model_id, services.results))
        except Exception as error:
            results = [ScanResult(scan.scan_id, error=error) for scan in group]
        found |= {result.scan_id: result for result in results}
    new = [result.record for result in found.values() if result.record and not result.repeat]
    _run_shadow(new, rollout, services, loaded)
    return [found[scan.scan_id] for scan in scans]


def _run_shadow(answered: Sequence[ScanRecord], rollout: Rollout, services: Services, loaded: LoadedModels) -> None:
    """Whatever the shadow meets is its own trouble: the answers stand by now."""
    try:
        if rollout.shadow and (records := sampled_scans(answered, rollout)):
            predict_in_shadow(records, services, loaded.get(rollout.shadow, services.results))
    except Exception as error:
        logger.warning("shadow gave no answers", extra={"scans": len(answered), **error_fields(error)})


def _models_of(scans: Sequence[Scan], rollout: Rollout, services: Services, loaded: LoadedModels) -> list[str]:
    models = services.table.models
    served = rollout.served or loaded.shipped.manifest.model_id
    begun = models.of_series(sorted({scan.series_id for scan in scans if scan.series_id}), served)
    for series_id, model_id in begun.items():
        if model_id != served and model_id not in loaded and models.get(model_id) is None:
            # An earlier image carried it, and nobody added it to the registry: there is nothing to load.
            begun[series_id] = served
    return [begun.get(scan.series_id or "", served) for scan in scans]
