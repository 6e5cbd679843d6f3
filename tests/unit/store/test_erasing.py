"""What is erased of a scan is written over the scan alone."""

from typing import Any

import pytest

from brainscan.domain import TumorClass
from brainscan.store.table import Table
from brainscan.store.table.client import TableClient
from tests.making import a_record, analyzed


def test_a_scan_that_expires_while_it_is_erased_does_not_come_back(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = analyzed(a_record(patient_id="7" * 32), TumorClass.GLIOMA, 0.9)
    table.scans.register([scan])
    get = TableClient.get

    def expired_after(client: TableClient, key: Any) -> Any:
        found = get(client, key)
        client.delete(key)
        return found

    with monkeypatch.context() as expiring:
        expiring.setattr(TableClient, "get", expired_after)
        assert table.erasing.erase_scans([scan]) == 0
    assert table.scans.get(scan.scan_id) is None
