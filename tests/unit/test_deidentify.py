"""De-identified copies hold nothing of the patient, hold together, and say how they were made."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset, dcmread
from pydicom.datadict import keyword_for_tag
from typer.testing import CliRunner

from brainscan.cli.main import app
from brainscan.dicom.deidentify import deidentified, encoded
from brainscan.domain import Reason, ScanError
from brainscan.identity import Pseudonyms
from brainscan.imaging.burned_in import shows_text
from brainscan.settings import Limits
from brainscan_local.phantom import write_export
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient

NAME, DATE = "CANARY^JANE", "19610203"
PIXELS = gradient(16, 16)
SECRET = Pseudonyms(b"one")
SHARED = Path(os.environ.get("BRAINSCAN_SHARED", "../shared")) / "data/dicom"


def identifying(picture: np.ndarray = PIXELS, **elements: Any) -> Dataset:
    """An image that names its patient wherever a writer might: at the top, nested, and in private attributes."""
    inner, request = Dataset(), Dataset()
    inner.ReferencedSOPClassUID, inner.ReferencedSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.4", "1.2.3.4.5"
    inner.PatientName, inner.StudyDate = NAME, DATE
    request.RequestedProcedureDescription, request.ScheduledProcedureStepStartDate = NAME, DATE
    known = {
        "PatientID": NAME,
        "PatientBirthDate": DATE,
        "PatientAddress": NAME,
        "OtherPatientIDs": NAME,
        "AccessionNumber": NAME[:16],
        "StudyDate": DATE,
        "AcquisitionDateTime": DATE,
        "InstitutionName": NAME,
        "ReferringPhysicianName": NAME,
        "OperatorsName": NAME,
        "StudyDescription": NAME,
        "SeriesDescription": NAME,
        "ImageComments": NAME,
        "PatientComments": NAME,
        "DeviceSerialNumber": NAME,
        "StationName": NAME,
        "StudyInstanceUID": "1.2.3.4",
        "SeriesInstanceUID": "1.2.3.5",
        "FrameOfReferenceUID": "1.2.3.6",
        "ReferencedImageSequence": [inner],
        "RequestAttributesSequence": [request],
    }
    dataset = dicom_object(picture, **known | elements)
    block = dataset.private_block(0x0011, "CANARY MAKER", create=True)
    block.add_new(0x01, "LO", NAME)
    block.add_new(0x02, "UN", NAME.encode())
    return dataset


def copy_of(dataset: Dataset, pseudonyms: Pseudonyms = SECRET) -> Dataset:
    return dcmread(io.BytesIO(encoded(deidentified(dicom_bytes(dataset), pseudonyms, Limits(), shows_text))))


def test_no_byte_of_the_copy_names_the_patient_and_pixels_are_the_same() -> None:
    data = bytearray(dicom_bytes(identifying()))
    data[:128] = NAME.encode().ljust(128)
    written = encoded(deidentified(bytes(data), SECRET, Limits(), shows_text))
    assert NAME.encode() in data
    for planted in (b"CANARY", b"JANE", DATE.encode(), b"1.2.3.4", b"1.2.3.5", b"1.2.3.6"):
        assert planted not in written
    np.testing.assert_array_equal(dcmread(io.BytesIO(written)).pixel_array, PIXELS)


def test_the_method_is_recorded_as_a_code() -> None:
    copied = copy_of(identifying())
    [code] = copied.DeidentificationMethodCodeSequence
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113100", "DCM")
    assert (copied.PatientIdentityRemoved, copied.LongitudinalTemporalInformationModified) == ("YES", "REMOVED")


def test_series_studies_and_patients_hold_together_and_secrets_keep_them_apart() -> None:
    first = copy_of(identifying(SOPInstanceUID="1.2.3.4.5"))
    second = copy_of(identifying(SOPInstanceUID="1.2.3.4.6"))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert first[keyword].value == second[keyword].value
        assert copy_of(identifying(), Pseudonyms(b"other"))[keyword].value != first[keyword].value
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert second.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert copy_of(identifying(PatientID="SOMEBODY ELSE")).PatientID != first.PatientID


def test_uids_of_the_standard_stay() -> None:
    copied = copy_of(identifying())
    assert copied.SOPClassUID == "1.2.840.10008.5.1.4.1.1.4"
    assert copied.ReferencedImageSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.4"


@pytest.mark.parametrize(
    "elements", [{"BurnedInAnnotation": "YES"}, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}], ids=["stated", "class"]
)
def test_pictures_that_may_show_a_name_are_refused(elements: dict[str, Any]) -> None:
    with pytest.raises(ScanError) as refused:
        deidentified(dicom_bytes(identifying(**elements)), SECRET, Limits(), shows_text)
    assert refused.value.reason is Reason.BURNED_IN_TEXT


def test_a_picture_in_whose_pixels_a_name_stands_is_refused() -> None:
    image = Image.new("L", (128, 128))
    ImageDraw.Draw(image).ellipse((30, 30, 98, 118), 90)
    assert copy_of(identifying(picture=np.asarray(image))).PatientName != NAME
    ImageDraw.Draw(image).text((4, 4), NAME, 200, ImageFont.load_default(11))
    with pytest.raises(ScanError) as refused:
        copy_of(identifying(picture=np.asarray(image), BurnedInAnnotation="NO"))
    assert refused.value.reason is Reason.BURNED_IN_TEXT


def test_the_command_copies_an_export_under_new_names(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export.zip", size=32, slices=2)
    done = CliRunner().invoke(app, ["deidentify", str(export), "--out", str(tmp_path / "copies")])
    copies = [dcmread(path) for path in (tmp_path / "copies").rglob("*.dcm")]
    assert len(copies) == 3 * (2 + 1)
    assert len({copied.PatientID for copied in copies}) == 3
    assert not any("PHANTOM" in str(copied.PatientID) + str(copied.PatientName) for copied in copies)
    assert done.exit_code == 0, done.output
    assert "10 left out: not_an_image" in done.output


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public DICOM samples are not beside the checkout")
def test_real_objects_of_every_vendor_are_copied_with_their_pixels() -> None:
    for path in sorted(SHARED.rglob("*.dcm")):
        before = dcmread(path)
        after = dcmread(io.BytesIO(encoded(deidentified(path.read_bytes(), SECRET, Limits(), shows_text))))
        assert after.PixelData == before.PixelData
        old = {str(before.get(key)) for key in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")}
        values = {str(element.value) for element in after.iterall()}
        assert not old & values, path
        assert not [keyword_for_tag(each.tag) for each in after.iterall() if each.tag.is_private]
