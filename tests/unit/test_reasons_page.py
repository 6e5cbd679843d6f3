"""The page of reasons has a row for each reason, and for nothing else."""

import re
from pathlib import Path

from brainscan.domain import Reason
from brainscan.pipeline.predict import ABSTENTIONS

ARCHITECTURE = Path(__file__).parents[2] / "docs/architecture.md"
PAGE = Path(__file__).parents[2] / "docs/limits.md"


def test_the_page_explains_every_reason_once_and_says_what_to_do() -> None:
    _, _, explained = PAGE.read_text(encoding="utf-8").partition("Every reason")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", explained, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(Reason)
    assert all(means.strip() and remedy.strip() for _, means, remedy in rows)


def test_the_page_of_outcomes_names_what_is_abstained_from() -> None:
    [row] = re.findall(r"^\| `abstained` \|.*\|(.+)\|$", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {*ABSTENTIONS, Reason.LOW_CONFIDENCE}
