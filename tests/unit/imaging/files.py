"""Small real image files, made by code, for the tests of this folder."""

import base64
import io
import struct
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gdcm  # type: ignore[import-untyped]
import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRLittleEndian, HTJ2KLossless, MRImageStorage, generate_uid

SECRET = "DOE^JANE"
"""A patient's name that no message may repeat."""


def gradient(rows: int = 24, columns: int = 32, dtype: type[np.generic] = np.uint8) -> npt.NDArray[Any]:
    """(rows, columns), every pixel different from its neighbours, noise on top so that files do not compress away."""
    ramp = np.add.outer(np.arange(rows) * 3, np.arange(columns) * 2)
    return (ramp + np.random.default_rng(7).integers(0, 40, ramp.shape)).astype(dtype)


def picture(pixels: npt.NDArray[Any], name: str = "PNG", mode: str | None = None, **options: Any) -> bytes:
    """Any file that Pillow writes."""
    image = Image.fromarray(pixels)
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, name, **options)
    return file.getvalue()


def png_header(columns: int, rows: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(tag: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def dicom_object(pixels: npt.NDArray[Any], **elements: Any) -> Dataset:
    """A small MR object; keyword arguments add or replace elements."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["test"])
    dataset.PatientName = SECRET
    dataset.Modality = "MR"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = pixels.shape[2] if pixels.ndim == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.PixelData = pixels.tobytes()
    return dataset


def dicom_bytes(dataset: Dataset, transfer_syntax: UID = ExplicitVRLittleEndian, preamble: bool = True) -> bytes:
    """The object as a file, with preamble and meta information or as the bare data set."""
    file = io.BytesIO()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    if preamble:
        dataset.save_as(file, enforce_file_format=True)
    else:
        implicit = transfer_syntax.is_implicit_VR
        del dataset.file_meta
        dataset.save_as(file, implicit_vr=implicit, little_endian=True)
    return file.getvalue()


HTJ2K_RAMP = base64.b85decode(
    "|4;u>04YEK0000G0000G00000000000000G0000G0000000000009pH0sl|{2mk^A000XAQUDA90ssL31q1{@0smY86Cj9?kdTm&kdTm&kdTmwh"
    "=~7W02crOPjF>!N>E53R%LP^FfKASE;BCwkN^q*00000e*gjhlfVEbYy1TVbN~Rr024p}69C%&0ta*eNc;kabO68r6F>kHfNX35f^+~PiueG7Q~"
    "<yL6)*q=STdPR_Ns9LbpQ+*7#RM*F@fy10Kfn%pa2$tj^j9v<2dKadU|kzcmQ_Wwr$(C{e&QU_7H*Wx&Z&#"
)
"""A lossless HTJ2K code stream of 16 x 16 pixels, (3 row + 2 column) x 20; pydicom has no encoder for it."""


def htj2k_bytes(transfer_syntax: UID = HTJ2KLossless) -> tuple[bytes, npt.NDArray[np.uint16]]:
    """An HTJ2K file and its pixels."""
    ramp = (np.add.outer(np.arange(16) * 3, np.arange(16) * 2) * 20).astype(np.uint16)
    dataset = dicom_object(ramp)
    dataset.PixelData = encapsulate([HTJ2K_RAMP])
    return dicom_bytes(dataset, transfer_syntax), ramp


def transcoded(data: bytes, transfer_syntax: UID) -> bytes:
    """The same object in another lossless compression."""
    with TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "plain", Path(folder) / "packed"
        plain.write_bytes(data)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(plain))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str.__str__(transfer_syntax))))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.SetFileName(str(packed))
        assert writer.Write()
        return packed.read_bytes()
