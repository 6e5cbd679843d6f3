"""What `sniff` says, and that names have no say."""

import gzip
import io
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from brainscan.domain import Kind
from brainscan.imaging.sniff import HEAD_BYTES, sniff
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient, picture


def nifti_header(version: int, byte_order: str, magic: bytes) -> bytes:
    if version == 1:
        return struct.pack(f"{byte_order}i", 348) + bytes(340) + magic
    return struct.pack(f"{byte_order}i", 540) + magic + b"\r\n\x1a\n" + bytes(528)


def zip_archive(entries: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for entry in range(entries):
            archive.writestr(str(entry), b"content")
    return file.getvalue()


def tar_archive(layout: int) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=layout) as archive:
        archive.addfile(tarfile.TarInfo("entry"))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(picture(gradient()), Kind.PNG, id="PNG"),
        pytest.param(picture(gradient(), "JPEG"), Kind.JPEG, id="JPEG"),
        pytest.param(picture(gradient(), "TIFF"), Kind.TIFF, id="TIFF, little endian"),
        pytest.param(picture(gradient(dtype=np.uint16).astype(">u2"), "TIFF"), Kind.TIFF, id="TIFF, big endian"),
        pytest.param(picture(gradient(), "TIFF", big_tiff=True), Kind.TIFF, id="BigTIFF"),
        pytest.param(nifti_header(1, "<", b"n+1\x00"), Kind.NIFTI, id="NIfTI-1"),
        pytest.param(nifti_header(1, ">", b"ni1\x00"), Kind.NIFTI, id="NIfTI-1 pair, big endian"),
        pytest.param(nifti_header(2, "<", b"n+2\x00"), Kind.NIFTI, id="NIfTI-2"),
        pytest.param(gzip.compress(b"anything"), Kind.GZIP, id="gzip"),
        pytest.param(zip_archive(1), Kind.ZIP, id="ZIP"),
        pytest.param(zip_archive(0), Kind.ZIP, id="ZIP without entries"),
        pytest.param(tar_archive(tarfile.USTAR_FORMAT), Kind.TAR, id="tar, POSIX"),
        pytest.param(tar_archive(tarfile.GNU_FORMAT), Kind.TAR, id="tar, GNU"),
        pytest.param(dicom_bytes(dicom_object(gradient())), Kind.DICOM, id="DICOM with preamble"),
        pytest.param(
            dicom_bytes(dicom_object(gradient()), ExplicitVRLittleEndian, preamble=False),
            Kind.DICOM,
            id="bare DICOM, explicit VR",
        ),
        pytest.param(
            dicom_bytes(dicom_object(gradient()), ImplicitVRLittleEndian, preamble=False),
            Kind.DICOM,
            id="bare DICOM, implicit VR",
        ),
        pytest.param(dicom_bytes(dicom_object(gradient()))[132:], Kind.DICOM, id="DICOM with meta, no preamble"),
        pytest.param(b"", Kind.EMPTY, id="empty"),
        pytest.param(b"MRI of the head, see attached", Kind.OTHER, id="text"),
        pytest.param(b"\x08\x00\x05\x00 by chance, then text that is no DICOM", Kind.OTHER, id="almost DICOM"),
        pytest.param(bytes(4096), Kind.OTHER, id="zeros"),
    ],
)
def test_content_tells_the_kind(content: bytes, kind: Kind) -> None:
    assert sniff(content[:HEAD_BYTES]) is kind


def test_a_dicom_file_stays_dicom_with_a_tiff_header_in_its_preamble() -> None:
    content = dicom_bytes(dicom_object(gradient()))
    assert sniff(b"II*\x00" + content[4:]) is Kind.DICOM


@given(st.binary(max_size=400))
def test_no_content_makes_it_raise(content: bytes) -> None:
    assert sniff(content) in Kind


@given(st.integers(0, 400))
def test_a_head_cut_anywhere_does_not_make_it_raise(length: int) -> None:
    assert sniff(dicom_bytes(dicom_object(gradient()), ImplicitVRLittleEndian, preamble=False)[:length]) in Kind
