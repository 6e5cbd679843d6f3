"""Every compression of DICOM pixels that a decoder exists for gives back the pixels that went in."""

import base64
import os
from pathlib import Path

import gdcm  # type: ignore[import-untyped]
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
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient, picture

LIMITS = Limits()
GRAY = gradient(64, 48)
DEEP = (gradient(64, 48, np.uint16) * 15).astype(np.uint16)
SIGNED = (gradient(64, 48, np.int16) * 15 - 900).astype(np.int16)

GDCM_NAMES = {
    JPEGLossless: gdcm.TransferSyntax.JPEGLosslessProcess14,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    JPEGLSLossless: gdcm.TransferSyntax.JPEGLSLossless,
    JPEG2000Lossless: gdcm.TransferSyntax.JPEG2000Lossless,
    RLELossless: gdcm.TransferSyntax.RLELossless,
}

HTJ2K_RAMP = base64.b85decode(
    "|4;u>04YEK0000G0000G00000000000000G0000G0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&kdTm&kdTmwh"
    "=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000e*gjhlfVEbYy1TVbN~Rr024p}69C%&0ta*eNc;kabO68r6F>kHfNX35f^+~PiueG7Q~"
    "<yL6)*q=STdPR_Ns9LbpQ+*7#RM*F@fy10Kfn%pa2$tj^j9v<2dKadU|kzcmQ_Wwr$(C{e&QU_7H*Wx&Z&#"
)
"""A lossless HTJ2K code stream of 16 x 16 pixels, (3 row + 2 column) x 20; pydicom has no encoder for it."""

SHARED = Path(os.environ.get("BRAINSCAN_SHARED", "../shared")) / "data/dicom/vendors"


@pytest.mark.parametrize("pixels", [GRAY, DEEP, SIGNED], ids=["8 bits", "16 bits", "signed"])
@pytest.mark.parametrize("transfer_syntax", GDCM_NAMES, ids=lambda uid: uid.name[:40])
def test_lossless_compressions_give_back_the_pixels(tmp_path, transfer_syntax, pixels):
    plain, packed = tmp_path / "plain.dcm", tmp_path / "packed.dcm"
    plain.write_bytes(dicom_bytes(dicom_object(pixels)))
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(plain))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(GDCM_NAMES[transfer_syntax]))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(packed))
    assert writer.Write()
    assert dcmread(packed).file_meta.TransferSyntaxUID == transfer_syntax
    np.testing.assert_array_equal(decode(packed.read_bytes(), Kind.DICOM, LIMITS).pixels, pixels)


@pytest.mark.parametrize("transfer_syntax", [HTJ2KLossless, HTJ2KLosslessRPCL], ids=lambda uid: uid.name[-20:])
def test_high_throughput_jpeg_2000_gives_back_the_pixels(transfer_syntax):
    ramp = (np.add.outer(np.arange(16) * 3, np.arange(16) * 2) * 20).astype(np.uint16)
    dataset = dicom_object(ramp)
    dataset.PixelData = encapsulate([HTJ2K_RAMP])
    np.testing.assert_array_equal(decode(dicom_bytes(dataset, transfer_syntax), Kind.DICOM, LIMITS).pixels, ramp)


def test_baseline_jpeg_comes_within_its_own_loss():
    dataset = dicom_object(GRAY)
    dataset.PixelData = encapsulate([picture(GRAY, "JPEG", quality=95)])
    answer = decode(dicom_bytes(dataset, JPEGBaseline8Bit), Kind.DICOM, LIMITS).pixels
    assert np.abs(answer.astype(int) - GRAY).max() <= 8


def test_twelve_bit_lossy_jpeg_has_no_decoder_and_says_so():
    dataset = dicom_object(DEEP, BitsStored=12, HighBit=11)
    dataset.PixelData = encapsulate([picture(GRAY, "JPEG")])
    with pytest.raises(ScanError) as refused:
        decode(dicom_bytes(dataset, JPEGExtended12Bit), Kind.DICOM, LIMITS)
    assert refused.value.reason is Reason.UNSUPPORTED_ENCODING


@pytest.mark.skipif(not SHARED.is_dir(), reason="the public DICOM samples are not beside the checkout")
@pytest.mark.parametrize("number", range(1, 5))
def test_each_compressed_form_of_a_real_slice_equals_the_uncompressed_one(number):
    name = f"IM-0001-{number:04d}-0001.dcm"
    uncompressed = dcmread(SHARED / "rle" / name)
    uncompressed.decompress(generate_instance_uid=False)
    expected = decode(dicom_bytes(uncompressed), Kind.DICOM, LIMITS).pixels
    for form in ("rle", "jpeg_lossless", "jpeg_ls", "jpeg2000"):
        np.testing.assert_array_equal(decode((SHARED / form / name).read_bytes(), Kind.DICOM, LIMITS).pixels, expected)
