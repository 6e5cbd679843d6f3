"""What all objects of one report share: their place in the study, their identity, who made them and when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from pydicom import Dataset
from pydicom.uid import Comprehensive3DSRStorage, SecondaryCaptureImageStorage, SegmentationStorage

from brainscan.dicom.coding import ALGORITHM_NAME, MANUFACTURER
from brainscan.dicom.values import number
from brainscan.identity import Pseudonyms


class ReportObject(StrEnum):
    """The objects of a report; the value is the file's name short of `.dcm`."""

    SEGMENTATION = "seg"
    REPORT = "sr"
    CAPTURE = "capture"


SOP_CLASSES: Final = {
    ReportObject.SEGMENTATION: SegmentationStorage,
    ReportObject.REPORT: Comprehensive3DSRStorage,
    ReportObject.CAPTURE: SecondaryCaptureImageStorage,
}
SERIES_DESCRIPTIONS: Final = {
    ReportObject.SEGMENTATION: "brainscan tumor segmentation, research use only",
    ReportObject.REPORT: "brainscan measurements, research use only",
    ReportObject.CAPTURE: "brainscan key slice, research use only",
}


@dataclass(frozen=True)
class ReportIdentity:
    """Identity of a report's objects: the same series and revision always give the same UIDs.

    Each kind of object has a series of its own in the study; a later revision is another instance of it.
    """

    pseudonyms: Pseudonyms
    series_id: str
    revision: int
    model_id: str
    created_at: datetime

    def instance_uid(self, kind: ReportObject) -> str:
        """SOP Instance UID."""
        return self.pseudonyms.uid("instance", self.series_id, kind, self.revision)

    def tracking_uid(self, name: str) -> str:
        """Identity of a finding over all revisions."""
        return self.pseudonyms.uid("tracking", self.series_id, name)

    def device_uid(self) -> str:
        """Identity of the model as an observer."""
        return self.pseudonyms.uid("device", self.model_id)

    def series_arguments(self, kind: ReportObject, source: Dataset) -> dict[str, Any]:
        """The arguments of highdicom's constructors that place an object in its series.

        Args:
            source: an image of the source series; the objects' series are numbered after it.
        """
        after = min(max(int(number(source, "SeriesNumber") or 0), 0), 9999)
        return {
            "series_instance_uid": self.pseudonyms.uid("series", self.series_id, kind),
            "series_number": after * 100 + 91 + list(ReportObject).index(kind),
            "series_description": SERIES_DESCRIPTIONS[kind],
            "sop_instance_uid": self.instance_uid(kind),
            "instance_number": self.revision,
            "manufacturer": MANUFACTURER,
            "manufacturer_model_name": ALGORITHM_NAME,
            "software_versions": self.model_id,
            "device_serial_number": self.model_id,
            "content_date": self.created_at.date(),
            "content_time": self.created_at.time(),
        }

    def make_repeatable(self, made: Dataset) -> None:
        """Take the time of writing and random UIDs out of an object: a repeat writes the same bytes."""
        made.InstanceCreationDate = self.created_at.strftime("%Y%m%d")
        made.InstanceCreationTime = self.created_at.strftime("%H%M%S.%f")
        for equipment in made.get("ContributingEquipmentSequence", []):
            if "ContributionDateTime" in equipment:
                equipment.ContributionDateTime = self.created_at.strftime("%Y%m%d%H%M%S.%f")
        dimensions = self.pseudonyms.uid("dimensions", made.SOPInstanceUID)
        for organized in (*made.get("DimensionOrganizationSequence", []), *made.get("DimensionIndexSequence", [])):
            organized.DimensionOrganizationUID = dimensions
