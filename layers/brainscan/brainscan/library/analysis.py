"""`brainscan.analyze` and `brainscan.open_model`: scans on this machine -> what was found in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.inference.runtime import Model
from brainscan.inference.shipped import model_dir
from brainscan.library.inputs import Source, find_scans
from brainscan.library.scans import AnalyzedScan, analyze_scans
from brainscan.library.series import AnalyzedSeries, group_series, mark_superseded
from brainscan.library.writing import write_all
from brainscan.settings import limits


@dataclass(frozen=True, repr=False)
class Analysis:
    """What was found: every scan, and every DICOM series and NIfTI volume as a whole."""

    scans: tuple[AnalyzedScan, ...]
    series: tuple[AnalyzedSeries, ...]
    research_use: str = RESEARCH_USE_STATEMENT

    def save(self, folder: str | Path) -> None:
        """Write what `brainscan analyze --out` writes: results, masks, overlays, and the series' reports."""
        write_all(self.scans, self.series, Path(folder), limits())


def open_model(folder: str | Path | None = None, threads: int | None = None) -> Model:
    """Load a model: the one in `folder`, or that of `BRAINSCAN_MODEL_DIR`, or the one that comes with the package.

    Args:
        folder: holds `model.tflite` and `manifest.json`.
        threads: for one run of the network; as many as there are cores if None.

    Raises:
        ModelError: there is none, or its files do not belong together; the text names the remedy.

    Example:
        >>> import brainscan
        >>> model = brainscan.open_model()
        >>> [str(name) for name in model.manifest.classes]
        ['glioma', 'meningioma', 'no_tumor', 'pituitary']
    """
    return Model.load(Path(folder) if folder else model_dir(), threads)


def analyze(source: Source | Sequence[Source], model: Model | None = None) -> Analysis:
    """Classify and segment scans on this machine; nothing leaves it.

    Args:
        source: A file, folder or archive by its path; gray pixels (rows, columns); an image as pydicom read it; or a
            list of these.
        model: From `open_model`; default: opened for this call.

    Returns:
        A scan for each image, and for each file that holds none, in order, an image that was found again later without
        an answer (`superseded`); a series for each that DICOM files belong
        to, and for each NIfTI volume. All of it is held in memory: for a large folder use the command.

    Raises:
        TypeError, ValueError: a source is of no type or shape that can hold a scan.
        ModelError: as `open_model`.

    Example:
        >>> import brainscan, numpy as np
        >>> nothing = np.zeros((64, 64), np.uint8)
        >>> [scan] = brainscan.analyze(nothing).scans
        >>> str(scan.outcome), [str(reason) for reason in scan.reasons]
        ('abstained', ['blank_image'])
        >>> [scan] = brainscan.analyze("tests/data/no such file.png").scans
        >>> str(scan.outcome), [str(reason) for reason in scan.reasons]
        ('rejected', ['unreadable'])
    """
    sources: Sequence[Source] = source if isinstance(source, list | tuple) else [cast(Source, source)]
    model = model or open_model()
    scans = tuple(mark_superseded(list(analyze_scans(find_scans(sources, limits()), model, limits()))))
    return Analysis(scans, tuple(group_series(scans)))
