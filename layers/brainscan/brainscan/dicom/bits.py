"""The stored values of a frame, where the header is wrong about which bits of a word they are (PS3.5 8.1.1)."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom import Dataset
from pydicom.pixels.decoders.base import get_decoder

from brainscan.dicom.values import integer

Values = npt.NDArray[Any]

WORD: Final = 16
"""Bits of a pixel whose bytes can stand in the wrong order."""
DEPTHS: Final = (8, WORD)
"""Bits of pixels in which the trouble happens."""
QUARTER: Final = 2 ** (WORD - 2)
TORN: Final = 0.002
"""Share of neighbours that are close to each other, and would not be without the upper bits, from which these count."""
FEWER: Final = 10
"""By so many times fewer leaps between neighbours one reading of the bits has to be better than the stated one."""
UNRELATED: Final = 0.25
"""Roughness from which a picture may be read in the wrong order of bytes."""
SMOOTHER: Final = 2.0
"""By so many times it has to be smoother in the other order."""
EVERY: Final = 4
"""Of so many rows, one is looked at for it."""


def stored_values(dataset: Dataset, frame: int | None) -> Values:
    """Decode one frame, or all of them, and mend what its values show of a wrong header.

    - Bytes of words stand in the order that is stated, unless the picture is smooth in the other one alone.
    - HighBit above BitsStored - 1 puts the value at the upper end of the word. It is believed only where values exceed
      what the lower bits can hold, or nothing is below them: some writers state it of values at the lower end.
    - Where values exceed it otherwise, what is in the upper bits is no part of them, such as an overlay; unless without
      it neighbours would leap that are close to each other: then BitsStored is too small.
    - Signed values that leap by half the range between neighbours, and would not as unsigned ones, are unsigned.
    - Unsigned values of which some lie at the very top, none in between, are signed: the top ones are below zero.

    Args:
        dataset: with pixels.
        frame: from 0; None for the whole object.
    """
    bits = _bits_of_words(dataset)
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    mask = {"correct_unused_bits": bits is None}  # an option that pydicom's types do not know of
    values: Values = decoder.as_array(dataset, index=frame, **mask)[0]  # type: ignore[arg-type]
    word = values.dtype.itemsize * 8
    if bits is None or word not in DEPTHS:
        return values
    shift = _stated_shift(dataset, bits, word)
    found = _mended(values, bits, shift)
    if word < WORD or _are_in_order(values, bits) or (rough := _roughness(found)) < UNRELATED:
        return found
    turned = _mended(values.byteswap(), bits, shift)
    return turned if _roughness(turned) * SMOOTHER < rough else found


def _are_in_order(values: Values, bits: int) -> bool:
    """Whether no value exceeds its bits: in the wrong order of bytes, the lower half of a word would be above them."""
    return bits < WORD and _fit(values, bits)


def _mended(values: Values, bits: int, shift: int) -> Values:
    is_above = shift > 0 and not (values & (2**shift - 1)).any()
    return _resigned(_within(values, bits, shift) if is_above or not _fit(values, bits) else values)


def _roughness(values: Values) -> float:
    """How far neighbours in a row differ, in standard deviations of all: 1.1 where they are unrelated."""
    some = values.reshape(-1, values.shape[-1])[::EVERY].astype(np.float32)
    spread = float(some.std())
    return float(np.abs(np.diff(some, axis=-1)).mean()) / spread if spread and some.shape[-1] > 1 else 0.0


def _bits_of_words(dataset: Dataset) -> int | None:
    """How many bits of each word are said to be the value; None where pixels are no words, or several."""
    stored, allocated = integer(dataset, "BitsStored") or 0, integer(dataset, "BitsAllocated")
    words = allocated in DEPTHS and (integer(dataset, "SamplesPerPixel") or 1) == 1
    return stored if words and allocated and 0 < stored <= allocated else None


def _stated_shift(dataset: Dataset, bits: int, word: int) -> int:
    """How far up in the word values are said to lie; 0 for a header without fault."""
    high = integer(dataset, "HighBit") or 0
    return high + 1 - bits if bits <= high < word else 0


def _within(values: Values, bits: int, shift: int) -> Values:
    """The values in words of which more bits are in use than are stated."""
    if shift:
        return values >> shift
    unused = values.dtype.itemsize * 8 - bits
    lower = (values << unused) >> unused
    half = 2 ** (bits - 1)
    near, wrapped = (np.abs(np.diff(each.astype(np.int32), axis=-1)) for each in (values, lower))
    torn = (near <= half) & (wrapped > half)
    return values if torn.mean() > TORN else lower


def _fit(values: Values, bits: int) -> bool:
    """Whether integers of a type could be stored in so many bits."""
    signed = values.dtype.kind == "i"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    return bool(values.min() >= low and values.max() < high)


def _resigned(values: Values) -> Values:
    if values.dtype.kind == "i":
        return _unsigned(values)
    top = values >= 3 * QUARTER
    if values.dtype != np.uint16 or not top.any() or bool(((values >= QUARTER) & ~top).any()):
        return values
    rest = values[~top]
    return values.view(np.int16) if rest.size and int(rest.max()) - int(rest.min()) > 1 else values


def _unsigned(values: Values) -> Values:
    """Signed values as unsigned ones, where these leap less; half the range has to be in use for it."""
    quarter = 2 ** (8 * values.dtype.itemsize - 2)
    if values.min() >= -quarter or values.max() <= quarter:
        return values
    unsigned = values.view(f"u{values.dtype.itemsize}")
    return unsigned if _leaps(values) > FEWER * _leaps(unsigned) else values


def _leaps(values: Values) -> int:
    """Neighbours in a row that differ by more than half the range of their type."""
    half = 2 ** (8 * values.dtype.itemsize - 1)
    return int((np.abs(np.diff(values.astype(np.int32), axis=-1)) > half).sum())
