"""Headers as the file of a small slice has them."""

from typing import Any

from pydicom import Dataset

from brainscan.dicom.header import Header, read_header
from brainscan.settings import Limits
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient

PIXELS = gradient(8, 8)
ORIGINAL = ["ORIGINAL", "PRIMARY", "M", "SE"]


def header(**elements: Any) -> Header:
    return read_header(dicom_bytes(dicom_object(PIXELS, **{"ImageType": ORIGINAL} | elements)), Limits())


def coded(value: str, scheme: str, meaning: str) -> list[Dataset]:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return [code]
