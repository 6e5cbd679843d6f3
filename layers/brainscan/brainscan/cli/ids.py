"""Short ids: the first digits of an id, where they tell it from all others of a day."""

from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Final

import typer

from brainscan.cli.table import not_found
from brainscan.identity import DIGEST_CHARACTERS
from brainscan.library.query import query
from brainscan.store import Table
from brainscan.store.table.query import all_pages
from brainscan.store.table.worklist_filter import WorklistFilter

SHOWN: Final = 12
"""Digits that lists of studies and series show, so that there is room for what else matters."""

MODEL_CHARACTERS: Final = 64
"""Of a model's id: the SHA-256 of its network, in hexadecimal."""

Day = Annotated[str | None, typer.Option(help="UTC day of upload by which a short id is found; default today.")]


def scan_id_of(text: str, day: date | None, table: Table) -> str:
    """The id that the user means; whole ones are taken as they are.

    Raises:
        typer.Exit: no scan of the day has such an id.
        typer.BadParameter: several have.
    """
    if len(text) >= DIGEST_CHARACTERS:
        return text
    on = day or datetime.now(UTC).date()
    return _only(text, "scan", {record.scan_id for record in query(table, first=on, last=on)})


def export_id_of(text: str, day: date | None, table: Table) -> str:
    """The same of exports."""
    if len(text) >= DIGEST_CHARACTERS:
        return text
    on = (day or datetime.now(UTC).date()).isoformat()
    exports = all_pages(lambda size, cursor: table.exports.of_day(on, size, cursor))
    return _only(text, "export", {export.export_id for export in exports})


def study_id_of(text: str, day: date | None, table: Table) -> str:
    """The same of studies."""
    if len(text) >= DIGEST_CHARACTERS:
        return text
    studies = all_pages(partial(table.worklist.studies, _of_day(day)))
    return _only(text, "study", {study.study_id for study in studies if study.study_id})


def series_id_of(text: str, day: date | None, table: Table) -> str:
    """The same of series that were reported."""
    if len(text) >= DIGEST_CHARACTERS:
        return text
    found = all_pages(partial(table.worklist.series, _of_day(day)))
    return _only(text, "series", {series.series_id for series in found})


def patient_id_of(text: str, day: date | None, table: Table) -> str:
    """The same of patients' pseudonyms."""
    if len(text) >= DIGEST_CHARACTERS:
        return text
    on = day or datetime.now(UTC).date()
    return _only(text, "patient", {each.patient_id for each in query(table, first=on, last=on) if each.patient_id})


def model_id_of(text: str, day: date | None, table: Table) -> str:
    """The same of models that answered on the day, or were added at any time."""
    if len(text) >= MODEL_CHARACTERS:
        return text
    answered = table.statistics.of_day((day or datetime.now(UTC).date()).isoformat()).models
    return _only(text, "model", {*answered, *(version.model_id for version in table.models.all())})


def _of_day(day: date | None) -> WorklistFilter:
    on = (day or datetime.now(UTC).date()).isoformat()
    return WorklistFilter(first=on, last=on)


def _only(text: str, what: str, ids: set[str]) -> str:
    fitting = [each for each in ids if each.startswith(text.lower())]
    if len(fitting) > 1:
        raise typer.BadParameter(f"{len(fitting)} ids of that day begin so; write more digits")
    if not fitting:
        raise not_found(f"{what} of that day whose id begins with {text}")
    return fitting[0]
