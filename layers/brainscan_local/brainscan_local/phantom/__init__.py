"""Synthetic heads whose lesions are known, and the export of a hospital that scanned them.

head(seed=1, lesion=GLIOMA).volume     # uint16 (12, 256, 256), T1-weighted
write_export(Path("export.zip"))       # three patients' DICOM series, PNGs, and what else exports hold
"""

from brainscan_local.phantom.export import to_dicom, to_png, write_export
from brainscan_local.phantom.head import Phantom, head
from brainscan_local.phantom.lesions import GLIOMA, MENINGIOMA, PITUITARY, LesionSpec

__all__ = [
    "GLIOMA",
    "MENINGIOMA",
    "PITUITARY",
    "LesionSpec",
    "Phantom",
    "head",
    "to_dicom",
    "to_png",
    "write_export",
]
