"""`brainscan model diff`: two models on the same scans, as JSON and as a page with pictures."""

from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import boto3
import typer
from rich.console import Console

from brainscan.cli.comparison_page import page_of
from brainscan.cli.serve import caller_name
from brainscan.cli.table import NOTHING_FOUND, open_table, parsed_day
from brainscan.domain import RESEARCH_USE_STATEMENT
from brainscan.domain.comparison import PredictionPair, compare
from brainscan.domain.gate import gate_of
from brainscan.domain.model_version import ModelVersion
from brainscan.pipeline.compare import prediction_pairs
from brainscan.pipeline.overlays import overlay_png
from brainscan.store import ObjectGoneError, Results


def write_diff(version: ModelVersion, table: str, bucket: str, out: Path, first: str | None, last: str | None) -> None:
    """Compare a shadow model with the answers that stand; write `diff.json` and `diff.html`.

    What its gate says of it goes into the registry.

    Raises:
        typer.Exit: it has seen no scan of these days.
    """
    today = datetime.now(UTC).date()
    since, until = parsed_day(first, "--from") or today, parsed_day(last, "--to") or today
    if since > until:
        raise typer.BadParameter("the first day comes before the last", param_hint="--from")
    with open_table(table) as scans_table:
        results = Results(boto3.client("s3"), bucket)
        pairs = {
            each.served.scan_id: each for each in prediction_pairs(version.model_id, since, until, scans_table, results)
        }
        if not pairs:
            Console(stderr=True).print("it has seen no scan of these days: `brainscan model shadow` shows it live ones")
            raise typer.Exit(NOTHING_FOUND)
        found = compare(version.model_id, list(pairs.values()))
        out.mkdir(parents=True, exist_ok=True)
        (out / "diff.json").write_text(found.model_dump_json(indent=2) + "\n", encoding="utf-8")
        page = page_of(found, lambda scan_id: _pictures(pairs[scan_id], results))
        (out / "diff.html").write_text(page, encoding="utf-8")
        gate = gate_of(found, version, caller_name(), datetime.now(UTC))
        scans_table.models.put_gate(gate)
    changed = sum(len(each.changed) for each in found.changed)
    Console().print(
        f"{found.scans} scans, {changed} called differently, {found.reviewed_served.scans} reviewed: "
        f"{out}/diff.html, diff.json. [dim]{RESEARCH_USE_STATEMENT}[/dim]"
    )
    Console().print("The gate is passed." if not gate.failures else f"The gate is closed: {'; '.join(gate.failures)}.")


Out = Annotated[Path, typer.Option(file_okay=False, help="Folder for diff.json and diff.html.")]


def _pictures(pair: PredictionPair, results: Results) -> tuple[bytes | None, bytes | None]:
    """Where no picture is drawn of a scan, since it may show a name, there is none here either."""
    try:
        served = overlay_png(pair.served, results)
    except ObjectGoneError:
        served = None
    return served, b64decode(pair.candidate.mask) if pair.candidate.mask else None
