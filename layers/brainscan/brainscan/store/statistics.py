"""A day's counters: what each scan counts as, and reading them back."""

from collections import Counter
from collections.abc import Iterable, Mapping

from brainscan.domain import DayStatistics, Outcome, ReviewState, ScanRecord, TumorClass

FINDING = "finding_"
REVIEW = "review_"
MODEL = "model_"
"""Prefixes of the counters' attributes; outcomes have none."""


def counted(record: ScanRecord) -> Counter[str]:
    """What a scan in its present state adds to its day's counters."""
    if record.superseded:
        return Counter()
    tally = Counter[str]({record.outcome.value: 1})
    if record.called:
        tally[FINDING + record.called] += 1
    if record.review_state:
        tally[REVIEW + record.review_state] += 1
    if record.model_id:
        tally[MODEL + record.model_id] += 1
    return tally


def difference(after: Counter[str], before: Counter[str]) -> dict[str, int]:
    """What moves the counters from one state of a scan to the next; zeros are left out."""
    moved = Counter(after)
    moved.subtract(before)
    return {name: amount for name, amount in moved.items() if amount}


def statistics_of(day: str, counters: Iterable[Mapping[str, int]]) -> DayStatistics:
    """Sum a day's counters."""
    total = Counter[str]()
    for counter in counters:
        total.update(counter)
    return DayStatistics(
        day=day,
        outcomes={each: total[each.value] for each in Outcome if total[each.value]},
        findings={each: total[FINDING + each] for each in TumorClass if total[FINDING + each]},
        reviews={each: total[REVIEW + each] for each in ReviewState if total[REVIEW + each]},
        models={name.removeprefix(MODEL): n for name, n in total.items() if name.startswith(MODEL) and n},
    )
