"""What hospitals upload: loose images, series in archives, slices one by one, new versions, overlaps, and junk.

Each upload is made from the seed and its own number, so that any of them can be left out without changing the others.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

import nibabel
import numpy as np
from PIL import Image
from pydicom.uid import UID

from brainscan.domain import Kind
from brainscan.imaging.decode import decode
from brainscan.imaging.prepare import prepare
from brainscan.settings import Limits
from tests.chaos.network import INPUT_SIZE, fingerprint
from tests.making import png, tarred, zipped
from tests.series import file_bytes, mr_slice

KINDS = ("png", "zip", "again", "elsewhere", "slice", "tar", "junk", "nifti")
WEIGHTS = (30, 20, 10, 8, 20, 5, 5, 2)
PIXELS = 40
"""Different pictures; more would cost time and show nothing new."""


@dataclass(frozen=True, repr=False)
class Upload:
    """One object that is uploaded; `scans` is how many images are in it, `poison` whether one of them kills."""

    number: int
    at: float
    key: str
    data: bytes
    files: int
    scans: int
    poison: bool = False

    def __repr__(self) -> str:
        return f"{self.at:9.3f} s  upload {self.number}: {self.key}, {self.files} files, {self.scans} scans"


def uploads(seed: int, count: int, span_s: float, poisons: int = 0, kinds: Sequence[str] = KINDS) -> list[Upload]:
    """So many uploads, spread over a time; the last few of them may be poisonous.

    Args:
        span_s: Simulated seconds.
        poisons: How many of them hold a scan that kills the process that analyzes it.
        kinds: Which kinds of uploads may be among them.
    """
    weights = [WEIGHTS[KINDS.index(kind)] for kind in kinds]
    made = []
    for number in range(count):
        chance = Random(f"{seed}-{number}")
        kind = chance.choices(kinds, weights)[0]
        at = chance.uniform(0, span_s)
        if number < poisons:
            made.append(_poisonous(number, at, chance))
        else:
            made.append(_MAKERS[kind](seed, number, at, chance))
    return sorted(made, key=lambda each: each.at)


def overwritten(first: int, count: int, begin_s: float, apart_s: float) -> list[Upload]:
    """So many objects, each replaced while it may still be on its way in; numbered from `first`.

    Args:
        begin_s: When the first of them comes, simulated seconds.
        apart_s: From each version to the next.
    """
    made = []
    for place in range(count):
        at = begin_s + 20 * apart_s * place
        for version in range(2):
            number = first + 2 * place + version
            made.append(
                Upload(number, at + version * apart_s, f"again/{first}-{place}.png", _picture(number % PIXELS), 1, 1)
            )
    return made


def poison_fingerprints() -> frozenset[bytes]:
    """How the network tells a poisonous scan."""
    pixels = decode(_poison(), Kind.PNG, Limits()).pixels
    return frozenset({fingerprint(prepare(pixels, INPUT_SIZE).input)})


@cache
def _picture(number: int) -> bytes:
    return png(48, number)


@cache
def _poison() -> bytes:
    rows, columns = np.mgrid[:48, :48]
    out = io.BytesIO()
    Image.fromarray(((rows * columns) % 251).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def _poisonous(number: int, at: float, chance: Random) -> Upload:
    if chance.random() < 0.5:
        return Upload(number, at, f"loose/{number}.png", _poison(), 1, 1, poison=True)
    others = {f"{place}.png": _picture(chance.randrange(PIXELS)) for place in range(5)}
    return Upload(number, at, f"mixed/{number}.zip", zipped({**others, "last.png": _poison()}), 6, 6, poison=True)


def _png(seed: int, number: int, at: float, chance: Random) -> Upload:
    return Upload(number, at, f"loose/{number}.png", _picture(chance.randrange(PIXELS)), 1, 1)


def _slices(seed: int, group: int, count: int) -> dict[str, bytes]:
    """Slices of the series that a group stands for: the same group, the same instances."""
    return {f"IM{place:04d}": slice_file(seed, group, place) for place in range(count)}


@cache
def _headers(place: int) -> tuple[bytes, str]:
    """A slice as a file, and what stands in it wherever an identifier of its series does."""
    image = mr_slice(place + 1, (-30.0, -40.0, 10.0 + 3.0 * place))
    image.StudyInstanceUID = f"{STUDY}.1"
    image.SeriesInstanceUID = f"{SERIES}.1.1"
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(f"{SERIES}.1.1.{place}")
    image.PatientID = STUDY
    return file_bytes(image), SERIES


SERIES, STUDY = "1.2.826.0.1.1000000000", "1.2.826.0.1.2000000000"
"""What is replaced by the numbers of a group and of its study, of the same length."""

SERIES_OF_A_STUDY = 3


def slice_file(seed: int, group: int, place: int) -> bytes:
    """A slice of the series that a group stands for, as a DICOM file."""
    data, series = _headers(place)
    own = f"1.2.826.0.1.1{(seed % 1000):03d}{group:06d}"
    study = f"1.2.826.0.1.2{(seed % 1000):03d}{group // SERIES_OF_A_STUDY:06d}"
    return data.replace(series.encode(), own.encode()).replace(STUDY.encode(), study.encode())


def _zip(seed: int, number: int, at: float, chance: Random) -> Upload:
    slices = _slices(seed, number, chance.randint(3, 10))
    archive = zipped(slices | {"readme.txt": b"hello"})
    return Upload(number, at, f"exports/{number}.zip", archive, len(slices) + 1, len(slices))


def _tar(seed: int, number: int, at: float, chance: Random) -> Upload:
    slices = _slices(seed, number, chance.randint(9, 20))
    return Upload(number, at, f"exports/{number}.tar.gz", tarred(slices, "gz"), len(slices), len(slices))


def _again(seed: int, number: int, at: float, chance: Random) -> Upload:
    """A new version of what an earlier upload may have brought, with other slices of the same series."""
    group = chance.randrange(max(0, number - 40), number + 1)
    slices = _slices(seed, group, chance.randint(2, 12))
    return Upload(number, at, f"exports/{group}.zip", zipped(slices), len(slices), len(slices))


def _elsewhere(seed: int, number: int, at: float, chance: Random) -> Upload:
    """The same slices under another key."""
    group = chance.randrange(max(0, number - 40), number + 1)
    slices = _slices(seed, group, chance.randint(2, 8))
    return Upload(number, at, f"copies/{number}.zip", zipped(slices), len(slices), len(slices))


def _one_slice(seed: int, number: int, at: float, chance: Random) -> Upload:
    group, place = number // 12, chance.randrange(12)
    return Upload(number, at, f"pushed/{group}/{number}.dcm", slice_file(seed, 900_000 + group, place), 1, 1)


def _junk(seed: int, number: int, at: float, chance: Random) -> Upload:
    if chance.random() < 0.5:
        return Upload(number, at, f"notes/{number}.txt", b"no image", 1, 1)
    return Upload(number, at, f"loose/{number}.png", _picture(number % PIXELS)[:60], 1, 1)


def _nifti(seed: int, number: int, at: float, chance: Random) -> Upload:
    depth = chance.randint(2, 5)
    return Upload(number, at, f"volumes/{number}.nii", _volume(depth, chance.randrange(PIXELS)), 1, depth)


@cache
def _volume(depth: int, number: int) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 900, (24, 20, depth)).astype(np.int16)
    return bytes(nibabel.Nifti1Image(pixels, np.diag([1.0, 1.0, 3.0, 1.0])).to_bytes())


_MAKERS = {
    "png": _png,
    "zip": _zip,
    "again": _again,
    "elsewhere": _elsewhere,
    "slice": _one_slice,
    "tar": _tar,
    "junk": _junk,
    "nifti": _nifti,
}
