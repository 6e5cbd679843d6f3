"""Series in the table: what the stream counted of them, and their slices as they are now."""

from typing import Any

from brainscan.domain import ScanRecord, Series
from brainscan.store.retry import retried
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.counts import Counts, ScanChange
from brainscan.store.table.cursors import FOREIGN, CursorError, packed, unpacked
from brainscan.store.table.items import from_item, to_item
from brainscan.store.table.query import Page
from brainscan.store.table.scans import current_scans

_SLICES = "pk = :pk AND begins_with(sk, :instance)"


class SeriesItems:
    """What is known of series."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def get(self, series_id: str) -> Series | None:
        """A series with its counts, as far as the stream was followed."""
        counts, labels = Counts(self._table).of(keys.series(series_id)["pk"])
        if not labels:
            return None
        names = ("expected", "remaining", "revision")
        return Series(**labels, **{name: counts[name] for name in names})

    def slices(self, series: Series) -> list[ScanRecord] | None:
        """All scans of a series as they are now, in order; None unless they are those that were counted."""
        slices = self.slices_now(series.series_id)
        return slices if len(slices) == series.expected else None

    def slices_now(self, series_id: str) -> list[ScanRecord]:
        """All scans of a series as they are now, in order, whatever was counted."""
        values = {":pk": keys.series(series_id)["pk"], ":instance": keys.INSTANCE}
        scan_ids = [from_item(item)["scan_id"] for item in self._table.query(_SLICES, values)]
        current = current_scans(self._table, scan_ids)
        return [current[each] for each in scan_ids if each in current and not current[each].superseded]

    def scans(self, series_id: str, limit: int = 50, cursor: str | None = None) -> Page[ScanRecord]:
        """Scans of a series, in the order of its slices.

        Raises:
            CursorError: the cursor is not one of this question's.
        """
        pk = keys.series(series_id)["pk"]
        request: dict[str, Any] = {"ExclusiveStartKey": to_item({"pk": pk, "sk": _after(cursor)})} if cursor else {}
        answer = retried(
            lambda: self._table.client.query(
                TableName=self._table.name,
                KeyConditionExpression=_SLICES,
                ExpressionAttributeValues=to_item({":pk": pk, ":instance": keys.INSTANCE}),
                ConsistentRead=True,
                Limit=limit,
                **request,
            )
        )
        scan_ids = [item["scan_id"]["S"] for item in answer["Items"]]
        current = current_scans(self._table, scan_ids)
        items = tuple(current[each] for each in scan_ids if each in current and not current[each].superseded)
        last = answer.get("LastEvaluatedKey")
        return Page(items, packed([last["sk"]["S"]]) if last else None)

    def put_complete(self, series: Series) -> None:
        """Say that no slice of a series waits, once for each of its revisions: whoever reports it is told so."""
        fields = series.model_dump(mode="json", exclude_none=True) | {"expires_at": self._table.expires_at}
        item = to_item(fields | keys.series(series.series_id))
        condition = "attribute_not_exists(pk) OR revision < :revision"
        self._table.put(item, condition, {":revision": series.revision})

    def forget_slice(self, change: ScanChange) -> None:
        """Take a scan that is no more out of its series, unless a later upload has its instance."""
        scan = change.scan
        if scan.series_id:
            key = keys.instance(scan.series_id, scan.order, scan.instance_id or scan.scan_id)
            self._table.delete(key, "scan_id = :scan_id", {":scan_id": scan.scan_id})


def _after(cursor: str) -> str:
    position = unpacked(cursor)
    if len(position) != 1 or not str(position[0]).startswith(keys.INSTANCE):
        raise CursorError(FOREIGN)
    return str(position[0])
