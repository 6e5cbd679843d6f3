"""The table's item of each series' latest report: a higher revision replaces a lower one, never the reverse."""

import time
from typing import TYPE_CHECKING

from brainscan.domain import Report
from brainscan.store import keys
from brainscan.store.items import report_item, report_of, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class Reports:
    """What is known of reported series; their files are in the results bucket."""

    def __init__(self, client: "DynamoDBClient", table: str, retention_days: int = 0) -> None:
        self._client = client
        self._table = table
        self._retention_s = retention_days * 86_400

    def latest(self, series_id: str) -> Report | None:
        """The report of a series, if it has one."""
        key = to_item(keys.report(series_id))
        found = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return report_of(found["Item"]) if "Item" in found else None

    def commit(self, report: Report) -> bool:
        """Make a report the latest of its series; False if one of this or a higher revision is."""
        return self._put(report, "attribute_not_exists(pk) OR revision < :revision")

    def mark_announced(self, report: Report) -> None:
        """Remember that a report's event was sent, unless a later report has taken its place."""
        self._put(report.model_copy(update={"announced": True}), "revision = :revision")

    def _put(self, report: Report, condition: str) -> bool:
        expires_at = int(time.time()) + self._retention_s if self._retention_s else None
        try:
            self._client.put_item(
                TableName=self._table,
                Item=report_item(report, expires_at),
                ConditionExpression=condition,
                ExpressionAttributeValues=to_item({":revision": report.revision}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True
