"""The route of readers' agreement under /v1: on classes and masks, with the network, with each other; their time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import partial
from itertools import islice
from statistics import median
from typing import Annotated, Final

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import Field

from brainscan.api.parameters import From, To, days_of, documented_route, presigner, the_table
from brainscan.domain import RESEARCH_USE_STATEMENT, FrozenModel, Review, Reviewed, ReviewState, TumorClass
from brainscan.domain.agreement import (
    Agreement,
    Overlap,
    Pair,
    agreement_of,
    drawn_pair,
    is_disputed,
    latest_verdicts,
    overlap_of,
    reader_pair,
)
from brainscan.pipeline.reader_masks import dice_of_pairs
from brainscan.store.table.cells import REVIEWED
from brainscan.store.table.query import all_pages
from brainscan.store.table.worklist_filter import WorklistFilter

MOST_REVIEWED: Final = 2000
"""Studies, series or scans of each review state that are looked at."""

MOST_COMPARED: Final = 200
"""Pairs of readers' masks that are read from S3 and compared: about two seconds."""

router = APIGatewayHttpRouter()


class ReviewLevel(StrEnum):
    """What readers review."""

    STUDIES = "studies"
    SERIES = "series"
    SCANS = "scans"


class ReaderAgreement(Agreement):
    """Between the network and a reader."""

    masks: Overlap = Field(description="the network's and those that the reader drew; of scans alone")
    median_seconds: float | None = Field(description="that the reader looked before a verdict")


class AgreementResponse(FrozenModel):
    """How far readers agree, over what was judged of some days."""

    network: Agreement = Field(description="the network and the verdicts that stand")
    readers: Agreement = Field(description="the first two readers of what several judged")
    by_reader: dict[str, ReaderAgreement] = Field(description="the network and each reader's verdicts that stand")
    network_masks: Overlap = Field(description="the network's masks and those that readers drew; of scans alone")
    reader_masks: Overlap = Field(description="masks that the first two readers of a scan drew")
    disputed: tuple[str, ...] = Field(description="ids of what readers call differently and nobody has decided yet")
    rejected: int = Field(description="findings that readers call of no use; they name no class")
    median_seconds: float | None = Field(description="that a reader looked before a verdict")
    research_use: str = RESEARCH_USE_STATEMENT


class _ReviewedItem(FrozenModel):
    """Something that was judged: its id, the network's class, the verdict that counts, and all verdicts."""

    name: str
    predicted: TumorClass | None
    review: Review | None
    disputed: bool
    history: tuple[Review, ...]


@documented_route(router.get, "/agreement", summary="Readers' agreement", operation_id="agreement", tags=["statistics"])
def get_agreement(
    level: Annotated[ReviewLevel, Query(description="what readers reviewed")] = ReviewLevel.STUDIES,
    first: From = None,
    last: To = None,
) -> AgreementResponse:
    """Cohen's kappa of readers with the network and with each other, what is disputed, and the time a verdict takes."""
    days = days_of(first, last)
    items = list(_reviewed_items(level, days[-1], days[0]))
    counting = [(each.review, each.predicted) for each in items if each.review]
    by_reader: dict[str, list[tuple[Review, TumorClass | None]]] = defaultdict(list)
    for each in items:
        for review in latest_verdicts(each.history):
            by_reader[review.reader].append((review, each.predicted))
    pairs = [pair for each in items if (pair := reader_pair(each.history, each.predicted))]
    verdicts = [review for each in items for review in each.history if not review.is_withdrawn]
    masks = [both for each in items if (both := drawn_pair(each.history))][:MOST_COMPARED]
    return AgreementResponse(
        network=agreement_of([pair for review, predicted in counting for pair in _with_network(review, predicted)]),
        readers=agreement_of(pairs),
        by_reader={reader: _of_reader(found) for reader, found in sorted(by_reader.items())},
        network_masks=_with_networks_masks([review for review, _ in counting]),
        reader_masks=overlap_of(dice_of_pairs(masks, presigner().results)),
        disputed=tuple(each.name for each in items if each.disputed),
        rejected=sum(review.named_class(predicted) is None for review, predicted in counting),
        median_seconds=_median_seconds(verdicts),
    )


def _reviewed_items(level: ReviewLevel, first: str, last: str) -> Iterator[_ReviewedItem]:
    """What was judged of some days, of each review state the first so many."""
    for state in (*REVIEWED, ReviewState.DISPUTED):
        found = {ReviewLevel.STUDIES: _studies, ReviewLevel.SERIES: _series, ReviewLevel.SCANS: _scans}[level](
            state, first, last
        )
        yield from islice(found, MOST_REVIEWED)


def _studies(state: ReviewState, first: str, last: str) -> Iterator[_ReviewedItem]:
    wanted = WorklistFilter(first=first, last=last, review=state)
    for study in all_pages(partial(the_table().worklist.studies, wanted)):
        yield _reviewed(study.study_id, study, partial(the_table().summaries.study_history, study.study_id))


def _series(state: ReviewState, first: str, last: str) -> Iterator[_ReviewedItem]:
    wanted = WorklistFilter(first=first, last=last, review=state)
    for series in all_pages(partial(the_table().worklist.series, wanted)):
        yield _reviewed(series.series_id, series, partial(the_table().summaries.series_history, series.series_id))


def _scans(state: ReviewState, first: str, last: str) -> Iterator[_ReviewedItem]:
    wanted = WorklistFilter(first=first, last=last, review=state)
    for scan in all_pages(partial(the_table().worklist.scans, wanted)):
        yield _reviewed(scan.scan_id, scan, partial(the_table().scans.history, scan.scan_id))


def _reviewed(name: str, item: Reviewed, ask: partial[list[Review]]) -> _ReviewedItem:
    """What was judged, with all verdicts; they are asked for only where there is more than the latest one."""
    history = tuple(ask()) if item.revision > 1 else item.readings
    disputed = item.verdict_state is ReviewState.DISPUTED
    if item.readers_required == 1:
        disputed = is_disputed(history, item.predicted)
    return _ReviewedItem(
        name=name,
        predicted=item.predicted,
        review=item.decisive_review,
        disputed=disputed,
        history=history,
    )


def _of_reader(verdicts: Sequence[tuple[Review, TumorClass | None]]) -> ReaderAgreement:
    """A reader's verdicts that stand, each with the network's class."""
    pairs = [pair for review, predicted in verdicts for pair in _with_network(review, predicted)]
    reviews = [review for review, _ in verdicts]
    return ReaderAgreement(
        **agreement_of(pairs).model_dump(),
        masks=_with_networks_masks(reviews),
        median_seconds=_median_seconds(reviews),
    )


def _with_network(review: Review, predicted: TumorClass | None) -> Sequence[Pair]:
    called = review.named_class(predicted)
    return [(predicted, called)] if predicted and called else []


def _with_networks_masks(reviews: Sequence[Review]) -> Overlap:
    return overlap_of([review.dice for review in reviews if review.dice is not None])


def _median_seconds(reviews: Sequence[Review]) -> float | None:
    seconds = [review.seconds for review in reviews if review.seconds is not None]
    return median(seconds) if seconds else None
