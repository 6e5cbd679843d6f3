"""Small real image files, made by code, for the tests of this folder."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid

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
