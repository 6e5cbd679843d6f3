"""docs/data-model.md lists names of things: each is found wherever the page says that it is."""

import re
from pathlib import Path
from typing import Any

import pytest

from brainscan.api.app import openapi
from brainscan.cli import main
from brainscan.domain import ScanRecord
from brainscan.domain.model_version import Rollout
from brainscan.domain.summary import SeriesSummary, StudySummary
from brainscan.store.table import keys

ROOT = Path(__file__).parents[3]
[SECTION] = re.findall(r"^## Names\n(.*?)^## ", (ROOT / "docs/data-model.md").read_text(), re.DOTALL | re.MULTILINE)
ROWS = re.findall(r"^\| (`.+) \|$", SECTION, re.MULTILINE)

ATTRIBUTES = {name for model in (ScanRecord, SeriesSummary, StudySummary, Rollout) for name in model.model_fields}


def named(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def options_and_commands() -> set[str]:
    """Every option and every command, at whatever depth."""
    found = set()
    waiting: list[Any] = [main.load(name) for name in main.COMMANDS]
    while waiting:
        command = waiting.pop()
        found |= {command.name or ""} | {option for each in command.params for option in each.opts}
        waiting += getattr(command, "commands", {}).values()
    return found | set(main.COMMANDS)


def fields_and_parameters() -> set[str]:
    document = openapi()
    fields = {name for each in document["components"]["schemas"].values() for name in each.get("properties", {})}
    operations = [each for path in document["paths"].values() for each in path.values()]
    return fields | {each["name"] for operation in operations for each in operation.get("parameters", ())}


def of_page() -> set[str]:
    scripts = (ROOT / "layers/brainscan/brainscan/api/static").glob("*.js")
    return {name for each in scripts for name in re.findall(r"(?:\.|\"|\b)(\w+)", each.read_text())}


@pytest.fixture(scope="module")
def places() -> list[set[str]]:
    return [fields_and_parameters(), options_and_commands(), of_page()]


def test_there_are_names() -> None:
    assert len(ROWS) > 15


@pytest.mark.parametrize("row", ROWS)
def test_each_name_is_where_the_page_says(row: str, places: list[set[str]]) -> None:
    _, _, table, *others = row.split(" | ")
    for each in named(table):
        indexed = f"index `{each}`" in table and keys.Index(each)
        assert (
            indexed
            or each in ATTRIBUTES
            or each in (ROOT / "layers/brainscan/brainscan/store/table/keys.py").read_text()
        )
    for cell, known in zip(others, places, strict=True):
        assert named(cell) <= known
