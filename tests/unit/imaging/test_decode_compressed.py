"""Every compression of DICOM pixels that a decoder exists for gives back the pixels that went in."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from brainscan.domain import Kind, Reason, ScanError
from brainscan.imaging.decode import decode
from brainscan.settings import Limits
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient, htj2k_bytes, picture, transcoded

LIMITS = Limits()
GRAY = gradient(64, 48)
DEEP = (gradient(64, 48, np.uint16) * 15).astype(np.uint16)
SIGNED = (gradient(64, 48, np.int16) * 15 - 900).astype(np.int16)

LOSSLESS = [JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless]

SHARED = Path(os.environ.get("BRAINSCAN_SHARED", "../shared")) / "data/dicom/vendors"


@pytest.mark.parametrize("pixels", [GRAY, DEEP, SIGNED], ids=["8 bits", "16 bits", "signed"])
@pytest.mark.parametrize("transfer_syntax", LOSSLESS, ids=lambda uid: uid.name[:40])
def test_lossless_compressions_give_back_the_pixels(transfer_syntax: Any, pixels: Any) -> None:
    data = transcoded(dicom_bytes(dicom_object(pixels)), transfer_syntax)
    assert dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID == transfer_syntax
    np.testing.assert_array_equal(decode(data, Kind.DICOM, LIMITS).pixels, pixels)


@pytest.mark.parametrize("transfer_syntax", [HTJ2KLossless, HTJ2KLosslessRPCL], ids=lambda uid: uid.name[-20:])
def test_high_throughput_jpeg_2000_gives_back_the_pixels(transfer_syntax: Any) -> None:
    data, pixels = htj2k_bytes(transfer_syntax)
    np.testing.assert_array_equal(decode(data, Kind.DICOM, LIMITS).pixels, pixels)


def test_baseline_jpeg_comes_within_its_own_loss() -> None:
    dataset = dicom_object(GRAY)
    dataset.PixelData = encapsulate([picture(GRAY, "JPEG", quality=95)])
    answer = decode(dicom_bytes(dataset, JPEGBaseline8Bit), Kind.DICOM, LIMITS).pixels
    assert np.abs(answer.astype(int) - GRAY).max() <= 8


def test_twelve_bit_lossy_jpeg_has_no_decoder_and_says_so() -> None:
    dataset = dicom_object(DEEP, BitsStored=12, HighBit=11)
    dataset.PixelData = encapsulate([picture(GRAY, "JPEG")])
    with pytest.raises(ScanError) as refused:
        decode(dicom_bytes(dataset, JPEGExtended12Bit), Kind.DICOM, LIMITS)
    assert refused.value.reason is Reason.UNSUPPORTED_ENCODING


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public DICOM samples are not beside the checkout")
@pytest.mark.parametrize("number", range(1, 5))
def test_each_compressed_form_of_a_real_slice_equals_the_uncompressed_one(number: int) -> None:
    name = f"IM-0001-{number:04d}-0001.dcm"
    uncompressed = dcmread(SHARED / "rle" / name)
    uncompressed.decompress(generate_instance_uid=False)
    expected = decode(dicom_bytes(uncompressed), Kind.DICOM, LIMITS).pixels
    for form in ("rle", "jpeg_lossless", "jpeg_ls", "jpeg2000"):
        np.testing.assert_array_equal(decode((SHARED / form / name).read_bytes(), Kind.DICOM, LIMITS).pixels, expected)
