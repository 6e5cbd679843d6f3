"""Uploaded objects in the table: an export's fixed part, its live counts, and which of its parts are done."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import Final

from brainscan.domain import Export, ExportState, PartDone
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.counts import NEEDS_REVIEW, Counts
from brainscan.store.table.items import export_item, export_of, from_item, part_done, to_item
from brainscan.store.table.query import Page, Query, all_pages, run, shards

CLOCKS_DIFFER: Final = timedelta(minutes=15)
"""S3 signs nothing for a clock that is further off."""


class Exports:
    """What is known of exports."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def get(self, export_id: str) -> Export | None:
        """An export with its live counts."""
        fixed = self._table.get(keys.export(export_id))
        if fixed is None:
            return None
        counts, _ = Counts(self._table).of(keys.export(export_id)["pk"])
        needs_review = counts.pop(NEEDS_REVIEW, 0)
        return export_of(fixed, counts=dict(counts), needs_review=needs_review)

    def begin(self, export: Export) -> None:
        """Write a new export, unless it is there: whoever read that it was not may be late."""
        self._table.put(export_item(export, self._table.expires_at), "attribute_not_exists(pk)")

    def conclude(self, export: Export) -> None:
        """Write what came of an export's files; one that a newer version has replaced stays replaced."""
        condition, values = "attribute_not_exists(pk) OR #state <> :superseded", {":superseded": ExportState.SUPERSEDED}
        if not self._table.put(export_item(export, self._table.expires_at), condition, values, {"#state": "state"}):
            replaced = export.model_copy(update={"state": ExportState.SUPERSEDED})
            self._table.put(export_item(replaced, self._table.expires_at))

    def parts(self, export_id: str) -> list[PartDone]:
        """The parts of an export that are done, by number."""
        values = {":pk": keys.export(export_id)["pk"], ":part": keys.PART}
        return list(map(part_done, self._table.query("pk = :pk AND begins_with(sk, :part)", values)))

    def put_part(self, export_id: str, done: PartDone) -> None:
        """Mark a part of an export as done; the same part always leaves the same marker."""
        fields = done.model_dump(mode="json") | {"expires_at": self._table.expires_at}
        self._table.put(to_item(keys.part(export_id, done.number) | fields))

    def fail_part(self, export_id: str, failed: PartDone) -> None:
        """Mark a part of an export as given up, unless it has a marker."""
        fields = failed.model_dump(mode="json") | {"expires_at": self._table.expires_at}
        self._table.put(to_item(keys.part(export_id, failed.number) | fields), "attribute_not_exists(pk)")

    def forget_listing(self, export_id: str) -> None:
        """Take the listing out of the marker of an export's only part, if it is in there."""
        self._table.update(
            keys.part(export_id, 0), UpdateExpression="REMOVE listing", ConditionExpression="attribute_exists(listing)"
        )

    def of_day(self, day: str, limit: int = 50, cursor: str | None = None) -> Page[Export]:
        """Exports that arrived on a day, latest first, without their live counts."""
        partitions = shards(keys.exports_day(day), keys.SHARDS)
        page = run(self._table, Query(keys.Index.OUTCOME, partitions, descending=True), limit, cursor)
        return Page(tuple(map(export_of, page.items)), page.cursor)

    def by_token(self, token: str, since: datetime) -> Export | None:
        """The export that its sender knows by a token, with its live counts, if it came at `since` or in the day after.

        Clocks may differ by `CLOCKS_DIFFER`.
        """
        earliest = since - CLOCKS_DIFFER
        last = min(datetime.now(UTC), since + timedelta(days=1)) + CLOCKS_DIFFER
        for back in range((last.date() - earliest.date()).days + 1):
            exports = all_pages(partial(self.of_day, (last.date() - timedelta(days=back)).isoformat()))
            recent = takewhile(lambda export: export.received_at >= earliest, exports)
            if found := next((export for export in recent if export.token == token), None):
                return self.get(found.export_id)
        return None

    def superseded(self, export_ids: Sequence[str]) -> set[str]:
        """Those of the exports that a newer version of their object has replaced."""
        wanted = [keys.export(export_id) for export_id in dict.fromkeys(export_ids)]
        found = map(from_item, self._table.get_batch(wanted))
        return {item["export_id"] for item in found if item["state"] == ExportState.SUPERSEDED}

    def mark_superseded(self, export_id: str) -> None:
        """Say of an export that a newer version of its object has replaced it, if there is such an export."""
        self._table.update(
            keys.export(export_id),
            UpdateExpression="SET #state = :superseded",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=to_item({":superseded": ExportState.SUPERSEDED}),
        )
