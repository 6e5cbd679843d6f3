"""`brainscan review`: a reader's verdict on a scan, under the name that AWS knows the caller by."""

from typing import Annotated

import typer
from rich.console import Console

from brainscan.cli.ids import Day, scan_id_of
from brainscan.cli.serve import caller_name
from brainscan.cli.table import Table, not_found, parsed_day, reaching
from brainscan.domain import RESEARCH_USE_STATEMENT, TumorClass, Verdict
from brainscan.store.table.scans import NotReviewableError, ReviewConflictError

REFUSED = 4


def review(
    scan_id: Annotated[str, typer.Argument(help="A scan's id, or how it begins.")],
    table: Table,
    day: Day = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="The network's class is right.")] = False,
    correct: Annotated[TumorClass | None, typer.Option(help="The right class.")] = None,
    reject: Annotated[bool, typer.Option("--reject", help="The finding is of no use.")] = False,
    revision: Annotated[
        int | None, typer.Option(help="Reviews that you knew of; default: those there are now.")
    ] = None,
) -> None:
    """Confirm, correct or reject what the network found.

    Example: `brainscan review 0f3c9e6f0a5b4d0e8c7f1a2b3c4d5e6f --correct meningioma`

    Exit codes: 0 recorded; 1 no such scan; 2 wrong usage; 3 the table cannot be reached; 4 the scan has changed, or
    has nothing to review.
    """
    given = {Verdict.CONFIRMED: confirm, Verdict.CORRECTED: correct is not None, Verdict.REJECTED: reject}
    verdicts = [verdict for verdict, is_given in given.items() if is_given]
    if len(verdicts) != 1:
        raise typer.BadParameter("choose one of --confirm, --correct CLASS and --reject")
    with reaching(table) as asked:
        scan_id = scan_id_of(scan_id, parsed_day(day, "--day"), asked)
        before = asked.scans.get(scan_id)
        seen = revision if revision is not None else before.revision if before else 0
        try:
            after = asked.scans.review(scan_id, seen, verdicts[0], correct, caller_name())
        except (ReviewConflictError, NotReviewableError) as refused:
            Console(stderr=True).print(f"[red]not recorded[/red]: {refused}")
            raise typer.Exit(REFUSED) from None
    if after is None or after.review is None:
        raise not_found(f"scan {scan_id}")
    Console().print(f"{after.review.verdict} as revision {after.revision}. [dim]{RESEARCH_USE_STATEMENT}[/dim]")
