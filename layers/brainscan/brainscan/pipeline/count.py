"""Changes of scans in the table's stream -> counts of exports, series and days; and which series wait no more."""

from collections.abc import Sequence

from brainscan.store.retry import Threads
from brainscan.store.table import ScanChange, Table
from brainscan.store.table.client import PARALLEL


def count(shard: str, changes: Sequence[ScanChange], table: Table) -> int:
    """Count changes of one shard of the stream; then say of which series in them no slice waits.

    Whoever counts the last change of a series finds that nothing remains: all others were counted before. A repeat,
    of all or of some, changes nothing.

    Returns:
        How many series wait no more.

    Raises:
        botocore.exceptions.ClientError: to be repeated.
    """
    table.counts.add(shard, changes)
    table.retention.extend_for([change.after for change in changes if change.after])
    series_ids = dict.fromkeys(change.scan.series_id for change in changes if change.scan.series_id)
    with Threads(PARALLEL) as pool:
        list(pool.map(table.series.forget_slice, [change for change in changes if change.after is None]))
        return sum(pool.map(lambda each: _put_if_complete(each, table), series_ids))


def _put_if_complete(series_id: str, table: Table) -> bool:
    """Say of a series that no slice of it waits, if that is so: also of one that has no slice any more."""
    series = table.series.get(series_id)
    if series is None or series.remaining:
        return False
    table.series.put_complete(series)
    return True
