"""The pages name files and headings that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (".ci", "docs", "functions", "infra", "layers", "tests", "training")
FILES = {
    path.relative_to(ROOT)
    for path in (*ROOT.iterdir(), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")))
    if "node_modules" not in path.parts
}
PAGES = sorted(path for path in FILES if path.suffix == ".md")
SOURCE = re.compile(r"`([\w./-]+\.(?:py|js|yaml|toml|sh|asl\.json))`")
"""A file of the repository as pages name it: from the root, or from the room that the page is about."""

LINK = re.compile(r"\]\(([^)#\s:]*)(?:#([^)\s]+))?\)")


def headings(page: Path) -> set[str]:
    """The anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_source_that_a_page_names_is_there(page: Path) -> None:
    named = {name for name in SOURCE.findall((ROOT / page).read_text()) if not name.startswith("out/")}
    assert {name for name in named if not any(path.match(name) for path in FILES)} == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    at = ROOT / page
    for target, anchor in LINK.findall(at.read_text()):
        found = (at.parent / target) if target else at
        assert found.exists(), target
        assert not anchor or anchor in headings(found), f"{target}#{anchor}"
