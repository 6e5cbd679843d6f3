"""The table's key layout: every partition and sort key is made here and nowhere else.

Keys of months, weeks, days and exports end in a shard, so that a burst spreads over partitions
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-sharding.html).
"""

from datetime import UTC, date, timedelta
from enum import StrEnum
from typing import Final

from brainscan.domain import Export, Outcome, ScanRecord, SeriesSummary, StudySummary

SHARDS: Final = 16
"""10,000 writes a second of one outcome are 625 a partition key; DynamoDB takes 1,000."""

EXPORT_SHARDS: Final = 8
"""Partitions of an export's scans in its index."""

META: Final = "META"
REVIEWS: Final = "REVIEW#"
"""What sort keys of reviews begin with."""
PART: Final = "PART#"
COUNT: Final = "COUNT#"
"""What sort keys of counters begin with, in the partition that they count."""
INSTANCE: Final = "INSTANCE#"
SCAN: Final = "SCAN#"
SERIES: Final = "SERIES#"
STUDY: Final = "STUDY#"
SUMMARIES: Final = (SERIES, STUDY)
"""What sort keys of an export's links to series and studies begin with."""
SERIES_LABELS: Final = ("series_id", "study_id", "patient_id")
"""Attributes of a scan that its series' counters repeat."""
TUMOR: Final = "tumor"
NO_TUMOR: Final = "no_tumor"
"""What the class that stands is, in keys that sort scans by confidence."""
NOT_REVIEWED: Final = "none"
"""Stands in keys for series and studies that nobody looked at and nobody needs to."""
DAYS: Final = "DAYS"
"""The partition of the markers of days: an item a day, written once by each process that takes scans in."""

MODELS: Final = "MODELS"
"""The partition of the registry of model versions: some dozen items."""
VERSION: Final = "VERSION#"
CHANGE: Final = "CHANGE#"

RUNS: Final = "RUNS"
"""The partition of the runs that read stored scans again; what each has done lies in a partition of its own."""
RUN: Final = "RUN#"
BATCH: Final = "BATCH#"
DEAD: Final = "DEAD#"
SPENT: Final = "SPENT#"
SPENT_SHARDS: Final = 16
_TIE_DIGITS: Final = 8  # of a scan's id, that end its sort keys in indexes: items stay small
_MODEL_DIGITS: Final = 16  # of a digest, that tell models apart in keys


class Index(StrEnum):
    """Global secondary indexes; their keys are `<name>_pk` and `<name>_sk`."""

    EXPORT = "export"
    STUDY = "study"
    PATIENT = "patient"
    FINDING = "finding"
    REVIEW = "review"
    OUTCOME = "outcome"
    MODEL = "model"
    VOLUME = "volume"


KEYS_ONLY: Final = frozenset({Index.EXPORT, Index.STUDY, Index.PATIENT})
"""Indexes that scans are in from their registration on: they hold keys alone, so that no later write costs them any."""


def scan(scan_id: str) -> dict[str, str]:
    """Primary key of a scan."""
    return {"pk": f"{SCAN}{scan_id}", "sk": META}


def export(export_id: str) -> dict[str, str]:
    """Primary key of an export; its counters and parts share the partition."""
    return {"pk": f"EXPORT#{export_id}", "sk": META}


def counter(partition: str, stream_shard: str) -> dict[str, str]:
    """Primary key of the counter that a shard of the table's stream has in a partition."""
    return {"pk": partition, "sk": f"{COUNT}{stream_shard}"}


def part(export_id: str, number: int) -> dict[str, str]:
    """Primary key of the marker that a part of an export is done."""
    return {"pk": f"EXPORT#{export_id}", "sk": f"{PART}{number:05d}"}


def series(series_id: str) -> dict[str, str]:
    """Primary key of what a series was when no slice of it waited; its counters and instances share the partition."""
    return {"pk": f"{SERIES}{series_id}", "sk": META}


def instance(series_id: str, order: int, instance_id: str) -> dict[str, str]:
    """Primary key of the latest upload of an instance of a series; they sort as the slices do."""
    return {"pk": f"{SERIES}{series_id}", "sk": f"{INSTANCE}{order:010d}#{instance_id}"}


def review(scan_id: str, revision: int) -> dict[str, str]:
    """Primary key of a review in a scan's history."""
    return {"pk": f"{SCAN}{scan_id}", "sk": f"{REVIEWS}{revision:06d}"}


