"""Whether a source says which image it is and where it belongs: without that, nothing can be filed beside it."""

from typing import Final

from highdicom._standard_utils import get_sop_class_iod_map
from pydicom import Dataset

from brainscan.dicom.values import is_uid, texts

IDENTIFIERS: Final = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
"""Type 1 attributes that every object of a report repeats or refers to."""


def unusable_identifiers(header: Dataset) -> tuple[str, ...]:
    """Keywords of the identifiers that are absent, or are none; the class also where no modules are known of it."""
    stated = {keyword: " ".join(texts(header, keyword)) for keyword in IDENTIFIERS}
    missing = [keyword for keyword, uid in stated.items() if not is_uid(uid)]
    if not missing and stated["SOPClassUID"] not in get_sop_class_iod_map():
        missing.append("SOPClassUID")
    return tuple(missing)
