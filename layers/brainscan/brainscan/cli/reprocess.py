"""`brainscan reprocess`: read stored scans again with another model; look at a run, pause, resume and stop it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import boto3
import typer
from rich.console import Console

from brainscan import store
from brainscan.cli.model import whole_id
from brainscan.cli.render import plain_table
from brainscan.cli.serve import caller_name
from brainscan.cli.table import NOTHING_FOUND, Table, open_table, parsed_day
from brainscan.domain import RESEARCH_USE_STATEMENT, ReviewState, TumorClass
from brainscan.domain.reprocess import MOST_AT_ONCE, Run, RunMode, RunProgress, RunState, RunStateError
from brainscan.inference.manifest import Manifest
from brainscan.inference.shipped import model_dir
from brainscan.pipeline import runs
from brainscan.pipeline.estimate import Estimate, estimate
from brainscan.pipeline.runs import Selection, StateMachine, UnknownRunError
from brainscan.store import Results
from brainscan.store.table.runs import RunConflictError

REFUSED = 4

_GONE = {
    RunMode.READ: "whose bytes have expired or that were replaced",
    RunMode.SWITCH: "which stay as they were: the model has no answer to them or to a slice of their series",
}

app = typer.Typer(help="Read stored scans again with another model.", invoke_without_command=True)

RunId = Annotated[str, typer.Argument(help="A run's id.")]
Dollars = Annotated[float | None, typer.Option(min=0.01, help="What the run may spend; it is paused there.")]


@dataclass(frozen=True)
class _Deployment:
    """Where the table, the bucket and the state machine are."""

    table: str
    bucket: str
    machine_arn: str

    @property
    def results(self) -> Results:
        return Results(boto3.client("s3"), self.bucket)

    @property
    def machine(self) -> StateMachine:
        return StateMachine(boto3.client("stepfunctions"), self.machine_arn)


@app.callback()
def reprocess(
    context: typer.Context,
    table: Table,
    bucket: Annotated[str, typer.Option(envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket.")],
    machine: Annotated[
        str, typer.Option(envvar="BRAINSCAN_REPROCESS_MACHINE", help="ARN of the state machine: ReprocessMachineArn.")
    ],
    model: Annotated[str | None, typer.Option(help="The version that is to read, or how its id begins.")] = None,
    export: Annotated[str | None, typer.Option(help="Scans of one export, by its id.")] = None,
    day: Annotated[str | None, typer.Option(help="Scans that arrived on a UTC day, or from A to B: A..B.")] = None,
    finding: Annotated[TumorClass | None, typer.Option(help="Scans of which this class stands.")] = None,
    verdict: Annotated[ReviewState | None, typer.Option(help="Scans of which their readers came to this.")] = None,
    answered_by: Annotated[
        str | None, typer.Option(help="Scans whose answer is this version's, or of the one whose id begins so.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every scan.")] = False,
    at_once: Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE, help="Batches that are read at once.")] = 20,
    most_dollars: Dollars = None,
    switch: Annotated[
        bool, typer.Option("--switch", help="Put what the version that is served says in place of what stands.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start without being asked.")] = False,
) -> None:
    """Read stored scans again with a version of the model; its answers are kept apart from those that stand.

    With --switch they take their place, once the version is served: each series whole. After `model serve --back` the
    same brings the answers back that stood before.

    Says how many scans it is, how long it will take and what it will cost, and asks before it starts.

    Examples: `brainscan reprocess --model 0f3c9e --day 2026-05-01..2026-05-31 --most-dollars 40`,
    `brainscan reprocess --switch --all`

    Exit codes: 0 started; 1 no such version, or no such scan; 2 wrong usage; 3 AWS cannot be reached; 4 refused.
    """
    context.obj = deployment = _Deployment(table, bucket, machine)
    if context.invoked_subcommand is not None:
        return
    if model is None and not switch:
        raise typer.BadParameter("name the version that is to read", param_hint="--model")
    if not (export or day or finding or verdict or answered_by or everything):
        ways = "--export, --day, --finding, --verdict, --answered-by"
        raise typer.BadParameter(f"say which scans: {ways}, or --all of them")
    with _run_table(deployment) as scans_table:
        old = _answering_id(answered_by, scans_table) if answered_by else None
        wanted = Selection(export, _days(day), finding, verdict, old)
        mode = RunMode.SWITCH if switch else RunMode.READ
        model_id = _served(model, scans_table) if switch else whole_id(str(model), scans_table)
        scans = runs.select_scans(scans_table, model_id, wanted)
        batches = runs.batch_series(scans) if switch else runs.batch_scans(scans)
        if not batches:
            Console(stderr=True).print("no such scan that another model answered")
            raise typer.Exit(NOTHING_FOUND)
        found = estimate(len(scans), len(batches), at_once, mode)
        Console().print(_described_estimate(found, at_once, most_dollars))
        if not (yes or typer.confirm("Start?")):
            raise typer.Exit(REFUSED)
        run = Run(
            run_id=runs.new_run_id(),
            model_id=model_id,
            mode=mode,
            selection=_words(wanted, day),
            by=caller_name(),
            started_at=datetime.now(UTC),
            scans=found.scans,
            batches=found.batches,
            most_at_once=at_once,
            most_dollars=most_dollars,
            dollars_per_second=found.dollars_per_second,
            dollars_per_scan=found.dollars_per_scan,
        )
        runs.start(run, batches, scans_table, deployment.results, deployment.machine)
    Console().print(f"run {run.run_id} is running. [dim]{RESEARCH_USE_STATEMENT}[/dim]")


@app.command("list")
def list_runs(context: typer.Context) -> None:
    """List runs, the latest first.

    Example: `brainscan reprocess list`

    Exit codes: 0 found; 1 there is none; 2 wrong usage; 3 AWS cannot be reached.
    """
    with _run_table(context.obj) as scans_table:
        found = scans_table.runs.all()
    if not found:
        Console(stderr=True).print("there is no run: `brainscan reprocess --model M` starts one")
        raise typer.Exit(NOTHING_FOUND)
    shown = plain_table(None)
    for name in ("run", "state", "started", "by", "model", "scans", "of"):
        shown.add_column(name)
    for each in found:
        started = f"{each.started_at:%F %H:%M}"
        shown.add_row(each.run_id, each.state, started, each.by, each.model_id[:12], f"{each.scans:,}", each.selection)
    Console().print(shown)


@app.command()
def status(
    context: typer.Context,
    run_id: RunId,
    as_json: Annotated[bool, typer.Option("--json", help="As one document, with the ids of dead letters.")] = False,
) -> None:
    """Say how far a run is, what it has spent, and which scans failed to the end.

    Example: `brainscan reprocess status 5f0e1a2b3c4d`

    Exit codes: 0 found; 2 wrong usage; 3 AWS cannot be reached; 4 no such run.
    """
    with _run_table(context.obj) as scans_table:
        found = runs.progress(run_id, scans_table)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json", exclude_none=True)))
        return
    Console().print(_progress(found))


@app.command()
def pause(context: typer.Context, run_id: RunId) -> None:
    """Begin no further batch of a run, until it is resumed.

    Example: `brainscan reprocess pause 5f0e1a2b3c4d`

    Exit codes: 0 done; 2 wrong usage; 3 AWS cannot be reached; 4 refused.
    """
    _pause_or_stop(context.obj, run_id, RunState.PAUSED)


@app.command()
def stop(context: typer.Context, run_id: RunId) -> None:
    """End a run for good; the answers that it has brought stay.

    Example: `brainscan reprocess stop 5f0e1a2b3c4d`

    Exit codes: 0 done; 2 wrong usage; 3 AWS cannot be reached; 4 refused.
    """
    _pause_or_stop(context.obj, run_id, RunState.STOPPED)


@app.command()
def resume(context: typer.Context, run_id: RunId, most_dollars: Dollars = None) -> None:
    """Go on with the batches of a run that are not done, also where its execution broke off.

    Example: `brainscan reprocess resume 5f0e1a2b3c4d --most-dollars 80`

    Exit codes: 0 done; 2 wrong usage; 3 AWS cannot be reached; 4 refused.
    """
    deployment: _Deployment = context.obj
    with _run_table(deployment) as scans_table:
        runs.resume(run_id, most_dollars, scans_table, deployment.results, deployment.machine)
    Console().print(f"run {run_id} is running.")


def _pause_or_stop(deployment: _Deployment, run_id: str, state: RunState) -> None:
    with _run_table(deployment) as scans_table:
        runs.pause_or_stop(run_id, state, caller_name(), scans_table, deployment.machine)
    Console().print(f"run {run_id} is {state}.")


@contextmanager
def _run_table(deployment: _Deployment) -> Iterator[store.Table]:
    """The table; what a run refuses is told in a line."""
    with open_table(deployment.table) as scans_table:
        try:
            yield scans_table
        except (RunConflictError, RunStateError, UnknownRunError) as refused:
            Console(stderr=True).print(f"[red]not done[/red]: {refused}")
            raise typer.Exit(REFUSED) from None


def _served(text: str | None, table: store.Table) -> str:
    """The id of the model that is served, which must be the one that the user means, if one is named.

    The one that the image carries is taken to be that of this installation; the function refuses another.
    """
    served = table.models.rollout().served or Manifest.read(model_dir()).model_id
    if not served.startswith((text or "").lower()):
        Console(stderr=True).print(f"[red]not done[/red]: {served[:12]} is served; `brainscan model serve` comes first")
        raise typer.Exit(REFUSED)
    return served


def _answering_id(text: str, table: store.Table) -> str:
    """The id of a model that answers, by its first digits: a version, or the image's, which need not be one."""
    shipped = Manifest.read(model_dir()).model_id
    return shipped if shipped.startswith(text.lower()) else whole_id(text, table)


