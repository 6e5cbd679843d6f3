"""What lists of studies, of series and of scans are asked by: parameters, and the filter that they come to."""

from datetime import date
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from brainscan.api.parameters import days_of, second_reader
from brainscan.domain import Outcome, Probability, ReviewState, TumorClass
from brainscan.store.table.worklist_filter import ScanSort, Sort, WorklistFilter

Finding = Annotated[TumorClass | None, Query(description="the class that stands")]
Review = Annotated[ReviewState | None, Query(description="where it stands with its readers")]
ModelId = Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="the network that answered")]
ExportId = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="the upload that scans of it came with")]
OfExport = Annotated[str | None, Query(pattern="^[0-9a-f]{32}$", description="the upload that it came with")]
Reader = Annotated[str | None, Query(max_length=128, description="whose verdict is the latest")]
Became = Annotated[Outcome | None, Query(description="what became of the scan; queued ones are in exports")]
MinConfidence = Annotated[Probability, Query(description="confidence in the class that stands")]
Order = Annotated[Sort, Query(description="latest, most probable tumor, largest volume, or those to review first")]
ScanOrder = Annotated[ScanSort, Query(description="latest, most probable tumor, or those to review first")]


def filter_of(
    first: date | None,
    last: date | None,
    finding: TumorClass | None,
    review: ReviewState | None,
    model_id: str | None,
    export_id: str | None,
    reader: str | None,
    sort: Sort = Sort.ARRIVAL,
    *,
    outcome: Outcome | None = None,
    min_confidence: float = 0.0,
) -> WorklistFilter:
    """What to list for who asks."""
    days = days_of(first, last)
    return WorklistFilter(
        first=days[-1],
        last=days[0],
        finding=finding,
        outcome=outcome,
        min_confidence=min_confidence,
        review=review,
        model_id=model_id,
        export_id=export_id,
        reader=reader,
        sort=sort,
        second_reader=second_reader(),
    )
