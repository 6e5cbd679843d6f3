"""In a terminal of 80 columns a table shows everything that matters; notes take the room that is left."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.table import Table

from brainscan.cli.render import id_lines_of, table_of
from brainscan.domain import Outcome, Reason, ScanRecord, TumorClass
from tests.making import a_record, analyzed

CERTAIN = analyzed(a_record(1), TumorClass.MENINGIOMA, 0.93)
DOUBTFUL = analyzed(a_record(2), TumorClass.NO_TUMOR, 0.57).model_copy(
    update={
        "outcome": Outcome.ABSTAINED,
        "reasons": (Reason.LOW_CONFIDENCE,),
        "review_reasons": (Reason.TUMOR_WITHOUT_MASK, Reason.BORDERLINE_CONFIDENCE),
    }
)


def shown(table: Table) -> str:
    written = io.StringIO()
    console = Console(width=80, file=written, color_system=None)
    console.print(table)
    text = written.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    return text


def test_findings_have_class_confidence_size_and_every_word_of_their_note() -> None:
    text = shown(table_of([("a/long/way/to/the/file 0001.dcm", CERTAIN), ("x.png", DOUBTFUL)], "Findings"))
    for wanted in ("outcome", "class", "sure", "area", "length", "note", "meningioma", "0.93", "abstained", "0.57"):
        assert wanted in text
    assert {"low", "confidence", "tumor", "without", "mask", "borderline"} <= set(text.replace(",", " ").split())


@pytest.mark.parametrize("reason", Reason)
def test_no_word_of_a_note_is_cut(reason: Reason) -> None:
    text = shown(table_of([("x.png", CERTAIN.model_copy(update={"reasons": (reason, reason)}))], "Findings"))
    assert set(reason.split("_")) <= set(text.replace(",", " ").split())


def test_ids_stand_whole_beside_class_and_confidence() -> None:
    lines = list(id_lines_of([CERTAIN, DOUBTFUL], 80, styled=False))
    text = "\n".join(lines)
    for wanted in (CERTAIN.scan_id, DOUBTFUL.scan_id, "meningioma", "0.93", "no_tumor", "0.57"):
        assert wanted in text
    assert max(map(len, lines)) <= 80
    assert {"low", "confidence", "tumor", "without", "mask", "borderline"} <= set(text.replace(",", " ").split())


def test_the_first_rows_do_not_wait_for_the_last_ones() -> None:
    taken: list[str] = []

    def found() -> Iterator[ScanRecord]:
        for record in (CERTAIN, DOUBTFUL):
            taken.append(record.scan_id)
            yield record

    lines = id_lines_of(found(), 80, styled=True)
    rows = (line for line in lines if CERTAIN.scan_id in line)
    assert "\x1b[32manalyzed" in next(rows)
    assert taken == [CERTAIN.scan_id]
