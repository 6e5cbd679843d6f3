"""docs/api.md, written from the OpenAPI document: `python -m brainscan.api.reference > docs/api.md`."""

import sys
from collections.abc import Iterator
from typing import Any

from brainscan.api.app import openapi

Document = dict[str, Any]


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines(openapi())) + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield "# The HTTP API"
    yield ""
    yield "Written from the OpenAPI document, which the API itself serves at `/openapi.json`: `make docs`."
    yield ""
    yield document["info"]["description"]
    yield ""
    scopes = "reading `brainscan/read`, reviewing `brainscan/review`, uploading `brainscan/upload`"
    yield f"It takes a bearer token, with a scope for each: {scopes}."
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield from _operation(method.upper(), path, operation)
    yield "## Documents"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _schema(name, schema)


def _operation(method: str, path: str, operation: Document) -> Iterator[str]:
    yield ""
    yield f"## {operation['summary']}"
    yield ""
    yield f"`{method} {path}`"
    yield ""
    yield " ".join(operation["description"].split())
    yield ""
    if parameters := operation.get("parameters"):
        yield "| parameter | in | type | meaning |"
        yield "|---|---|---|---|"
        for each in parameters:
            schema = each["schema"]
            meaning = each.get("description") or schema.get("description", "")
            yield f"| `{each['name']}` | {each['in']} | {_type(schema)} | {meaning} |"
        yield ""
    if body := operation.get("requestBody"):
        yield f"Body: {_type(next(iter(body['content'].values()))['schema'])}."
        yield ""
    answers = [
        f"{status} {_type(next(iter(answer['content'].values()))['schema'])}"
        for status, answer in sorted(operation["responses"].items())
        if answer.get("content")
    ]
    yield f"Answers: {', '.join(answers)}."
    yield ""


def _schema(name: str, schema: Document) -> Iterator[str]:
    yield ""
    yield f"### {name}"
    yield ""
    if description := schema.get("description"):
        yield " ".join(description.split())
        yield ""
    if "enum" in schema:
        yield ", ".join(f"`{value}`" for value in schema["enum"])
        return
    if properties := schema.get("properties"):
        yield "| field | type | meaning |"
        yield "|---|---|---|"
        for field, each in properties.items():
            yield f"| `{field}` | {_type(each)} | {each.get('description', '')} |"


def _type(schema: Document) -> str:
    if reference := schema.get("$ref"):
        name = reference.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := schema.get("anyOf"):
        return " or ".join(map(_type, choices))
    if schema.get("type") == "array":
        items = schema.get("items") or {}
        return f"list of {_type(items)}" if items else "list"
    if "const" in schema:
        return f"`{schema['const']}`"
    kind = schema.get("format") or schema.get("type", "any")
    return str(kind)


if __name__ == "__main__":
    sys.stdout.write(reference())
