"""`brainscan review`: a verdict on a scan, a series or a study, under the name that AWS knows the caller by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated

import boto3
import typer
from rich.console import Console

from brainscan import store
from brainscan.cli.ids import Day, scan_id_of, series_id_of, study_id_of
from brainscan.cli.serve import caller_name
from brainscan.cli.table import Table, not_found, open_table, parsed_day
from brainscan.domain import (
    RESEARCH_USE_STATEMENT,
    AdjudicatorNeededError,
    NothingToWithdrawError,
    Opinion,
    Reviewed,
    ReviewRules,
    TumorClass,
    Verdict,
)
from brainscan.domain.comment import CommentError, validated_comment
from brainscan.imaging.reader_mask import ReaderMaskError
from brainscan.pipeline.reader_masks import DrawnMask, save_reader_mask
from brainscan.store import Results
from brainscan.store.table.scans import NotReviewableError, ReviewConflictError

REFUSED = 4
REFUSALS = (
    *(ReviewConflictError, NotReviewableError, AdjudicatorNeededError, NothingToWithdrawError),
    *(ReaderMaskError, CommentError),
)


@dataclass(frozen=True)
class Subject:
    """What is judged: its id, what it is now, and what takes a verdict with the revision that its reader saw."""

    kind: str
    subject_id: str
    before: Reviewed | None
    review: Callable[[int, Opinion, ReviewRules], Reviewed | None]


def review(
    table: Table,
    scan_id: Annotated[str | None, typer.Argument(help="A scan's id, or how it begins.")] = None,
    series: Annotated[str | None, typer.Option(help="Judge a reported series as a whole, by its id.")] = None,
    study: Annotated[str | None, typer.Option(help="Judge a study as a whole, by its id.")] = None,
    day: Day = None,
    confirm: Annotated[bool, typer.Option("--confirm", help="The network's class is right.")] = False,
    correct: Annotated[TumorClass | None, typer.Option(help="The right class.")] = None,
    reject: Annotated[bool, typer.Option("--reject", help="The finding is of no use.")] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take your verdict back.")] = False,
    comment: Annotated[
        str, typer.Option(help="A comment, in words that name nobody: no names, dates or numbers of a patient.")
    ] = "",
    mask: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="A mask of yours: gray PNG, 0 or 255, of the scan's rows and columns."
        ),
    ] = None,
    bucket: Annotated[
        str, typer.Option(envvar="BRAINSCAN_RESULTS_BUCKET", help="The results bucket, where a mask is kept.")
    ] = "",
    readers: Annotated[
        int, typer.Option(envvar="BRAINSCAN_READERS", min=1, max=2, help="How many read each case.")
    ] = 1,
    adjudicate: Annotated[bool, typer.Option("--adjudicate", help="Decide where two readers differ.")] = False,
    revision: Annotated[
        int | None, typer.Option(help="Reviews that you knew of; default: those there are now.")
    ] = None,
) -> None:
    """Confirm, correct or reject what the network found, or take that back: of a scan, a series or a study.

    Example: `brainscan review 0f3c9e6f0a5b4d0e8c7f1a2b3c4d5e6f --correct meningioma --mask mine.png`

    Exit codes: 0 recorded; 1 there is no such thing; 2 wrong usage; 3 the table cannot be reached; 4 it has changed,
    has nothing to review or to take back, the mask is none of it, the comment could name somebody, or an adjudicator
    is to decide.
    """
    given = {
        Verdict.CONFIRMED: confirm,
        Verdict.CORRECTED: correct is not None,
        Verdict.REJECTED: reject,
        Verdict.WITHDRAWN: withdraw,
    }
    verdicts = [verdict for verdict, is_given in given.items() if is_given]
    if len(verdicts) != 1:
        raise typer.BadParameter("choose one of --confirm, --correct CLASS, --reject and --withdraw")
    if sum(each is not None for each in (scan_id, series, study)) != 1:
        raise typer.BadParameter("name a scan, or one of --series ID and --study ID")
    if mask and (not (confirm or correct) or scan_id is None or not bucket):
        raise typer.BadParameter(
            "a mask goes with --confirm or --correct of a scan, and with --bucket", param_hint="--mask"
        )
    with open_table(table) as scans_table:
        judged = _subject(scan_id, series, study, parsed_day(day, "--day"), scans_table)
        before = judged.before
        seen = revision if revision is not None else before.revision if before else 0
        try:
            words = validated_comment(comment)
            rules = ReviewRules(readers=readers, adjudicator=adjudicate)
            after: Reviewed | None
            if mask and before:
                drawn = DrawnMask(mask.read_bytes(), _class_of(before, correct), caller_name(), comment=words)
                results = Results(boto3.client("s3"), bucket)
                after = save_reader_mask(drawn, judged.subject_id, seen, results, scans_table, rules)
            else:
                opinion = Opinion(verdict=verdicts[0], corrected=correct, reader=caller_name(), comment=words)
                after = judged.review(seen, opinion, rules)
        except REFUSALS as refused:
            Console(stderr=True).print(f"[red]not recorded[/red]: {refused}")
            raise typer.Exit(REFUSED) from None
    if after is None or after.review is None:
        raise not_found(f"{judged.kind} {judged.subject_id}")
    Console().print(f"{after.review.verdict} as revision {after.revision}. [dim]{RESEARCH_USE_STATEMENT}[/dim]")


def _subject(
    scan_id: str | None, series: str | None, study: str | None, day: date | None, table: store.Table
) -> Subject:
    """What one of the ids means."""
    summaries = table.summaries
    if series is not None:
        whole = series_id_of(series, day, table)
        return Subject("reported series", whole, summaries.series(whole), partial(summaries.review_series, whole))
    if study is not None:
        whole = study_id_of(study, day, table)
        return Subject("study", whole, summaries.study(whole), partial(summaries.review_study, whole))
    whole = scan_id_of(scan_id or "", day, table)
    return Subject("scan", whole, table.scans.get(whole), partial(table.scans.review, whole))


def _class_of(scan: Reviewed, correct: TumorClass | None) -> TumorClass:
    called = correct or scan.predicted
    if called is None:
        raise NotReviewableError("the network named no class: name it with --correct")
    return called