def day(day: str, site: str | None = None) -> dict[str, str]:
    """Partition key of a day's counters, of all scans or of those of a site."""
    return {"pk": f"DAY#{day}#{site}" if site else f"DAY#{day}"}


def arrival_day(day: str) -> dict[str, str]:
    """Primary key of the marker that scans arrived on a day."""
    return {"pk": DAYS, "sk": day}


def series_id_of(pk: str) -> str | None:
    """Inverse of `series`; None for the keys of other items."""
    return pk.removeprefix(SERIES) if pk.startswith(SERIES) else None


def report(series_id: str, what: str = "REPORT") -> dict[str, str]:
    """Primary key of a series' latest report, or of its "ATTEMPT"s; both share the partition of the series."""
    return {"pk": f"{SERIES}{series_id}", "sk": what}


def series_summary(series_id: str) -> dict[str, str]:
    """Primary key of what a series shows; it shares the partition of the series."""
    return {"pk": f"{SERIES}{series_id}", "sk": "SUMMARY"}


def study_summary(study_id: str) -> dict[str, str]:
    """Primary key of what a study shows."""
    return {"pk": f"{STUDY}{study_id}", "sk": META}


def summary_review(summary: dict[str, str], revision: int) -> dict[str, str]:
    """Primary key of a review of a series or a study, in its partition."""
    return {"pk": summary["pk"], "sk": f"{REVIEWS}{revision:06d}"}


def in_export(export_id: str, summary: dict[str, str]) -> dict[str, str]:
    """Primary key of the link from an export to a series or study that scans of it belong to."""
    return {"pk": f"EXPORT#{export_id}", "sk": summary["pk"]}


def study_id_of(pk: str) -> str | None:
    """Inverse of `study_summary`; None for the keys of other items."""
    return pk.removeprefix(STUDY) if pk.startswith(STUDY) else None


def chosen_pseudonym(digest: str) -> dict[str, str]:
    """Primary key of the mark that a patient or an uploaded object has this pseudonym, of those that it could have."""
    return {"pk": f"PSEUDONYM#{digest}", "sk": META}


def uploaded_object(object_id: str) -> dict[str, str]:
    """Primary key of an uploaded object's latest version."""
    return {"pk": f"OBJECT#{object_id}", "sk": META}


def rollout() -> dict[str, str]:
    """Primary key of which version of the model is served, and which is its shadow."""
    return {"pk": MODELS, "sk": META}


def model_version(model_id: str) -> dict[str, str]:
    """Primary key of a version of the model."""
    return {"pk": MODELS, "sk": f"{VERSION}{model_id}"}


def model_gate(model_id: str) -> dict[str, str]:
    """Primary key of what the gate said of a version last."""
    return {"pk": MODELS, "sk": f"GATE#{model_id}"}


def model_change(revision: int) -> dict[str, str]:
    """Primary key of a change of the registry; they sort as they were made."""
    return {"pk": MODELS, "sk": f"{CHANGE}{revision:06d}"}


def series_model(series_id: str) -> dict[str, str]:
    """Primary key of which version of the model answers the slices of a series; it shares the series' partition."""
    return {"pk": f"{SERIES}{series_id}", "sk": "MODEL"}


def run(run_id: str) -> dict[str, str]:
    """Primary key of a run over stored scans."""
    return {"pk": RUNS, "sk": f"{RUN}{run_id}"}


def of_run(run_id: str, kind: str, name: str) -> dict[str, str]:
    """Primary key of what a run has done, spent or given up; `kind` is `BATCH`, `SPENT` or `DEAD`."""
    return {"pk": f"{RUN}{run_id}", "sk": f"{kind}{name}"}


def reprocessed_scan(scan_id: str, model_id: str) -> dict[str, str]:
    """Primary key of the marker that a model has answered a stored scan; it shares the scan's partition."""
    return {"pk": f"SCAN#{scan_id}", "sk": f"REPROCESSED#{model_id}"}


def shard(identifier: str, shards: int) -> int:
    """Spread hexadecimal digests evenly over `shards`."""
    return int(identifier[:8], 16) % shards


def month_of(day: str) -> str:
    """The month of a UTC day, whose scans share partition keys by arrival."""
    return day[:7]


