"""`brainscan drift`: how far scans and answers of some days are from those of a reference window."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from brainscan.cli.render import plain_table
from brainscan.cli.studies import SummaryFormat
from brainscan.cli.table import NOTHING_FOUND, Table, open_table, parsed_day
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.domain.drift import LEAST_DAY, LEAST_REFERENCE, Distance, FeatureDrift, Level
from brainscan.domain.features import DeviceQuality
from brainscan.pipeline.drift import REFERENCE_DAYS, DriftQueryError, DriftReport, Reference, Window, report_drift

COMPARED_DAYS = 14
STYLES = {Level.STABLE: "green", Level.SHIFTED: "yellow", Level.DRIFTED: "bold red", Level.TOO_FEW: "dim"}


def drift(
    table: Table,
    first: Annotated[str | None, typer.Option("--from", help="First UTC day; default two weeks ago.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day; default today.")] = None,
    site: Annotated[str | None, typer.Option(help="Scans of one site, by its upload prefix; default all.")] = None,
    since_model: Annotated[
        bool, typer.Option("--since-model", help="Compare with the first days of the served model, not those before.")
    ] = False,
    reference_days: Annotated[int, typer.Option(min=1, max=400, help="Days of the reference.")] = REFERENCE_DAYS,
    form: Annotated[SummaryFormat, typer.Option("--format", help="A table, or one JSON document.")] = (
        SummaryFormat.TABLE
    ),
) -> None:
    """Compare what came in and what was answered with a reference window, by the population stability index.

    Example: `brainscan drift --site north --from 2026-05-01 --since-model`

    Exit codes: 0 compared; 1 no scans on these days; 2 wrong usage; 3 the table cannot be reached.
    """
    until = parsed_day(last, "--to") or datetime.now(UTC).date()
    since = parsed_day(first, "--from") or until - timedelta(days=COMPARED_DAYS - 1)
    reference = Reference.MODEL if since_model else Reference.BEFORE
    with open_table(table) as scans_table:
        try:
            answer = report_drift(Window(since, until, reference, reference_days), scans_table, site)
        except DriftQueryError as wrong:
            raise typer.BadParameter(str(wrong)) from None
    if form is SummaryFormat.JSON:
        typer.echo(answer.model_dump_json())
    else:
        _print(answer)
    if not answer.scans:
        raise typer.Exit(NOTHING_FOUND)


def _print(answer: DriftReport) -> None:
    console = Console()
    where = f"site {answer.site}" if answer.site else "all sites"
    against = answer.reference
    console.print(f"{answer.first} to {answer.last}, {where}: {answer.scans} scans")
    console.print(f"against {against.first} to {against.last}: {against.scans} scans")
    if answer.models != against.models:
        console.print("[yellow]The models that answered are not the reference's: answers may move by that.[/yellow]")
    console.print(_features(answer.features))
    if answer.devices:
        console.print(_devices(answer.devices))
    console.print(
        f"[dim]No number: fewer than {LEAST_DAY} scans, or {LEAST_REFERENCE} in the reference. "
        f"{RESEARCH_USE_STATEMENT}[/dim]"
    )


def _features(features: tuple[FeatureDrift, ...]) -> object:
    shown = plain_table(None)
    for name in ("", "feature"):
        shown.add_column(name, no_wrap=True)
    for name in ("scans", "psi", "usual", "farthest day"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("level", no_wrap=True)
    for each in features:
        known = [day for day in each.days if day.psi is not None]
        farthest = max(known, key=lambda day: day.psi or 0.0, default=None)
        shown.add_row(
            "answers" if each.output else "input",
            each.feature,
            str(each.overall.scans),
            _number(each.overall.psi),
            _number(each.usual_psi),
            f"{farthest.day} {_number(farthest.psi)}" if farthest else "",
            _level(each.overall),
        )
    return shown


def _devices(devices: tuple[DeviceQuality, ...]) -> object:
    shown = plain_table(None)
    shown.add_column("device", no_wrap=True)
    for name in ("scans", "rejected", "abstained", "to review"):
        shown.add_column(name, justify="right", no_wrap=True)
    for each in devices:
        shares = (f"{n / each.scans:.1%}" for n in (each.rejected, each.abstained, each.flagged))
        shown.add_row(device_name(each), str(each.scans), *shares)
    return shown


def device_name(device: DeviceQuality) -> str:
    """Maker and model, as far as they are known."""
    if device.vendor is None:
        return "not stated"
    return f"{device.vendor} {device.model or 'another model'}".replace("_", " ")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _level(distance: Distance) -> str:
    style = STYLES[distance.level]
    return f"[{style}]{distance.level.replace('_', ' ')}[/{style}]"
