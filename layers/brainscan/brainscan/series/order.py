"""The order of slices: by place along their normal, and where a slice has none, by what intake made of it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from brainscan.domain import ScanRecord


def in_order(records: Sequence[ScanRecord], positions: Mapping[str, float] = MappingProxyType({})) -> list[ScanRecord]:
    """Slices by place; those without one, for want of an answer, where their `order` puts them.

    Args:
        records: of slices that are parallel.
        positions: millimetres along the common normal by scan id, of the analyzed slices; empty where they have none.
    """
    known = sorted((record.order, positions[record.scan_id]) for record in records if record.scan_id in positions)
    orders, places = zip(*known, strict=True) if known else ((0,), (0.0,))
    guesses = np.interp([record.order for record in records], orders, places)
    place = {each.scan_id: positions.get(each.scan_id, guess) for each, guess in zip(records, guesses, strict=True)}
    return sorted(records, key=lambda record: (place[record.scan_id], record.order, record.scan_id))
