"""What intake needs to know of a DICOM image: where it belongs, how many slices it holds, whether it is for us."""

import re
from dataclasses import dataclass
from typing import Final

from pydicom import Dataset

from brainscan.dicom.body_parts import in_capitals
from brainscan.dicom.geometry import frame_order
from brainscan.dicom.origin import traits_of
from brainscan.dicom.pixels import frame_count, read_object
from brainscan.dicom.relevance import Relevance, relevances
from brainscan.dicom.values import text
from brainscan.domain import Reason, ScanError
from brainscan.domain.traits import Traits
from brainscan.settings import Limits

_UMLAUTS: Final = re.compile("([AOU])E")
"""Two letters for one with an accent."""


@dataclass(frozen=True, repr=False)
class Header:
    """Identifiers are in clear: hash them before they go anywhere.

    `orders` holds the place of each frame among the slices of its series, see `frame_order`; `relevances`, what is to
    be made of each; `traits`, how each was taken.
    """

    study_uid: str
    series_uid: str
    instance_uid: str
    patient_id: str
    patient_id_issuer: str
    patient_name: str
    patient_birth_date: str
    orders: tuple[int, ...]
    relevances: tuple[Relevance, ...]
    traits: tuple[Traits, ...]

    @property
    def patient(self) -> tuple[str, ...]:
        """What tells patients apart: the id within its issuer, or where there is none, name and birth date."""
        if self.patient_id:
            return ("id", self.patient_id_issuer, self.patient_id)
        return ("name", self.patient_name, self.patient_birth_date)

    @property
    def person(self) -> tuple[str, ...]:
        """What tells apart those who share an id, as anonymized and nameless ones do: name, however spelled, and birth.

        Within a study, both are the same throughout.
        """
        letters = sorted(re.findall(r"[^\W_]+", in_capitals(self.patient_name)))
        return (_UMLAUTS.sub(r"\1", " ".join(letters)), self.patient_birth_date)

    @property
    def skip(self) -> Reason | None:
        """Why none of the frames is analyzed, if none is."""
        reasons = [each.skip for each in self.relevances]
        return reasons[0] if all(reasons) else None


def read_header(data: bytes, limits: Limits) -> Header:
    """Read the header of a DICOM image; identifiers that are absent are empty.

    Raises:
        ScanError: `NOT_AN_IMAGE` for an object without pixels, `TOO_MANY_ENTRIES` for more than `limits.frames`,
            `UNREADABLE` for a damaged one, and what `read_object` and `frame_count` refuse.
    """
    try:
        return _header(read_object(data, limits.scan_bytes), limits)
    except (ScanError, MemoryError):
        raise
    except Exception:  # pydicom raises nearly anything on damage, and its text may quote the header
        raise ScanError(Reason.UNREADABLE, "the DICOM header is damaged; export the instance again") from None


def _header(dataset: Dataset, limits: Limits) -> Header:
    frames = frame_count(dataset)
    if frames > limits.frames:
        raise ScanError(Reason.TOO_MANY_ENTRIES, f"more than {limits.frames} frames in one file; split it")
    return Header(
        study_uid=text(dataset, "StudyInstanceUID"),
        series_uid=text(dataset, "SeriesInstanceUID"),
        instance_uid=text(dataset, "SOPInstanceUID"),
        patient_id=text(dataset, "PatientID"),
        patient_id_issuer=text(dataset, "IssuerOfPatientID"),
        patient_name=text(dataset, "PatientName"),
        patient_birth_date=text(dataset, "PatientBirthDate"),
        orders=tuple(frame_order(dataset, frame) for frame in range(frames)),
        relevances=relevances(dataset, frames),
        traits=tuple(traits_of(dataset, frame) for frame in range(frames)),
    )
