"""Whatever is odd about a series, two validators find no error in what is written of it, and it is of one patient."""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from brainscan.pipeline.report import report
from tests import series as mr
from tests.conftest import World
from tests.unit.dicom.odd import encoded_as, with_raw
from tests.unit.pipeline.reporting import SERIES, errors_of, objects, summary

pytestmark = pytest.mark.skipif(
    which("dciodvfy") is None or which("dcentvfy") is None, reason="no dciodvfy and dcentvfy (Debian: dicom3tools)"
)
Series = Sequence[Dataset | bytes]


def raw(keyword: int | str, vr: str, value: bytes) -> Callable[[], Series]:
    """A series of which each image has one element with this VR and exactly these bytes."""
    return lambda: [with_raw(each, keyword, vr, value, ExplicitVRLittleEndian) for each in mr.mr_series()]


def stated(**changes: Any) -> Callable[[], Series]:
    return lambda: mr.mr_series(**changes)


def without(*keywords: str) -> Callable[[], Series]:
    def made() -> Series:
        images = mr.mr_series()
        for image in images:
            for keyword in keywords:
                delattr(image, keyword)
        return images

    return made


def encoded(syntax: Any) -> Callable[[], Series]:
    return lambda: [encoded_as(each, syntax) for each in mr.mr_series()]


def enhanced() -> Series:
    return [mr.enhanced(mr.mr_series())]


def enhanced_without_groups() -> Series:
    image = mr.enhanced(mr.mr_series())
    del image.PerFrameFunctionalGroupsSequence
    return [image]


def uneven() -> Series:
    images = mr.mr_series()
    images[-1].ImagePositionPatient = [float(each) + 4 for each in images[-1].ImagePositionPatient]
    return images


def crossing() -> Series:
    images = mr.mr_series()
    for image in images[3:]:
        image.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    return images


