"""The page of reasons has a row for each reason, and for nothing else."""

import re
from pathlib import Path

from brainscan.domain import Reason

PAGE = Path(__file__).parents[2] / "docs/limits.md"


def test_the_page_explains_every_reason_once_and_says_what_to_do() -> None:
    _, _, explained = PAGE.read_text(encoding="utf-8").partition("Every reason")
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", explained, re.MULTILINE)
    assert sorted(name for name, _, _ in rows) == sorted(Reason)
    assert all(means.strip() and remedy.strip() for _, means, remedy in rows)
