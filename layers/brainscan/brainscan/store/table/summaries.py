"""What series and studies show, in the table: written together, so that a study is always what its series make it.

A series and its study change in one transaction, on the condition that neither has changed since it was read. So
whoever writes last has seen all others, in whatever order reports come, and a repeat changes nothing. What waits for
each other are the series of one study alone.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from brainscan.domain import (
    ONE_READER,
    Opinion,
    Outcome,
    Review,
    ReviewRules,
    SeriesSummary,
    StudySummary,
    Verdict,
    study_of,
)
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient, Write
from brainscan.store.table.items import (
    review_of,
    series_summary_item,
    series_summary_of,
    study_summary_item,
    study_summary_of,
    to_item,
)
from brainscan.store.table.scans import NotReviewableError, ReviewConflictError

PAUSE_S: Final = 0.05
"""Longest wait before a series tries again whose study another series has just changed."""

S = TypeVar("S", SeriesSummary, StudySummary)


class Summaries:
    """What is known of series and studies as wholes."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def series(self, series_id: str) -> SeriesSummary | None:
        """What a series shows, once it was reported."""
        found = self._table.get(keys.series_summary(series_id))
        return series_summary_of(found) if found else None

    def study(self, study_id: str) -> StudySummary | None:
        """What a study shows, once a series of it was reported."""
        found = self._table.get(keys.study_summary(study_id))
        return study_summary_of(found) if found else None

    def series_of(self, study: StudySummary) -> list[SeriesSummary]:
        """The series of a study, the one that its verdict rests on first."""
        wanted = [each.series_id for each in study.series]
        found = self._many_series(wanted)
        return [found[each] for each in wanted if each in found]

    def series_history(self, series_id: str) -> list[Review]:
        """All reviews of a series, the first one first."""
        return self._history(keys.series_summary(series_id))

    def study_history(self, study_id: str) -> list[Review]:
        """All reviews of a study, the first one first."""
        return self._history(keys.study_summary(study_id))

    def put(self, summary: SeriesSummary) -> SeriesSummary:
        """Write what a series shows, and what its study shows with it; a later report's summary stays.

        That of a report that was given up makes way for one of its own revision.

        Returns:
            The summary that stands.
        """

        def change(before: SeriesSummary | None) -> SeriesSummary | None:
            if before and before.report_revision >= summary.report_revision:
                redone = before.outcome is Outcome.FAILED and before.report_revision == summary.report_revision
                return summary.with_reviews_of(before) if redone and not before.withdrawn else None
            return summary.with_reviews_of(before)

        return self._change_series(summary.series_id, change) or summary

    def withdraw(self, series_id: str, revision: int) -> bool:
        """Take a series back of which no slice is left; False if it is unknown, or is so already."""
        taken = False

        def change(before: SeriesSummary | None) -> SeriesSummary | None:
            nonlocal taken
            if before is None or before.withdrawn or before.report_revision >= revision:
                return None
            taken = True
            return before.model_copy(update={"withdrawn": True, "report_revision": revision})

        self._change_series(series_id, change)
        return taken

    def review_series(
        self, series_id: str, seen_revision: int, opinion: Opinion, rules: ReviewRules = ONE_READER
    ) -> SeriesSummary | None:
        """Add a reader's verdict to a series; arguments, answers and errors as of `Scans.review`."""
        review: Review | None = None

        def change(before: SeriesSummary | None) -> SeriesSummary | None:
            nonlocal review
            if before is None:
                return None
            review = review or _review_of(before, seen_revision, opinion, rules)
            if before.review == review:
                return None  # of a write whose answer was lost
            _require_unchanged(before, seen_revision)
            return before.reviewed(review, rules)

        return self._change_series(series_id, change)

    def review_study(
        self, study_id: str, seen_revision: int, opinion: Opinion, rules: ReviewRules = ONE_READER
    ) -> StudySummary | None:
        """Add a reader's verdict to a study; arguments, answers and errors as of `Scans.review`."""
        before = self.study(study_id)
        if before is None:
            return None
        review = _review_of(before, seen_revision, opinion, rules)
        while before.review != review:
            _require_unchanged(before, seen_revision)
            after = _next(before.reviewed(review, rules), before)
            if self._table.put_all_or_none([self._study_write(after, before), self._review_write(after)]):
                return after
            before = self.study(study_id) or before
            _pause()
        return before

    def _change_series(
        self, series_id: str, change: Callable[[SeriesSummary | None], SeriesSummary | None]
    ) -> SeriesSummary | None:
        """Change a series and its study together; `change` says None where nothing is to be changed."""
        while True:
            before = self.series(series_id)
            after = change(before)
            if after is None:
                return before
            after = _next(after, before)
            if self._table.put_all_or_none(self._writes(after, before)):
                return after
            _pause()

    def _writes(self, after: SeriesSummary, before: SeriesSummary | None) -> list[Write]:
        writes = [Write(series_summary_item(after, self._table.expires_at), *_unchanged(before))]
        writes += self._links(
            after.export_ids, before.export_ids if before else (), keys.series_summary(after.series_id)
        )
        if after.review and (before is None or after.review != before.review):
            writes.append(self._review_write(after))
        if after.study_id:
            study = self.study(after.study_id)
            others = self._many_series([each.series_id for each in study.series]) if study else {}
            changed = _next(study_of(after.study_id, [*(others | {after.series_id: after}).values()], study), study)
            writes.append(self._study_write(changed, study))
            key = keys.study_summary(after.study_id)
            writes += self._links(changed.export_ids, study.export_ids if study else (), key)
        return writes

    def _study_write(self, after: StudySummary, before: StudySummary | None) -> Write:
        return Write(study_summary_item(after, self._table.expires_at), *_unchanged(before))

    def _review_write(self, summary: SeriesSummary | StudySummary) -> Write:
        review = summary.review
        if review is None:
            raise ValueError("there is no review to write")
        key = keys.summary_review(_key(summary), review.revision)
        fields = review.model_dump(mode="json", exclude_none=True) | {"expires_at": self._table.expires_at}
        return Write(to_item({**fields, **key}), "")

    def _links(self, export_ids: Sequence[str], known: Sequence[str], key: dict[str, str]) -> list[Write]:
        """Links from the exports that are new to a series or study."""
        expires = {"expires_at": self._table.expires_at}
        new = [each for each in export_ids if each not in known]
        return [Write(to_item(keys.in_export(each, key) | expires), "") for each in new]

    def _many_series(self, series_ids: Sequence[str]) -> dict[str, SeriesSummary]:
        found = self._table.get_batch([keys.series_summary(each) for each in series_ids])
        return {each.series_id: each for each in map(series_summary_of, found)}

    def _history(self, summary: Mapping[str, str]) -> list[Review]:
        values = {":pk": summary["pk"], ":reviews": keys.REVIEWS}
        return list(map(review_of, self._table.query("pk = :pk AND begins_with(sk, :reviews)", values)))


