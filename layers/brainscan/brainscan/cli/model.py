"""`brainscan model`: versions of the model, which of them answers, and who decided that."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import boto3
import typer
from rich.console import Console

from brainscan import store
from brainscan.cli.model_diff import Out, write_diff
from brainscan.cli.render import plain_table
from brainscan.cli.serve import caller_name
from brainscan.cli.table import NOTHING_FOUND, Table, open_table
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.domain.model_version import ModelChange, ModelState, ModelStateError, ModelVersion, Rollout
from brainscan.inference.manifest import ModelError
from brainscan.pipeline.models import (
    Decision,
    GateClosedError,
    UnknownModelError,
    add_model,
    roll_back,
    set_model_state,
)
from brainscan.store import Results
from brainscan.store.table.models import RegistryConflictError

REFUSED = 4

app = typer.Typer(
    help="Versions of the model: which is served, which is its shadow, and who decided that.", no_args_is_help=True
)

ModelId = Annotated[str, typer.Argument(help="A model's id, or how it begins.")]
Reason = Annotated[str | None, typer.Option(help="Why, for the history. Name no patient.")]


@app.command("list")
def list_models(
    table: Table,
    history: Annotated[bool, typer.Option("--history", help="Every change: who, when, and why.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="A document a line.")] = False,
) -> None:
    """List the versions that were added, the latest first, or every change of where they stand.

    Example: `brainscan model list --history`

    Exit codes: 0 found; 1 no version was added; 2 wrong usage; 3 the table cannot be reached.
    """
    with open_table(table) as scans_table:
        rollout, versions = scans_table.models.rollout(), scans_table.models.all()
        changes = scans_table.models.history() if history else []
    if not versions:
        Console(stderr=True).print("no version was added: the model that the image carries is served")
        raise typer.Exit(NOTHING_FOUND)
    if as_json:
        for document in map(_change_document, changes) if history else (_document(each, rollout) for each in versions):
            typer.echo(json.dumps(document))
        return
    Console().print(_changes(changes) if history else _versions(versions, rollout))
    if rollout.served is None:
        Console().print("The model that the image carries is served.")
    Console().print(f"[dim]{RESEARCH_USE_STATEMENT}[/dim]")


@app.command()
def add(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="An exported model.")],
    table: Table,
    bucket: Annotated[str, typer.Option(envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket.")],
    reason: Reason = None,
) -> None:
    """Keep the model of a folder (`model.tflite`, `manifest.json`) and enter it as a candidate.

    Example: `brainscan model add out/artifact`

    Exit codes: 0 entered, or known before; 2 wrong usage; 3 AWS cannot be reached; 4 it is no usable model.
    """
    with _registry(table) as scans_table:
        version = add_model(folder, scans_table, Results(boto3.client("s3"), bucket), Decision(caller_name(), reason))
        state = scans_table.models.rollout().state_of(version.model_id)
    Console().print(f"model {version.model_id} is {state}. [dim]{RESEARCH_USE_STATEMENT}[/dim]")


@app.command()
def serve(
    table: Table,
    reason: Annotated[str, typer.Option(help="On what grounds, for the history. Name no patient.")],
    model_id: Annotated[str | None, typer.Argument(help="A model's id, or how it begins.")] = None,
    back: Annotated[bool, typer.Option("--back", help="Serve what was served before.")] = False,
    override: Annotated[
        bool, typer.Option("--override", help="Though its gate is closed; the reason says why.")
    ] = False,
) -> None:
    """Let a version that passed its gate answer from the next scan on, or roll back; a begun series keeps its model.

    Example: `brainscan model serve 0f3c9e --reason "diff of May looked at"`

    Exit codes: 0 done; 1 no such version; 2 wrong usage; 3 the table cannot be reached; 4 refused.
    """
    if (model_id is None) is not back:
        raise typer.BadParameter("name a version, or say --back")
    with _registry(table) as scans_table:
        decision = Decision(caller_name(), reason, override)
        if model_id is None:
            _, change = roll_back(scans_table, decision)
        else:
            _, change = set_model_state(whole_id(model_id, scans_table), ModelState.SERVED, scans_table, decision)
    _print_change(change)


@app.command()
def shadow(
    model_id: ModelId,
    table: Table,
    share: Annotated[float, typer.Option(min=0.0, max=1.0, help="Of the scans that it sees; series go whole.")] = 1.0,
    off: Annotated[bool, typer.Option("--off", help="It is no shadow any more, and a candidate again.")] = False,
    reason: Reason = None,
) -> None:
    """Make a version the shadow: it reads a share of the live scans, and its answers are kept apart from all results.

    Example: `brainscan model shadow 0f3c9e --share 0.1`

    Exit codes: 0 done; 1 no such version; 2 wrong usage; 3 the table cannot be reached; 4 refused.
    """
    with _registry(table) as scans_table:
        state = ModelState.CANDIDATE if off else ModelState.SHADOW
        decision = Decision(caller_name(), reason)
        _, change = set_model_state(
            whole_id(model_id, scans_table), state, scans_table, decision, 0.0 if off else share
        )
    _print_change(change)


@app.command()
def diff(
    model_id: ModelId,
    table: Table,
    bucket: Annotated[str, typer.Option(envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket.")],
    out: Out,
    first: Annotated[str | None, typer.Option("--from", help="First UTC day of arrival; default today.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default today.")] = None,
) -> None:
    """Compare what a version said as a shadow with the answers that stand, on the same scans.

    Example: `brainscan model diff 0f3c9e --from 2026-05-01 --out diff`

    Exit codes: 0 written; 1 no such version, or it has seen no scan; 2 wrong usage; 3 AWS cannot be reached.
    """
    with _registry(table) as scans_table:
        whole = whole_id(model_id, scans_table)
        version = next(each for each in scans_table.models.all() if each.model_id == whole)
    write_diff(version, table, bucket, out, first, last)


@app.command()
def retire(model_id: ModelId, table: Table, reason: Reason = None) -> None:
    """Put a version away that is not served; its files and its line stay.

    Example: `brainscan model retire 0f3c9e --reason "worse on pituitary"`

    Exit codes: 0 done; 1 no such version; 2 wrong usage; 3 the table cannot be reached; 4 refused.
    """
    with _registry(table) as scans_table:
        _, change = set_model_state(
            whole_id(model_id, scans_table), ModelState.RETIRED, scans_table, Decision(caller_name(), reason)
        )
    _print_change(change)


@contextmanager
def _registry(table: str) -> Iterator[store.Table]:
    """The table; what the registry or the model refuses is told in a line."""
    with open_table(table) as scans_table:
        try:
            yield scans_table
        except (GateClosedError, ModelError, ModelStateError, RegistryConflictError, UnknownModelError) as refused:
            Console(stderr=True).print(f"[red]not done[/red]: {refused}")
            raise typer.Exit(REFUSED) from None


def whole_id(text: str, table: store.Table) -> str:
    """The id that the user means by its first digits."""
    fitting = [each.model_id for each in table.models.all() if each.model_id.startswith(text.lower())]
    if len(fitting) > 1:
        raise typer.BadParameter(f"{len(fitting)} versions begin so; write more digits")
    if not fitting:
        Console(stderr=True).print(f"[red]no version begins with {text}[/red]: see `brainscan model list`")
        raise typer.Exit(NOTHING_FOUND)
    return fitting[0]


def _print_change(change: ModelChange) -> None:
    named = f"model {change.model_id}" if change.model_id else "the model that the image carries"
    instead = f", in place of {change.replaced[:12]}" if change.replaced else ""
    Console().print(f"{named} is {change.state}{instead}. [dim]{RESEARCH_USE_STATEMENT}[/dim]")


def _document(version: ModelVersion, rollout: Rollout) -> dict[str, object]:
    state = rollout.state_of(version.model_id)
    share = {"share": rollout.share} if state is ModelState.SHADOW else {}
    return version.model_dump(mode="json") | {"state": state} | share


def _change_document(change: ModelChange) -> dict[str, object]:
    return change.model_dump(mode="json", exclude_none=True)


def _versions(versions: list[ModelVersion], rollout: Rollout) -> object:
    shown = plain_table(None)
    for name in ("model", "state", "added", "MB", "input", "accuracy by source"):
        shown.add_column(name)
    for each in versions:
        accuracy = ", ".join(f"{source} {figures.accuracy:.3f}" for source, figures in sorted(each.figures.items()))
        state = rollout.state_of(each.model_id)
        label = f"{state} ({rollout.share:.0%})" if state is ModelState.SHADOW else state
        size, pixels = f"{each.size_bytes / 1e6:.1f}", str(each.input_size)
        shown.add_row(each.model_id[:12], label, f"{each.added_at:%F %H:%M}", size, pixels, accuracy)
    return shown


def _changes(changes: list[ModelChange]) -> object:
    shown = plain_table(None)
    for name in ("", "when", "who", "model", "became", "in place of", "why"):
        shown.add_column(name)
    for each in changes:
        model, replaced = (each.model_id or "the image's")[:12], (each.replaced or "")[:12]
        when, state = f"{each.at:%F %H:%M}", str(each.state)
        shown.add_row(str(each.revision), when, each.by, model, state, replaced, each.reason or "")
    return shown
