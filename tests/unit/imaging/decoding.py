"""Decoding of DICOM objects that tests make."""

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from brainscan.domain import Kind, ScanError
from brainscan.imaging.decode import Decoded, decode
from brainscan.settings import Limits
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient

LIMITS = Limits()
GRAY = gradient()
DEEP = (gradient(dtype=np.uint16) * 20).astype(np.uint16)
SIGNED = (gradient(dtype=np.int16) - 60).astype(np.int16)


def decoded(dataset: Dataset, frame: int = 0) -> Decoded:
    return decode(dicom_bytes(dataset), Kind.DICOM, LIMITS, frame)


def refusal(data: bytes) -> ScanError:
    with pytest.raises(ScanError) as refused:
        decode(data, Kind.DICOM, LIMITS)
    return refused.value


def in_form(value: bytes, keyword: str = "RescaleSlope", vr: str = "DS", **others: object) -> Dataset:
    """An image with one attribute in a form of its own, as it comes from a file."""
    dataset = dicom_object(DEEP, **others)
    tag = Tag(keyword)
    dataset[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    return dataset
