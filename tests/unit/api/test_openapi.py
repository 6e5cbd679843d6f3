"""The OpenAPI document is whole, and docs/api.md is written from it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brainscan.api.app import openapi
from brainscan.api.reference import reference


def references(part: Any) -> Iterator[str]:
    """Every `$ref` below a part of the document."""
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "$ref")
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from references(each)


def test_every_schema_that_is_spoken_of_is_described_and_no_other() -> None:
    document = openapi()
    named = {each.removeprefix("#/components/schemas/") for each in references(document)}
    assert named == set(document["components"]["schemas"])


def test_every_operation_describes_its_problems_and_says_what_it_is_for() -> None:
    document = openapi()
    operations = [(path, op) for path, methods in document["paths"].items() for op in methods.values()]
    assert len(operations) == 34
    for path, operation in operations:
        assert path.startswith("/v1/")
        assert operation["summary"]
        assert {"401", "403"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"]


def test_the_reference_is_that_of_the_description() -> None:
    written = (Path(__file__).parents[3] / "docs/api.md").read_text()
    assert written == reference(), "write it anew: make docs"