def week_of(day: str) -> str:
    """The Monday before a UTC day, whose week's scans share partition keys by confidence."""
    return (date.fromisoformat(day) - timedelta(days=date.fromisoformat(day).weekday())).isoformat()


def scans_of(value: str, period: str) -> str:
    """Partition key, short of its shard: an outcome, review state or model of a month, a tumor or none of a week."""
    return f"{value[:_MODEL_DIGITS]}#{period}"


def exports_day(day: str) -> str:
    """Partition key of the exports that arrived on a day, in the outcome index, short of its shard."""
    return f"EXPORT#{day}"


def confidence_key(confidence: float) -> str:
    """A confidence in [0, 1] as text that sorts as the number does."""
    return f"{confidence:.6f}"


def export_index(item: Export) -> dict[str, str]:
    """Index keys of an export."""
    pk = f"{exports_day(item.received_at.date().isoformat())}#{shard(item.export_id, SHARDS):02d}"
    return _pair(Index.OUTCOME, pk, f"{item.received_at.isoformat()}#{item.export_id}")


def scan_indexes(record: ScanRecord) -> dict[str, str]:
    """Index keys of a scan, as far as its state gives it any."""
    number, month = f"{shard(record.scan_id, SHARDS):02d}", month_of(record.day)
    tie = record.scan_id[:_TIE_DIGITS]
    position = f"{record.source.entry_index or 0:08d}#{record.source.frame or 0:06d}#{tie}"
    keys = _pair(Index.EXPORT, f"{record.export_id}#{shard(record.scan_id, EXPORT_SHARDS):02d}", position)
    if record.superseded:
        return keys
    arrived = f"{record.received_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}#{tie}"
    if record.study_id:
        keys |= _pair(Index.STUDY, record.study_id, f"{record.series_id}#{record.order:010d}#{tie}")
    if record.patient_id:
        keys |= _pair(Index.PATIENT, record.patient_id, arrived)
    if record.outcome == Outcome.QUEUED:
        return keys
    values = {Index.OUTCOME: record.outcome, Index.MODEL: record.model_id, Index.REVIEW: record.review_state}
    for index, value in values.items():
        if value:
            keys |= _pair(index, f"{scans_of(value, month)}#{number}", arrived)
    if record.finding and record.probabilities:
        by_confidence = f"{confidence_key(record.probabilities[record.finding])}#{tie}"
        group = TUMOR if record.finding.is_tumor else NO_TUMOR
        keys |= _pair(Index.FINDING, f"{scans_of(group, week_of(record.day))}#{number}", by_confidence)
    return keys


def summary_partition(kind: str, day: str, value: str = "") -> str:
    """Partition key of the series or studies of a day, in each index: all of them, or those of a value.

    One a day: 10,000 slices a second are about a hundred series.
    """
    return f"{kind}#{value}#{day}" if value else f"{kind}#{day}"


def number_key(value: float | None, digits: int) -> str:
    """A number of at most so many digits before its point as text that sorts as it does; none is below all."""
    return "-" if value is None else f"{value:0{digits + 7}.6f}"


def summary_indexes(summary: SeriesSummary | StudySummary) -> dict[str, str]:
    """Index keys of a series or study; none once no scan of it is left."""
    if summary.withdrawn:
        return {}
    kind, name = ("series", summary.series_id) if isinstance(summary, SeriesSummary) else ("study", summary.study_id)
    day, arrived = summary.day, f"{summary.received_at.astimezone(UTC).isoformat()}#{name}"
    by_state = summary_partition(kind, day, summary.review_state or NOT_REVIEWED)
    keys = _pair(Index.OUTCOME, summary_partition(kind, day), arrived) | _pair(Index.REVIEW, by_state, arrived)
    by_probability = f"{number_key(summary.tumor_probability, 1)}#{name}"
    keys |= _pair(Index.FINDING, summary_partition(kind, day), by_probability)
    keys |= _pair(Index.VOLUME, summary_partition(kind, day), f"{number_key(summary.volume_mm3, 8)}#{name}")
    if summary.model_id:
        keys |= _pair(Index.MODEL, summary_partition(kind, day, summary.model_id), arrived)
    if isinstance(summary, StudySummary) and summary.patient_id:
        keys |= _pair(Index.PATIENT, f"study#{summary.patient_id}", arrived)
    return keys


def _pair(index: Index, pk: str, sk: str) -> dict[str, str]:
    return {f"{index}_pk": pk, f"{index}_sk": sk}
