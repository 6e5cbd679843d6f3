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


def explained_under(heading: str) -> set[str]:
    _, _, explained = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")
    return set(re.findall(r"^\| `(\w+)` \|", explained.partition("\n## ")[0], re.MULTILINE))


def test_the_page_of_outcomes_names_every_reason_for_failure_and_for_review() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    [failed] = re.findall(r"^\| `failed` \|.*\|(.+)\|$", text, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", failed)) == explained_under("Scan failed")
    [review] = re.findall(r"^`needs_review` comes beside an outcome: (.+?)\n\n", text, re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"`(\w+)`", review)) == explained_under("Scan needs review")


def test_the_page_of_outcomes_names_what_is_abstained_from() -> None:
    [row] = re.findall(r"^\| `abstained` \|.*\|(.+)\|$", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == {*ABSTENTIONS, Reason.LOW_CONFIDENCE}
