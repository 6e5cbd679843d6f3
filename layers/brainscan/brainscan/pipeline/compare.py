"""What a shadow said of the scans of some days, joined with the answers that stand."""

from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from brainscan.domain import ScanRecord
from brainscan.domain.comparison import PredictionPair
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.imaging.reader_mask import dice
from brainscan.store import ObjectGoneError, Results, Table
from brainscan.store.objects import shadow_prefix


def prediction_pairs(
    model_id: str, first: date, last: date, table: Table, results: Results
) -> Iterator[PredictionPair]:
    """Scans that arrived from `first` to `last` and that both models answered, each once.

    Left out is what a newer upload replaced, and what another model has answered since the shadow saw it.
    """
    seen: set[str] = set()
    for number in range((last - first).days + 1):
        day = (first + timedelta(days=number)).isoformat()
        for key in results.keys(shadow_prefix(model_id, day)):
            lines = results.get(key).decode().splitlines()
            answers = [ShadowFinding.model_validate_json(line) for line in lines]
            new = [answer for answer in answers if answer.scan_id not in seen]
            seen |= {answer.scan_id for answer in new}
            yield from _joined(new, table, results)


def _joined(answers: Sequence[ShadowFinding], table: Table, results: Results) -> Iterator[PredictionPair]:
    records = table.scans.get_many([answer.scan_id for answer in answers])
    for answer in answers:
        record = records.get(answer.scan_id)
        if record is not None and not record.superseded and record.model_id == answer.served_id:
            yield PredictionPair(record, answer, mask_dice(record, answer, results))


def mask_dice(record: ScanRecord, answer: ShadowFinding, results: Results) -> float | None:
    """Dice coefficient of the masks of two models, at the scan's pixels; None where neither drew one, or one is gone.

    Only where both drew one are pixels read.
    """
    if record.tumor is None or answer.tumor is None:
        return None if record.tumor is answer.tumor else 0.0
    if record.mask_key is None or answer.mask is None:
        return None
    try:
        return dice(results.get(record.mask_key), b64decode(answer.mask))
    except ObjectGoneError:
        return None