def _key(summary: SeriesSummary | StudySummary) -> dict[str, str]:
    if isinstance(summary, SeriesSummary):
        return keys.series_summary(summary.series_id)
    return keys.study_summary(summary.study_id)


def _next(after: S, before: S | None) -> S:
    return after.model_copy(update={"version": before.version + 1 if before else 1})


def _unchanged(before: SeriesSummary | StudySummary | None) -> tuple[str, dict[str, int]]:
    """The condition that an item is as it was read."""
    return ("version = :version", {":version": before.version}) if before else ("attribute_not_exists(pk)", {})


def _review_of(seen: SeriesSummary | StudySummary, seen_revision: int, opinion: Opinion, rules: ReviewRules) -> Review:
    if opinion.verdict is Verdict.CONFIRMED and seen.predicted is None:
        raise NotReviewableError("there is no finding that this verdict could be about")
    return Review.of(opinion, seen_revision, adjudicates=seen.adjudicates(opinion, rules))


def _require_unchanged(seen: SeriesSummary | StudySummary, seen_revision: int) -> None:
    if seen.withdrawn or seen.revision != seen_revision:
        raise ReviewConflictError("it has changed since it was read; read it again before reviewing")


def _pause() -> None:
    time.sleep(random.uniform(0, PAUSE_S))  # noqa: S311 - no secret
