"""A medium as PACS write it: DICOM files in PATIENT/STUDY/SERIES folders with a DICOMDIR over them (PS3.10 8)."""

import io
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from pydicom import dcmread
from pydicom.fileset import FileSet
from pydicom.uid import generate_uid


def medium(files: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """Path on the medium and content of its DICOMDIR and of each DICOM file; the same files give the same bytes."""
    listed = FileSet()
    digest = sha256()
    for content in files:
        digest.update(content)
        listed.add(dcmread(io.BytesIO(content)))
    listed.UID = generate_uid(entropy_srcs=[digest.hexdigest()])
    with TemporaryDirectory() as folder:
        listed.write(folder)
        for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
            yield path.relative_to(folder).as_posix(), path.read_bytes()
