"""Coverage-guided fuzzing of every reader: `python -m tests.fuzz [SECONDS] [READER ...]`, with atheris installed.

Each reader gets mutated files, starting from small good ones, and may answer or refuse with a reason; whatever else
happens stops the fuzzer and leaves its input behind. It is no part of the ordinary tests: `pip install atheris` first.
"""

import contextlib
import gzip
import io
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["brainscan", "pydicom.filereader", "tarfile", "zipfile"]):
    import nibabel as nib
    import numpy as np
    from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

    from brainscan.archive import upload_files, upload_kind
    from brainscan.dicom.directory import read_directory
    from brainscan.dicom.header import read_header
    from brainscan.domain import Kind, ScanError
    from brainscan.events import parse_part, parse_scan, parse_uploads
    from brainscan.imaging.decode import count_frames, decode
    from brainscan.imaging.sniff import sniff
    from brainscan.settings import MIB, Limits

from tests.making import png, s3_event, tarred, zipped
from tests.unit.imaging.files import dicom_bytes, dicom_object, gradient, htj2k_bytes, picture, transcoded

LIMITS = Limits(scan_bytes=4 * MIB, pixels=MIB, expanded_bytes=16 * MIB, archive_bytes=16 * MIB)
DEEP = (gradient(16, 16, np.uint16) * 20).astype(np.uint16)
PLAIN = dicom_bytes(dicom_object(DEEP))
LOSSLESS = (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, RLELossless)
MEMORY_MIB = 2048
SECONDS_AN_INPUT = 10


def image(kind: Kind) -> Callable[[bytes], object]:
    """A reader of one kind of image."""

    def read(data: bytes) -> None:
        count_frames(data, kind, LIMITS)
        decode(data, kind, LIMITS)

    return read


def dicom_header(data: bytes) -> None:
    read_directory(data)
    read_header(data, LIMITS)


def archive(data: bytes) -> None:
    content = io.BytesIO(data)
    for _ in upload_files(content, upload_kind(content), "upload", len(data), LIMITS):
        pass


def messages(data: bytes) -> None:
    body = data.decode(errors="replace")
    for parse in (parse_uploads, parse_part, parse_scan):
        try:
            parse(body)
        except Exception as error:
            if type(error).__name__ != "MessageError":
                raise


IMAGES = {
    "png": (image(Kind.PNG), [png(16)]),
    "jpeg": (image(Kind.JPEG), [picture(gradient(), "JPEG")]),
    "tiff": (image(Kind.TIFF), [picture(DEEP, "TIFF"), picture(DEEP, "TIFF", compression="tiff_lzw")]),
    "nifti": (image(Kind.NIFTI), [nib.Nifti1Image(np.dstack([DEEP, DEEP]), np.eye(4)).to_bytes()]),
    "dicom": (image(Kind.DICOM), [dicom_bytes(dicom_object(DEEP)), dicom_bytes(dicom_object(DEEP), preamble=False)]),
    "compressed": (image(Kind.DICOM), [*(transcoded(PLAIN, uid) for uid in LOSSLESS), htj2k_bytes()[0]]),
}
READERS: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = IMAGES | {
    "header": (dicom_header, [dicom_bytes(dicom_object(DEEP))]),
    "archive": (
        archive,
        [zipped({"a": png(8), "b.zip": zipped({"c": b"d"})}), tarred({"a": png(8)}), gzip.compress(png(8))],
    ),
    "sniff": (sniff, [png(8)]),
    "messages": (messages, [s3_event("uploads", "a+b.png").encode()]),
}


def fuzz(name: str, seconds: int) -> None:
    """Fuzz one reader; atheris ends the process."""
    read, samples = READERS[name]
    print(f"== {name}", flush=True)

    def once(data: bytes) -> None:
        with contextlib.suppress(ScanError):
            read(data)

    with tempfile.TemporaryDirectory() as folder:
        for place, sample in enumerate(samples):
            (Path(folder) / str(place)).write_bytes(sample)
        bounds = [f"-max_total_time={seconds}", f"-rss_limit_mb={MEMORY_MIB}", f"-timeout={SECONDS_AN_INPUT}"]
        atheris.Setup([sys.argv[0], *bounds, "-max_len=65536", "-print_final_stats=1", folder], once)
        atheris.Fuzz()


def main() -> int:
    seconds, names = int(sys.argv[1]) if len(sys.argv) > 1 else 60, sys.argv[2:] or list(READERS)
    if len(names) == 1:
        fuzz(names[0], seconds)
    failed = [
        name for name in names if subprocess.run([sys.executable, "-m", "tests.fuzz", str(seconds), name]).returncode
    ]
    print("failed:", ", ".join(failed) or "none")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
