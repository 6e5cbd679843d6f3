"""Device and weighting are read from headers as classic and enhanced images state them, and never as free text."""

from typing import Any

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence as Items

from brainscan.dicom.header import read_header
from brainscan.dicom.origin import traits_of
from brainscan.domain.traits import Sequence
from brainscan.settings import Limits
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient


def classic(**stated: Any) -> Dataset:
    header = Dataset()
    for keyword, value in stated.items():
        setattr(header, keyword, value)
    return header


@pytest.mark.parametrize(
    ("stated", "weighting"),
    [
        ({"ScanningSequence": "SE", "EchoTime": 12, "RepetitionTime": 550}, Sequence.T1),
        ({"ScanningSequence": ["GR", "IR"], "EchoTime": 3, "RepetitionTime": 2300, "InversionTime": 900}, Sequence.T1),
        ({"ScanningSequence": "SE", "EchoTime": 100, "RepetitionTime": 5000}, Sequence.T2),
        ({"ScanningSequence": "SE", "EchoTime": 15, "RepetitionTime": 3000}, Sequence.PROTON_DENSITY),
        ({"ScanningSequence": ["SE", "IR"], "EchoTime": 394, "RepetitionTime": 6000, "InversionTime": 2200}, "flair"),
        ({"ScanningSequence": "IR", "EchoTime": 30, "RepetitionTime": 4000, "InversionTime": 160}, Sequence.OTHER),
        ({"ScanningSequence": "GR", "EchoTime": 20, "RepetitionTime": 28}, Sequence.T2_STAR),
        ({"ScanningSequence": "EP", "EchoTime": 90, "RepetitionTime": 6000, "DiffusionBValue": 1000.0}, "diffusion"),
        ({"ScanningSequence": "SE"}, None),
        ({"RepetitionTime": 500}, None),
    ],
)
def test_a_classic_image_is_weighted_by_its_times(stated: dict[str, Any], weighting: Sequence | str | None) -> None:
    assert traits_of(classic(**stated), 0).sequence == weighting


def test_an_enhanced_image_says_its_contrast_frame_by_frame() -> None:
    frames = []
    for contrast in ("T1", "FLUID_ATTENUATED", "FLOW_ENCODED"):
        group = Dataset()
        group.MRImageFrameTypeSequence = Items([classic(AcquisitionContrast=contrast)])
        frames.append(group)
    header = classic(PerFrameFunctionalGroupsSequence=Items(frames), Manufacturer="Philips", EchoTime="100")
    assert [traits_of(header, n).sequence for n in range(3)] == [Sequence.T1, Sequence.FLAIR, Sequence.OTHER]


def test_nothing_that_a_header_says_in_free_text_is_kept() -> None:
    secret = "DOE^JANE"
    told = dict.fromkeys(("ManufacturerModelName", "StationName", "InstitutionName", "SeriesDescription"), secret)
    image = dicom_object(gradient())
    for keyword, value in (told | {"Manufacturer": "SIEMENS", "DeviceSerialNumber": "4711"}).items():
        setattr(image, keyword, value)
    [traits] = read_header(dicom_bytes(image), Limits()).traits
    assert traits.packed() == "S----"
