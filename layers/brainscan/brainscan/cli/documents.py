"""Scans, series, studies and exports as JSON documents: the fields that the API answers, without its links."""

from typing import Any

from brainscan.domain import RESEARCH_USE_STATEMENT, Export, ScanRecord, SeriesSummary, StudySummary, Summary


def document_of(found: ScanRecord | SeriesSummary | StudySummary) -> dict[str, Any]:
    """What is known of it, and what stands of that: the class, and where it is with its readers."""
    standing: dict[str, Any] = {"finding": found.finding, "review_state": found.review_state}
    if isinstance(found, Summary):
        standing["tumor_probability"] = found.tumor_probability
    known = {name: value for name, value in standing.items() if value is not None}
    return found.model_dump(mode="json", exclude_none=True) | known


def export_document(export: Export) -> dict[str, Any]:
    """An export with its live progress."""
    live = {"scans": export.scans, "done": export.done, "research_use": RESEARCH_USE_STATEMENT}
    return export.model_dump(mode="json", exclude_none=True) | live
