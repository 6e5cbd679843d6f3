"""Identity is deterministic, keyed by the deployment secret, and never ambiguous."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainscan.identity import Keyring, Pseudonyms

ours = Pseudonyms(b"deployment secret")
parts = st.lists(st.text(), min_size=1, max_size=4)


@given(parts)
def test_equal_parts_give_equal_digests_and_another_secret_gives_another(texts: Any) -> None:
    assert ours.digest("key", *texts) == Pseudonyms(b"deployment secret").digest("key", *texts)
    assert ours.digest("key", *texts) != Pseudonyms(b"another secret").digest("key", *texts)


@given(parts, parts)
def test_different_parts_never_run_into_each_other(first: Any, second: Any) -> None:
    assert (ours.digest("key", *first) == ours.digest("key", *second)) == (first == second)


def test_domains_keep_the_same_text_apart() -> None:
    assert ours.digest("study", "1.2.3") != ours.digest("series", "1.2.3")


def test_a_new_version_of_an_object_is_a_new_export_of_the_same_object() -> None:
    assert ours.export_id("uploads", "a.png", "v1") != ours.export_id("uploads", "a.png", "v2")
    assert ours.object_id("uploads", "a.png") == ours.object_id("uploads", "a.png")


def test_a_name_cannot_be_read_from_its_digest_nor_from_the_object_that_makes_it() -> None:
    assert "Doe" not in ours.digest("key", "Doe^Jane.dcm")
    assert "secret" not in repr(ours)


MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def test_a_secret_that_never_rotated_is_its_own_only_key() -> None:
    keyring = Keyring.parse("made by Secrets Manager")
    assert [each.secret for each in keyring.all] == [b"made by Secrets Manager"]
    assert keyring.at(MONDAY) == keyring.oldest


def test_each_version_names_what_comes_from_its_time_on_and_none_is_lost() -> None:
    once = Keyring.parse(Keyring.parse("first").rotated("second", MONDAY))
    twice = Keyring.parse(once.rotated("third", MONDAY + timedelta(days=7)))
    assert [each.secret for each in twice.all] == [b"first", b"second", b"third"]
    times = (MONDAY - timedelta(seconds=1), MONDAY, MONDAY + timedelta(days=7))
    assert [twice.at(time).secret for time in times] == [b"first", b"second", b"third"]
    assert twice.oldest.secret == b"first"
    assert "third" not in repr(twice)


def test_a_version_that_begins_before_the_last_one_is_refused() -> None:
    once = Keyring.parse(Keyring.parse("first").rotated("second", MONDAY))
    with pytest.raises(ValueError, match="order of their times"):
        once.rotated("third", MONDAY)
    with pytest.raises(ValueError, match="order of their times"):
        Keyring.parse(json.dumps({"versions": []}))
