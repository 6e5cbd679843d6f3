"""A shadow model: scans that were just answered -> what it says of them, kept apart from every result.

Its answers lie under `shadow/` of the results bucket, a line a scan and an object a batch, and nowhere else.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from brainscan.domain import ANSWERED, ScanRecord
from brainscan.domain.model_version import Rollout
from brainscan.domain.shadow_finding import ShadowFinding
from brainscan.inference.runtime import Model
from brainscan.pipeline.fetch import fetch
from brainscan.pipeline.predict import ScanBytes, ScanPrediction, predict
from brainscan.services import WORKERS, Services
from brainscan.store import Results
from brainscan.store.objects import shadow_key
from brainscan.store.retry import Threads

_DIGITS: Final = 8
"""Of an id, hexadecimal, that say whether it is in a sample."""


def is_sampled(record: ScanRecord, share: float) -> bool:
    """Whether a scan is in a share of all; series are in it or out of it whole, and always alike."""
    drawn = int((record.series_id or record.scan_id)[:_DIGITS], 16)
    return drawn < share * 16**_DIGITS


def sampled_scans(answered: Sequence[ScanRecord], rollout: Rollout) -> list[ScanRecord]:
    """Those of the scans that were just answered that the shadow is to see; none where there is no shadow."""
    return [
        record
        for record in answered
        if record.outcome in ANSWERED and record.model_id != rollout.shadow and is_sampled(record, rollout.share)
    ]


def predict_in_shadow(records: Sequence[ScanRecord], services: Services, model: Model) -> list[ShadowFinding]:
    """Predict scans with the shadow model, and keep what it says.

    Returns:
        Its answers; a scan on which it fails has none.

    Raises:
        ObjectGoneError, botocore.exceptions.ClientError: a scan's bytes cannot be read, or the answers not written.
    """
    with Threads(WORKERS) as pool:
        fetched = fetch(records, services, pool)
    for trouble in fetched.values():
        if isinstance(trouble, Exception):
            raise trouble
    sources = {scan_id: each for scan_id, each in fetched.items() if isinstance(each, ScanBytes)}
    predicted = dict(zip(sources, predict(list(sources.values()), model, services.limits), strict=True))
    answers = [answer for record in records if (answer := shadow_finding_of(record, predicted[record.scan_id], model))]
    if answers:
        put_findings(answers, records[0].day, services.results)
    return answers


def put_findings(answers: Sequence[ShadowFinding], day: str, results: Results) -> str:
    """Write answers of a model to scans that arrived on a day; the key of the object."""
    body = "".join(answer.model_dump_json(exclude_none=True) + "\n" for answer in answers).encode()
    name = hashlib.sha256("".join(sorted(answer.scan_id for answer in answers)).encode()).hexdigest()[:32]
    return results.put(shadow_key(answers[0].model_id, day, name), body, "application/jsonl")


def shadow_finding_of(record: ScanRecord, predicted: ScanPrediction, model: Model) -> ShadowFinding | None:
    """What a shadow model says of a scan; None where it failed."""
    if predicted.finding is None:
        return None
    return ShadowFinding(
        **predicted.finding.flagged(record.flags).model_dump(),
        scan_id=record.scan_id,
        series_id=record.series_id,
        model_id=model.manifest.model_id,
        served_id=record.model_id,
        mask=b64encode(predicted.mask_png).decode() if predicted.mask_png else None,
        timings_ms=predicted.timings_ms,
        intensity=predicted.intensity,
        scope_distance=predicted.scope_distance,
    )