def repeated(keyword: str, *values: Any) -> Callable[[], Series]:
    """Three places, imaged once with each value."""

    def made() -> Series:
        images = mr.mr_series()
        for number, image in enumerate(images):
            image.ImagePositionPatient = images[number % 3].ImagePositionPatient
            setattr(image, keyword, values[number // 3])
        return images

    return made


def compressed(syntax: Any, *, multiframe: bool = False) -> Callable[[], Series]:
    def made() -> Series:
        images = [mr.enhanced(mr.mr_series())] if multiframe else mr.mr_series()
        for image in images:
            image.compress(syntax, generate_instance_uid=False)
        return images

    return made


def of_bytes() -> Series:
    images = mr.mr_series(BitsAllocated=8, BitsStored=8, HighBit=7)
    for image in images:
        image.PixelData = bytes(mr.ROWS * mr.COLUMNS)
    return images


def with_icon() -> Series:
    images = mr.mr_series()
    for image in images:
        icon = Dataset()
        icon.Rows = icon.Columns = 2
        icon.BitsAllocated, icon.PixelData = 8, bytes(4)
        image.IconImageSequence = [icon]
    return images


def with_stray_delimiter() -> Series:
    stray = b"\xfe\xff\xdd\xe0\0\0\0\0"
    files = [mr.file_bytes(each) for each in mr.mr_series()]
    return [file.replace(b"\x18\0\x50\0DS", stray + b"\x18\0\x50\0DS", 1) for file in files]


def aspect_alone() -> Series:
    images = mr.mr_series(PixelAspectRatio=[2, 1])
    for image in images:
        del image.PixelSpacing
    return images


def without_one_position() -> Series:
    image = mr.enhanced(mr.mr_series())
    del image.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence
    return [image]


KINDS: dict[str, Callable[[], Series]] = {
    "nothing": stated(),
    "odd bytes nobody needs": raw("SmallestImagePixelValue", "US", b"\0\0\0"),
    "odd private element": raw(0x00191090, "FL", b"\0\0\x80?\0\0"),
    "fraction": raw("InstanceNumber", "IS", b"1.5 "),
    "rescale with a comma": raw("RescaleSlope", "DS", b"1,25"),
    "spacing as text": raw("PixelSpacing", "UT", b"1.5\\1.25"),
    "position as text": raw("SliceThickness", "LO", b"2,0 "),
    "age that is none": raw("PatientAge", "AS", b"sixty "),
    "sex that is none": stated(PatientSex="male"),
    "birth date that is none": raw("PatientBirthDate", "DA", b"1953.4.5"),
    "time that is none": raw("StudyTime", "TM", b"10:11:12"),
    "name of bytes": raw("PatientName", "PN", "ERFUNDEN^JÜRGEN ".encode("latin-1")),
    "control characters": raw("StudyDescription", "LO", b"a\tb\x07c\n "),
    "several values": stated(AccessionNumber=["A", "B"], StudyDescription=["one", "two"]),
    "long values": stated(AccessionNumber="A" * 44, StudyID="S" * 44, StudyDescription="d" * 200, PatientName="N" * 99),
    "empty identity": stated(PatientID="", PatientName="", StudyDate="", StudyTime="", AccessionNumber=""),
    "missing identity": without("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyID"),
    "leading zeros": stated(StudyInstanceUID="1.2.03.1", SeriesInstanceUID="1.2.03.007"),
    "no frame of reference": without("FrameOfReferenceUID", "PositionReferenceIndicator"),
    "no orientation": without("ImageOrientationPatient"),
    "no instance number": without("InstanceNumber"),
    "no spacing": without("PixelSpacing"),
    "no thickness": without("SliceThickness"),
    "one instance UID": stated(SOPInstanceUID="1.2.3.4.5"),
    "gap for a distance": stated(SpacingBetweenSlices="1"),
    "negative distance": stated(SpacingBetweenSlices="-6"),
    "uneven": uneven,
    "oblique": lambda: mr.mr_series(orientation=mr.OBLIQUE),
    "crossing planes": crossing,
    "enhanced": enhanced,
    "enhanced without groups": enhanced_without_groups,
    "secondary capture": stated(SOPClassUID="1.2.840.10008.5.1.4.1.1.7", ConversionType="WSD"),
    "big endian": encoded(ExplicitVRBigEndian),
    "implicit": encoded(ImplicitVRLittleEndian),
    "deflated": encoded(DeflatedExplicitVRLittleEndian),
    "run lengths": compressed(RLELossless),
    "JPEG-LS": compressed(JPEGLSLossless),
    "enhanced, JPEG 2000": compressed(JPEG2000Lossless, multiframe=True),
    "enhanced without one position": without_one_position,
    "two echoes": repeated("EchoTime", 12, 90),
    "two time points": repeated("TemporalPositionIdentifier", 1, 2),
    "two b-values": repeated("DiffusionBValue", 0.0, 1000.0),
    "oblong pixels": stated(PixelSpacing=["1.25", "2.5"]),
    "aspect ratio alone": aspect_alone,
    "white on black": stated(PhotometricInterpretation="MONOCHROME1"),
    "filler": stated(PixelPaddingValue=0),
    "bytes": of_bytes,
    "icon": with_icon,
    "stray delimiter": with_stray_delimiter,
    "text as UID": raw("SOPInstanceUID", "UI", b"image "),
    "derived": stated(ImageType=["DERIVED", "SECONDARY", "OTHER"], DerivationDescription="filtered"),
    "another part": stated(BodyPartExamined="KNEE", Laterality="R"),
    "Latin-1 without a set": raw("SpecificCharacterSet", "CS", b""),
    "high bit": stated(HighBit=15),
    "odd equipment": stated(Manufacturer="", SoftwareVersions=["1", "2"], DeviceSerialNumber="x" * 99),
}


_OF_SOURCE = "Leading zeroes in embedded numeric component"
"""An image is referred to by the UID that its PACS knows it by, whatever is wrong with that."""


@pytest.mark.parametrize("kind", KINDS)
def test_no_validator_finds_an_error(world: World, scanned: Callable[..., Any], tmp_path: Path, kind: str) -> None:
    images = KINDS[kind]()
    scanned(images, masks=dict.fromkeys((2, 3, 4), mr.disc(8)))
    report(SERIES, world.services)
    made = objects(world)
    withheld = summary(world)["withheld"]
    assert {"seg", "sr", "capture"} == {name.removesuffix(".dcm") for name in made} | (set(withheld) - {"labels"})
    assert "sr.dcm" in made
    errors = {
        name: [each for each in errors_of(image, tmp_path) if _OF_SOURCE not in each] for name, image in made.items()
    }
    assert errors == {name: [] for name in made}
    assert len({(str(each.PatientName), each.PatientID, each.StudyInstanceUID) for each in made.values()}) == 1
    assert _disagreements(list(made.values()), tmp_path) == []


def _disagreements(made: Sequence[Dataset], folder: Path) -> list[str]:
    """What dcentvfy calls an error: entities that objects state differently."""
    paths = [folder / f"{number}.dcm" for number in range(len(made))]
    for image, path in zip(made, paths, strict=True):
        image.save_as(path, enforce_file_format=True)
    told = subprocess.run(["dcentvfy", *map(str, paths)], capture_output=True, check=False)
    lines = (told.stdout + told.stderr).decode(errors="replace").splitlines()
    return [line for line in lines if line.startswith("Error")]


def test_the_validators_would_notice(tmp_path: Path) -> None:
    one, other = mr.mr_series(2)
    other.PatientName = "Other"
    assert _disagreements([one, other], tmp_path)
    del one.Modality
    assert errors_of(one, tmp_path)
