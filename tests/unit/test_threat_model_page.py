"""What the threat model names is there: tests, modules and pages."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/threat-model.md"


def test_every_test_that_it_points_at_exists() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", PAGE.read_text())
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_every_module_and_page_that_it_points_at_exists() -> None:
    text = PAGE.read_text()
    modules = re.findall(r"`(\w+\.py|\w+/)`", text)
    package = ROOT / "layers/brainscan/brainscan"
    prefixes = {"models/", "sources/", "reports/"}  # of the results bucket
    assert [each for each in modules if each not in prefixes and not (package / each).exists()] == []
    assert [each for each in re.findall(r"\]\(([^)#]+)\)", text) if not (PAGE.parent / each).exists()] == []


def test_every_row_of_the_boundaries_is_shown_by_something() -> None:
    rows = PAGE.read_text().partition("## Boundaries")[2].partition("## What is not")[0].splitlines()
    told = [row for row in rows if row.startswith("|")][2:]
    assert len(told) > 15
    assert [row for row in told if "tests/" not in row] == []
