"""A mask that a reader drew -> a file of its own beside the network's, and a verdict that names it."""

from collections.abc import Sequence
from dataclasses import dataclass

from brainscan.domain import ONE_READER, Opinion, ReviewRules, ScanRecord, TumorClass, Verdict
from brainscan.imaging.reader_mask import ReaderMaskError, dice, tumor_pixels, validated_mask
from brainscan.services import WORKERS
from brainscan.store import ObjectGoneError, Results, Table
from brainscan.store.objects import drawn_key
from brainscan.store.retry import Threads
from brainscan.store.table.scans import NotReviewableError, admit


@dataclass(frozen=True, repr=False)
class DrawnMask:
    """What a reader drew, and what comes with it.

    Attributes:
        png: the mask, 0 or 255, of the scan's own rows and columns; empty with `no_tumor` and only then.
        tumor_class: the class in the reader's eyes.
        reader: the reader's name, from a source that the reader cannot choose.
        seconds: how long the reader looked at it.
        comment: in words that name nobody.
    """

    png: bytes
    tumor_class: TumorClass
    reader: str
    seconds: float | None = None
    comment: str | None = None

    def opinion(self, predicted: TumorClass | None) -> Opinion:
        """What it says of a finding of the network: confirmed if the class is the same."""
        same = self.tumor_class is predicted
        return Opinion(
            verdict=Verdict.CONFIRMED if same else Verdict.CORRECTED,
            corrected=None if same else self.tumor_class,
            reader=self.reader,
            seconds=self.seconds,
            comment=self.comment,
        )


def save_reader_mask(
    drawn: DrawnMask,
    scan_id: str,
    seen_revision: int,
    results: Results,
    table: Table,
    rules: ReviewRules = ONE_READER,
) -> ScanRecord | None:
    """Keep a reader's mask of a scan, and record the class that goes with it as the reader's verdict.

    The file is written before the verdict; one whose verdict is refused is named by nothing. A repeat changes nothing.

    Args:
        drawn: The mask, and what comes with it.
        scan_id: The scan.
        seen_revision: `revision` of the record that the reader looked at.
        results: The results bucket.
        table: The table.
        rules: How many read each case, and whether this reader is an adjudicator.

    Returns:
        The scan as it is now; None if there is no such scan.

    Raises:
        DrawnMaskError: the bytes are no mask of this scan, or contradict the class.
        ReviewConflictError: the scan has changed since `seen_revision`.
        NotReviewableError: the scan has no finding.
    """
    scan = table.scans.get(scan_id)
    if scan is None:
        return None
    if scan.rows is None or scan.columns is None:
        raise NotReviewableError("the scan has no pixels that could be drawn on")
    mask_png = validated_mask(drawn.png, (scan.rows, scan.columns))
    if (tumor_pixels(mask_png) == 0) is not (drawn.tumor_class is TumorClass.NO_TUMOR):
        raise ReaderMaskError("an empty mask goes with no_tumor, and every other mask with a tumor's class")
    key = drawn_key(scan_id, drawn.reader, mask_png)
    latest, opinion = scan.review, drawn.opinion(scan.predicted)
    same_file = latest is not None and (latest.drawn_key, latest.reader) == (key, drawn.reader)
    if latest and same_file and latest.named_class(scan.predicted) is drawn.tumor_class:
        return scan
    admit(scan, seen_revision, opinion, rules)
    overlap = dice_with_network(mask_png, scan.mask_key, results)
    results.put_once(key, mask_png, "image/png")
    kept = opinion.model_copy(update={"drawn_key": key, "dice": overlap})
    return table.scans.review(scan_id, seen_revision, kept, rules)


def dice_of_pairs(pairs: Sequence[tuple[str, str]], results: Results) -> list[float]:
    """Dice's coefficient of each pair of masks, by their keys; without pairs that are empty, or gone."""

    def of(pair: tuple[str, str]) -> float | None:
        try:
            return dice(*map(results.get, pair))
        except ObjectGoneError:
            return None

    with Threads(WORKERS) as pool:
        return [each for each in pool.map(of, pairs) if each is not None]


def dice_with_network(mask_png: bytes, mask_key: str | None, results: Results) -> float | None:
    """Dice's coefficient of a reader's mask and the network's, of which an empty one is not kept; None of two empty."""
    if mask_key is None:
        return 0.0 if tumor_pixels(mask_png) else None
    return dice(mask_png, results.get(mask_key))
