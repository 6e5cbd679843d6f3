"""Identity is deterministic, keyed by the deployment secret, and never ambiguous."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from brainscan.identity import Pseudonyms

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
