"""A series in the world, with masks on some of its slices; and what its report holds."""

import io
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydicom import Dataset, dcmread

from brainscan.dicom.pixels import frame_count
from brainscan.domain import Outcome, ScanRecord, TumorClass
from brainscan.imaging.mask import Mask, encode_mask
from brainscan.imaging.overlay import picture
from brainscan.store.objects import report_key, result_key, staged_key
from tests import series as mr
from tests.conftest import World
from tests.making import a_record, present

SERIES = "5" * 32
MASKS = {2: mr.disc(5), 3: mr.disc(8), 4: mr.disc(6)}


@dataclass
class Scanned:
    """A series in the world: its slices as they were sent, and what was found on them."""

    world: World
    images: Sequence[Dataset | bytes]
    masks: dict[int, Mask]
    classes: dict[int, TumorClass] = field(default_factory=dict)

    def record(self, number: int) -> ScanRecord:
        multiframe = isinstance(self.images[0], Dataset) and len(self.images) == 1 and frame_count(self.images[0]) > 1
        mask = self.masks.get(number)
        predicted = self.classes.get(number, TumorClass.GLIOMA if mask is not None else TumorClass.NO_TUMOR)
        waiting = a_record(number)
        changes: dict[str, Any] = {"staged_key": staged_key("multi" if multiframe else f"{number}")}
        if multiframe:
            changes["source"] = waiting.source.model_copy(update={"frame": number})
        images: dict[str, Any] = {
            f"{name}_key": result_key(waiting.scan_id, "attempt", f"{name}.png") for name in ("image", "mask")
        }
        record = mr.answered(number, predicted, mask, **images, **changes)
        image = self.images[0 if multiframe else number]
        data = image if isinstance(image, bytes) else mr.file_bytes(image)
        results = self.world.services.results
        results.put(record.staged_key, data, "application/octet-stream")
        if mask is not None:
            results.put(present(record.mask_key), encode_mask(mask), "image/png")
            results.put(present(record.image_key), picture(np.full(mask.shape, 99, np.uint8)), "image/png")
        return record

    def settle(self, numbers: Sequence[int], **changes: Any) -> list[ScanRecord]:
        """Register these slices, and commit what was found on them."""
        table = self.world.services.table
        found = [self.record(number).model_copy(update=changes) for number in numbers]
        waiting = [each.model_copy(update={"outcome": Outcome.QUEUED}) for each in found]
        table.scans.register(waiting)
        table.scans.commit(found, [Outcome.QUEUED] * len(found))
        return found


def summary(world: World, revision: int = 6) -> Any:
    return json.loads(world.services.results.get(report_key(SERIES, revision, "series.json")))


def objects(world: World, revision: int = 6) -> Any:
    found = {}
    for key in world.keys(f"reports/{SERIES}/{revision:06d}/"):
        if key.endswith(".dcm"):
            found[key.rsplit("/")[-1]] = dcmread(io.BytesIO(world.services.results.get(key)))
    return found


def place_of(orientation: Any, height: Any, rows: Any, columns: Any) -> Any:
    """(x, y, z) in LPS of pixels of a slice, as PS3.3 C.7.6.2.1.1 says."""
    along_row, along_column = np.reshape(orientation, (2, 3))
    corner = np.array([-30.0, -40.0, 10.0]) + height * 3 * np.cross(along_row, along_column)
    return corner[:, None] + along_row[:, None] * mr.SPACING[1] * columns + along_column[:, None] * mr.SPACING[0] * rows


def errors_of(image: Dataset, folder: Any) -> list[str]:
    """What dciodvfy calls an error."""
    path = folder / "object.dcm"
    image.save_as(path, enforce_file_format=True)
    told = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True, check=False)
    return [line for line in told.stderr.splitlines() if line.startswith("Error")]
