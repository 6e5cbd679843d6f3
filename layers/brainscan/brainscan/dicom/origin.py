"""What a header says of the device that took an image and of its weighting: terms of closed lists, no free text."""

from typing import Final

from pydicom import Dataset

from brainscan.dicom.geometry import macro
from brainscan.dicom.values import number, text, texts
from brainscan.domain.devices import device_code
from brainscan.domain.traits import Sequence, Traits

ORIGIN: Final = (
    "Manufacturer", "ManufacturerModelName", "AcquisitionContrast", "ScanningSequence",
    "EchoTime", "RepetitionTime", "InversionTime", "DiffusionBValue",
)  # fmt: skip
"""Keywords that are read."""

_CONTRASTS: Final = {
    "DIFFUSION": Sequence.DIFFUSION,
    "FLUID_ATTENUATED": Sequence.FLAIR,
    "PERFUSION": Sequence.PERFUSION,
    "PROTON_DENSITY": Sequence.PROTON_DENSITY,
    "T1": Sequence.T1,
    "T2": Sequence.T2,
    "T2_STAR": Sequence.T2_STAR,
}
"""Defined terms of Acquisition Contrast (0008,9209), which enhanced images state; all others are `OTHER`."""

LONG_INVERSION_MS: Final = 1400
"""Inversion times of fluid at 1.5 and 3 T are above, those of white matter (T1) and fat (STIR) below."""
SHORT_INVERSION_MS: Final = 300
LONG_ECHO_MS: Final = 60
SHORT_ECHO_MS: Final = 40
SUSCEPTIBLE_ECHO_MS: Final = 12
"""A gradient echo as late shows T2*."""
LONG_REPETITION_MS: Final = 1500


def traits_of(dataset: Dataset, frame: int) -> Traits:
    """Device and weighting of a frame; what intake knows before a pixel is decoded."""
    device = device_code(text(dataset, "Manufacturer"), text(dataset, "ManufacturerModelName"))
    return Traits(device=device, sequence=_stated(dataset, frame) or _timed(dataset))


def _stated(dataset: Dataset, frame: int) -> Sequence | None:
    """The weighting of an enhanced image, as it says itself."""
    own = macro(dataset, frame, "MRImageFrameTypeSequence")
    contrast = (text(own, "AcquisitionContrast") or text(dataset, "AcquisitionContrast")).upper()
    return _CONTRASTS.get(contrast, Sequence.OTHER) if contrast not in {"", "UNKNOWN", "MIXED"} else None


def _timed(dataset: Dataset) -> Sequence | None:
    """The weighting of a classic image, by its times; None where it states no echo time."""
    echo, repetition = number(dataset, "EchoTime"), number(dataset, "RepetitionTime")
    inversion = number(dataset, "InversionTime") or 0.0
    kinds = {each.upper() for each in texts(dataset, "ScanningSequence")}
    if number(dataset, "DiffusionBValue"):
        return Sequence.DIFFUSION
    if echo is None:
        return None
    if inversion >= LONG_INVERSION_MS:
        return Sequence.FLAIR if echo >= LONG_ECHO_MS else Sequence.OTHER
    if 0 < inversion < SHORT_INVERSION_MS:
        return Sequence.OTHER
    if "GR" in kinds and "SE" not in kinds and echo >= SUSCEPTIBLE_ECHO_MS:
        return Sequence.T2_STAR
    if echo < SHORT_ECHO_MS:
        spin_echo = repetition is not None and repetition >= LONG_REPETITION_MS
        return Sequence.PROTON_DENSITY if spin_echo and not inversion else Sequence.T1
    return Sequence.T2 if echo >= LONG_ECHO_MS else Sequence.OTHER
