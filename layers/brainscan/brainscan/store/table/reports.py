"""The table's item of each series' latest report: a higher revision replaces a lower one, never the reverse."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from brainscan.domain import Delivery, DeliveryState, Outcome, Report
from brainscan.store.table import keys
from brainscan.store.table.client import TableClient
from brainscan.store.table.items import from_item, report_item, report_of, to_item

ATTEMPT: Final = "ATTEMPT"


class Reports:
    """What is known of reported series; their files are in the results bucket."""

    def __init__(self, table: TableClient) -> None:
        self._table = table

    def latest(self, series_id: str) -> Report | None:
        """The report of a series, if it has one."""
        found = self._table.get(keys.report(series_id))
        return report_of(found) if found else None

    def latest_of(self, series_ids: Sequence[str]) -> dict[str, Report]:
        """The reports of those series that have one, by the series' id."""
        found = map(report_of, self._table.get_batch([keys.report(series_id) for series_id in series_ids]))
        return {report.series_id: report for report in found}

    def begin(self, series_id: str, revision: int) -> int:
        """Mark that a report is begun, before anything that may end the process; how often it was, this time included.

        Reports of a series are made one after the other: the table's stream keeps their order.
        """
        attempt = self.attempts(series_id, revision) + 1
        self._put_attempts(series_id, revision, attempt)
        return attempt

    def attempts(self, series_id: str, revision: int) -> int:
        """How often a report was begun and broke off by its own fault."""
        found = self._table.get(keys.report(series_id, ATTEMPT))
        known = from_item(found) if found else {}
        return int(known["attempts"]) if known.get("revision") == revision else 0

    def discount_attempt(self, series_id: str, revision: int, attempt: int) -> None:
        """Do not count an attempt that broke off because AWS refused."""
        self._put_attempts(series_id, revision, attempt - 1)

    def reset_attempts(self, series_id: str) -> bool:
        """Have the series reported anew whose report was given up; False if there is no such series."""
        self._table.delete(keys.report(series_id, ATTEMPT))
        return self._table.update(
            keys.series(series_id),
            UpdateExpression="SET asked_at = :now",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeValues=to_item({":now": datetime.now(UTC).isoformat()}),
        )

    def commit(self, report: Report) -> bool:
        """Make a report the latest of its series; False if one of a higher revision is, or this one is announced.

        One that was given up makes way for one of its own revision.
        """
        if self._put(report, "attribute_not_exists(pk) OR revision < :revision OR outcome = :failed", _FAILED):
            return True
        latest = self.latest(report.series_id)  # it may be this one, of a write whose answer was lost
        return latest is not None and latest.revision == report.revision and not latest.announced

    def mark_announced(self, report: Report) -> None:
        """Remember that a report's event was sent, unless a later report has taken its place."""
        mine = {":outcome": report.outcome.value}
        self._put(report.model_copy(update={"announced": True}), "revision = :revision AND outcome = :outcome", mine)

    def put_delivery(self, series_id: str, revision: int, delivery: Delivery) -> bool:
        """Remember what became of a report on its way to the PACS; False if it was delivered before.

        It is False, too, if a later report has taken its place: that has a way of its own.
        """
        return self._table.update(
            keys.report(series_id),
            UpdateExpression="SET delivery = :delivery",
            ConditionExpression=_UNDELIVERED,
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues=to_item(
                {
                    ":delivery": delivery.model_dump(mode="json", exclude_none=True),
                    ":revision": revision,
                    ":failed": DeliveryState.FAILED.value,
                }
            ),
        )

    def _put(self, report: Report, condition: str, values: Mapping[str, str]) -> bool:
        item = report_item(report, self._table.expires_at)
        return self._table.put(item, condition, {":revision": report.revision, **values})

    def _put_attempts(self, series_id: str, revision: int, attempts: int) -> None:
        fields = {"revision": revision, "attempts": attempts, "expires_at": self._table.expires_at}
        self._table.put(to_item(fields | keys.report(series_id, ATTEMPT)))


_UNDELIVERED: Final = "revision = :revision AND (attribute_not_exists(delivery) OR delivery.#state = :failed)"
_FAILED: Final = {":failed": Outcome.FAILED.value}
