"""A patient or an object goes by one of its possible pseudonyms for ever: by that which anybody chose first."""

import time
from typing import Any

import pytest

from brainscan.store.table import ChosenPseudonyms, Table
from brainscan.store.table.client import DAY_S, TableClient
from tests.conftest import TABLE


def unknown(_: str) -> bool:
    return False


def marks(dynamodb: Any) -> dict[str, Any]:
    found = dynamodb.scan(TableName=TABLE)["Items"]
    return {item["pk"]["S"]: item for item in found if item["pk"]["S"].startswith("PSEUDONYM#")}


def test_what_is_new_gets_the_preferred_name_and_keeps_it(dynamodb: Any) -> None:
    def chosen(names: list[str], preferred: str) -> str:
        another_process = ChosenPseudonyms(TableClient(dynamodb, TABLE))
        return another_process.choose(names, preferred, unknown)

    assert chosen(["one", "two"], "two") == "two"
    assert chosen(["one", "two"], "one") == "two"
    assert chosen(["one", "two", "three"], "three") == "two"
    assert set(marks(dynamodb)) == {"PSEUDONYM#two"}


def test_what_was_known_before_there_were_marks_keeps_its_name(lagging_table: Table) -> None:
    assert lagging_table.pseudonyms.choose(["one", "two"], "two", lambda name: name == "one") == "one"


def test_of_two_who_choose_at_the_same_time_the_second_follows_the_first(lagging_table: Table, dynamodb: Any) -> None:
    first, second = (ChosenPseudonyms(TableClient(dynamodb, TABLE)) for _ in range(2))

    def meanwhile(_: str) -> bool:
        first.choose(["one", "two"], "one", unknown)
        return False

    assert second.choose(["one", "two"], "two", meanwhile) == "one"
    assert set(marks(dynamodb)) == {"PSEUDONYM#one"}


def test_a_choice_is_asked_of_the_table_once(lagging_table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    lagging_table.pseudonyms.choose(["one", "two"], "two", unknown)
    monkeypatch.setattr(TableClient, "get_batch", None)
    assert lagging_table.pseudonyms.choose(["one", "two"], "one", unknown) == "two"


def test_a_mark_expires_as_other_items_do(dynamodb: Any) -> None:
    ChosenPseudonyms(TableClient(dynamodb, TABLE, retention_days=10)).choose(["one", "two"], "two", unknown)
    expires_at = int(marks(dynamodb)["PSEUDONYM#two"]["expires_at"]["N"])
    assert abs(expires_at - time.time() - 10 * DAY_S) < 60