def _days(text: str | None) -> tuple[date, date] | None:
    if text is None:
        return None
    first, _, last = text.partition("..")
    days = parsed_day(first, "--day"), parsed_day(last or first, "--day")
    if days[0] is None or days[1] is None or days[0] > days[1]:
        raise typer.BadParameter("the first day comes before the last: A..B", param_hint="--day")
    return days[0], days[1]


def _words(wanted: Selection, days: str | None) -> str:
    named = {
        "export": wanted.export_id,
        "day": days,
        "finding": wanted.finding,
        "verdict": wanted.review,
        "answered by": (wanted.answered_by or "")[:12],
    }
    return ", ".join(f"{name} {value}" for name, value in named.items() if value) or "all"


def _described_estimate(found: Estimate, at_once: int, most_dollars: float | None) -> str:
    bound = f", at most {most_dollars:g}" if most_dollars else ""
    return (
        f"{found.scans:,} scans in {found.batches:,} batches, {at_once} at once: about {found.hours:.2g} hours and "
        f"{found.dollars:.2f} dollars{bound}, by list prices and the image's own model."
    )


def _progress(found: RunProgress) -> Any:
    run = found.run
    shown = plain_table(None)
    bound = f" of {run.most_dollars:g}" if run.most_dollars else ""
    rows = {
        "state": f"{run.state}{f': {run.why}' if run.why else ''}",
        "model": run.model_id[:12],
        "batches": f"{found.batches:,} of {run.batches:,} done",
        ("switched" if run.mode is RunMode.SWITCH else "answered"): f"{found.answered:,} of {run.scans:,} scans",
        "gone": f"{found.gone:,}, {_GONE[run.mode]}",
        "failed": f"{found.failed:,}{': ' + ', '.join(found.dead[:5]) if found.dead else ''}",
        "dollars": f"{found.dollars:.4f}{bound}",
    }
    for name, value in rows.items():
        shown.add_row(name, value)
    return shown
