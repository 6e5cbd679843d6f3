"""How long items live that scans belong to: their export, series, study and day do not expire before them."""

from collections.abc import Iterable, Iterator, Mapping

from brainscan.domain import ScanRecord
from brainscan.store.retry import Threads
from brainscan.store.table import keys
from brainscan.store.table.client import DAY_S, PARALLEL, TableClient
from brainscan.store.table.items import Item, to_item


class Retention:
    """Moves the expiry of items along with that of their scans."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def extend_for(self, scans: Iterable[ScanRecord]) -> None:
        """Let all that scans belong to live as long as these do, which were just written.

        Most of it was written after them anyway. What was not, as where a reader judges a slice a week after its
        report, lives a day longer than needed, so that the next such write finds nothing to do.
        """
        expires_at = self._table.expires_at
        if expires_at is None:
            return
        belongs = {tuple(key.values()): key for scan in scans for key in _belonging(scan)}
        counted = dict.fromkeys(pk for scan in scans for pk in _counted(scan))
        with Threads(PARALLEL) as pool:
            list(pool.map(lambda key: self._extend(self._table.get(key), expires_at), belongs.values()))
            list(pool.map(lambda pk: self._extend_counters(pk, expires_at), counted))

    def _extend_counters(self, partition: str, expires_at: int) -> None:
        values = {":pk": partition, ":count": keys.COUNT}
        for counter in self._table.query("pk = :pk AND begins_with(sk, :count)", values):
            self._extend(counter, expires_at)

    def _extend(self, item: Item | None, expires_at: int) -> None:
        if item and "expires_at" in item and int(item["expires_at"]["N"]) < expires_at:
            self._table.update(
                {"pk": item["pk"]["S"], "sk": item["sk"]["S"]},
                UpdateExpression="SET expires_at = :later",
                ConditionExpression="expires_at < :expires_at",
                ExpressionAttributeValues=to_item({":later": expires_at + DAY_S, ":expires_at": expires_at}),
            )


def _belonging(scan: ScanRecord) -> Iterator[Mapping[str, str]]:
    """Keys of the items that a scan belongs to, short of counters."""
    yield keys.export(scan.export_id)
    yield from (keys.review(scan.scan_id, number) for number in range(1, scan.revision))
    if scan.series_id:
        summary = keys.series_summary(scan.series_id)
        yield from (keys.series(scan.series_id), keys.report(scan.series_id), keys.series_model(scan.series_id))
        yield from (summary, keys.in_export(scan.export_id, summary))
    if scan.study_id:
        summary = keys.study_summary(scan.study_id)
        yield from (summary, keys.in_export(scan.export_id, summary))


def _counted(scan: ScanRecord) -> Iterator[str]:
    """Partitions in which a scan is counted."""
    yield keys.export(scan.export_id)["pk"]
    yield keys.day(scan.day)["pk"]
    if scan.site:
        yield keys.day(scan.day, scan.site)["pk"]
    if scan.series_id:
        yield keys.series(scan.series_id)["pk"]
