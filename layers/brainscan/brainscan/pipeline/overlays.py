"""A scan as a reader sees it, with the outline of its mask: drawn when somebody asks, and never kept."""

from brainscan.domain import ScanRecord
from brainscan.imaging.overlay import draw_outline
from brainscan.services import ReportStore


def overlay_png(record: ScanRecord, results: ReportStore) -> bytes | None:
    """PNG of a scan and its outline; None where no image of it is kept: it had none, or it may show a name.

    Raises:
        ObjectGoneError: its image or mask is no longer there.
    """
    if record.image_key is None:
        return None
    mask = results.get(record.mask_key) if record.mask_key else None
    return draw_outline(results.get(record.image_key), mask)
