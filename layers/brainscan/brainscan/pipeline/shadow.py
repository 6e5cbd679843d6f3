"""A model looks on: scans that were just answered -> what it says of them, kept apart from every result.

Its answers lie under `shadow/` of the results bucket, a line a scan and an object a batch, and nowhere else.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from brainscan.domain import Outcome, ScanRecord
from brainscan.domain.model_version import Rollout
from brainscan.domain.shadow_answer import ShadowAnswer
from brainscan.inference.runtime import Model
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.services import Services
from brainscan.store.objects import shadow_key

ANSWERED: Final = frozenset({Outcome.ANALYZED, Outcome.ABSTAINED})
"""Outcomes that a network had a part in; a rejected scan is rejected whichever is asked."""

_DIGITS: Final = 8
"""Of an id, hexadecimal, that say whether it is in a sample."""


def is_sampled(record: ScanRecord, share: float) -> bool:
    """Whether a scan is in a share of all; series are in it or out of it whole, and always alike."""
    drawn = int((record.series_id or record.scan_id)[:_DIGITS], 16)
    return drawn < share * 16**_DIGITS


def to_look_at(answered: Sequence[ScanRecord], rollout: Rollout) -> list[ScanRecord]:
    """Those of the scans that were just answered that the shadow is to see."""
    if rollout.shadow is None:
        return []
    return [
        record
        for record in answered
        if record.outcome in ANSWERED and record.model_id != rollout.shadow and is_sampled(record, rollout.share)
    ]


def look_on(records: Sequence[ScanRecord], services: Services, model: Model) -> list[ShadowAnswer]:
    """Read scans again with a model that looks on, and keep what it says.

    Returns:
        Its answers; a scan on which it fails has none.

    Raises:
        ObjectGoneError, botocore.exceptions.ClientError: a scan's bytes cannot be read, or the answers not written.
    """
    staged = {key: services.results.get(key) for key in dict.fromkeys(each.staged_key for each in records)}
    sources = [ScanBytes.of(staged[record.staged_key], record) for record in records]
    predicted = predict(sources, model, services.limits)
    answers = [
        answer
        for record, prediction in zip(records, predicted, strict=True)
        if (answer := _answer(record, prediction, model))
    ]
    if answers:
        body = "".join(answer.model_dump_json(exclude_none=True) + "\n" for answer in answers).encode()
        name = hashlib.sha256("".join(sorted(record.scan_id for record in records)).encode()).hexdigest()[:32]
        key = shadow_key(model.manifest.model_id, records[0].day, name)
        services.results.put(key, body, "application/jsonl")
    return answers


def _answer(record: ScanRecord, predicted: ScanPrediction, model: Model) -> ShadowAnswer | None:
    if predicted.finding is None:
        return None
    return ShadowAnswer(
        **predicted.finding.flagged(record.flags).model_dump(),
        scan_id=record.scan_id,
        series_id=record.series_id,
        model_id=model.manifest.model_id,
        served_id=record.model_id,
        mask=b64encode(predicted.mask_png).decode() if predicted.mask_png else None,
        timings_ms=predicted.timings_ms,
    )
