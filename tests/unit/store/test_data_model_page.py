"""docs/data-model.md says what is so: its examples run, and its patterns are all the patterns there are."""

import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from brainscan.domain import Export, ExportState, Finding, Outcome, Reason, ScanRecord, TumorClass
from brainscan.store import Table
from brainscan.store.table import (
    ChosenPseudonyms,
    Erasing,
    Exports,
    Models,
    Reports,
    Runs,
    ScanQueries,
    Scans,
    SeriesItems,
    Statistics,
    Summaries,
    Versions,
    Worklist,
)
from tests.conftest import TABLE
from tests.making import NOON, a_record, analyzed

PAGE = (Path(__file__).parents[3] / "docs/data-model.md").read_text()
EXAMPLES = re.findall(r"```bash\naws dynamodb query (.*?)```", PAGE, re.DOTALL)


def in_shard_zero(start: int = 0, **changes: Any) -> Any:
    """A record whose day shard is the first, as in the examples."""
    return next(r for n in range(start, start + 500) if int((r := a_record(n, **changes)).scan_id[:8], 16) % 16 == 0)


def parameters(command: str) -> dict[str, Any]:
    """The CLI's options as the service's parameters; the CLI names them after each other."""
    import json

    found: dict[str, Any] = {}
    words = shlex.split(command.replace("\\\n", " ").replace("$TABLE", TABLE))
    names = {"--table-name": "TableName", "--index-name": "IndexName"}
    names |= {"--key-condition-expression": "KeyConditionExpression"}
    for place, word in enumerate(words):
        if word in names:
            found[names[word]] = words[place + 1]
        elif word == "--expression-attribute-values":
            found["ExpressionAttributeValues"] = json.loads(words[place + 1])
        elif word == "--no-scan-index-forward":
            found["ScanIndexForward"] = False
    return found


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_finds_what_it_says(dynamodb: Any, table: Table, example: Any) -> None:
    glioma, failed = in_shard_zero(series_id="5" * 32), in_shard_zero(1000)
    table.scans.register([glioma, failed])
    wanted = analyzed(glioma, TumorClass.GLIOMA, 0.95, needs_review=True)
    lost = ScanRecord.of(failed, Finding(outcome=Outcome.FAILED, reasons=(Reason.RETRIES_EXHAUSTED,)))
    table.scans.commit([wanted, lost], [Outcome.QUEUED] * 2)
    table.exports.conclude(Export(export_id="0" * 32, state=ExportState.EXPANDED, received_at=NOON))
    asked = parameters(example)
    assert dynamodb.query(**asked)["Count"] == 1
    shape = dynamodb.meta.service_model.operation_model("Query").input_shape
    options = set(re.findall(r"--([a-z-]+)", example)) - {"no-scan-index-forward"}
    assert options <= {xform_name(name, "-") for name in shape.members}


def test_there_is_an_example_for_every_kind_of_question() -> None:
    assert len(EXAMPLES) == 5


QUESTIONS = {
    "Scans": (Scans, {"register", "commit", "exchange", "supersede", "review"}),
    "ScanQueries": (ScanQueries, set()),
    "Erasing": (Erasing, {"erase_scans", "delete"}),
    "Exports": (Exports, {"begin", "conclude", "put_part", "fail_part", "forget_listing", "mark_superseded"}),
    "SeriesItems": (SeriesItems, {"put_complete", "forget_slice"}),
    "Statistics": (Statistics, {"mark_arrival"}),
    "Versions": (Versions, {"make_latest", "forget_superseded"}),
    "Models": (Models, {"commit", "put_gate", "switch_series"}),
    "Runs": (Runs, {"put", "put_reprocessed", "update_reprocessed", "put_done", "put_dead", "add_spent"}),
    "Reports": (Reports, {"begin", "discount_attempt", "reset_attempts", "commit", "mark_announced", "put_delivery"}),
    "ChosenPseudonyms": (ChosenPseudonyms, set()),
    "Summaries": (Summaries, {"put", "withdraw", "review_series", "review_study"}),
    "Worklist": (Worklist, set()),
}
"""The table's parts, and which of their methods write."""


@pytest.mark.parametrize("part", QUESTIONS)
def test_every_access_pattern_is_on_the_page_with_its_index(part: Any) -> None:
    made_of, writes = QUESTIONS[part]
    for name, method in inspect.getmembers(made_of, inspect.isfunction):
        if not name.startswith("_") and name not in writes:
            [row] = [line for line in PAGE.splitlines() if f"`{part}.{name}`" in line]
            index = re.search(r"keys\.Index\.(\w+)", inspect.getsource(method))
            assert (f"`{index[1].lower()}`" if index else "table") in row
