"""The route of readers' agreement under /v1: with the network, with each other, and how long they look."""

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

from brainscan.api.parameters import From, To, days_of, described, the_table
from brainscan.domain import RESEARCH_USE_STATEMENT, FrozenModel, Review, ReviewState, TumorClass
from brainscan.domain.agreement import Agreement, Pair, agreement_of, is_disputed, reader_pair
from brainscan.store.table.query import all_pages
from brainscan.store.table.summary_queries import REVIEWED, WantedSummaries

MOST_JUDGED: Final = 2000
"""Studies or series of each review state that are looked at."""

router = APIGatewayHttpRouter()


class Judged(StrEnum):
    """What readers judged."""

    STUDIES = "studies"
    SERIES = "series"


class AgreementAnswer(FrozenModel):
    """How far readers agree, over what was judged of some days."""

    network: Agreement = Field(description="the network and the verdicts that stand")
    readers: Agreement = Field(description="the first two readers of what several judged")
    by_reader: dict[str, Agreement] = Field(description="the network and each reader's verdicts that stand")
    disputed: tuple[str, ...] = Field(description="ids of what two readers call differently and no third has judged")
    rejected: int = Field(description="findings that readers call of no use; they name no class")
    median_seconds: float | None = Field(description="that a reader looked before a verdict")
    research_use: str = RESEARCH_USE_STATEMENT


class _Case(FrozenModel):
    """Something that was judged: its id, the network's class, the verdict that stands, and all verdicts."""

    name: str
    predicted: TumorClass | None
    review: Review
    history: tuple[Review, ...]


@described(router.get, "/agreement", summary="Readers' agreement", operation_id="agreement", tags=["statistics"])
def get_agreement(
    judged: Annotated[Judged, Query(description="what readers judged")] = Judged.STUDIES,
    first: From = None,
    last: To = None,
) -> AgreementAnswer:
    """Cohen's kappa of readers with the network and with each other, what is disputed, and the time a verdict takes."""
    days = days_of(first, last)
    cases = list(_cases(judged, days[-1], days[0]))
    by_reader: dict[str, list[Pair]] = defaultdict(list)
    for each in cases:
        by_reader[each.review.reader] += _with_network(each)
    pairs = [pair for each in cases if (pair := reader_pair(each.history, each.predicted))]
    verdicts = [review for each in cases for review in each.history if review.stands]
    seconds = [review.seconds for review in verdicts if review.seconds is not None]
    return AgreementAnswer(
        network=agreement_of([pair for pairs_of_reader in by_reader.values() for pair in pairs_of_reader]),
        readers=agreement_of(pairs),
        by_reader={reader: agreement_of(found) for reader, found in sorted(by_reader.items())},
        disputed=tuple(each.name for each in cases if is_disputed(each.history, each.predicted)),
        rejected=sum(each.review.names(each.predicted) is None for each in cases),
        median_seconds=median(seconds) if seconds else None,
    )


def _cases(judged: Judged, first: str, last: str) -> Iterator[_Case]:
    for state in REVIEWED:
        wanted = WantedSummaries(first=first, last=last, review=ReviewState(state))
        if judged is Judged.STUDIES:
            studies = all_pages(partial(the_table().summary_queries.studies, wanted))
            for study in islice(studies, MOST_JUDGED):
                if study.review:
                    history = _history(study.review, partial(the_table().summaries.study_history, study.study_id))
                    yield _Case(name=study.study_id, predicted=study.predicted, review=study.review, history=history)
        else:
            series = all_pages(partial(the_table().summary_queries.series, wanted))
            for one in islice(series, MOST_JUDGED):
                if one.review:
                    history = _history(one.review, partial(the_table().summaries.series_history, one.series_id))
                    yield _Case(name=one.series_id, predicted=one.predicted, review=one.review, history=history)


def _history(latest: Review, ask: partial[list[Review]]) -> tuple[Review, ...]:
    """All verdicts; asked for only where there is more than the latest one."""
    return tuple(ask()) if latest.revision > 1 else (latest,)


def _with_network(case: _Case) -> Sequence[Pair]:
    called = case.review.names(case.predicted)
    return [(case.predicted, called)] if case.predicted and called else []
