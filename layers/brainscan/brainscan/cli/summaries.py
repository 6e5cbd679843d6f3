"""Studies and series in a terminal: a table of many, or all that is known of one."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table as Grid

from brainscan.cli.ids import SHOWN
from brainscan.cli.plurals import counted
from brainscan.domain import Delivery, DeliveryState, LesionSummary, SeriesSummary, StudySummary, Summary
from brainscan.domain.follow_up import FollowUp


def grid_of(summaries: Iterable[Summary], heading: str) -> Grid:
    """A table of studies or of series under the first digits of their ids."""
    grid = Grid(box=None, header_style="bold", padding=(0, 1, 0, 0))
    grid.add_column(heading, no_wrap=True, min_width=SHOWN)
    for name, width in (("class", 10), ("sure", 4), ("volume", 9), ("review", 9)):
        grid.add_column(name, no_wrap=True, min_width=width, justify="right" if name in {"sure", "volume"} else "left")
    grid.add_column("note", overflow="fold")  # the one that gives way in a narrow terminal: over several lines
    for each in summaries:
        called, sure, volume, _, review, why = _row(each)
        grid.add_row(_id_of(each)[:SHOWN], called, sure, volume, review, why)
    return grid


def history_grid(history: Iterable[tuple[StudySummary, FollowUp]]) -> Grid:
    """A table of a patient's studies, with the change of volume since the one before, or why there is none."""
    grid = Grid(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for name, width in (("study", SHOWN), ("arrived", 10), ("class", 10)):
        grid.add_column(name, no_wrap=True, min_width=width)
    for name, width in (("sure", 4), ("volume", 9), ("change", 6)):
        grid.add_column(name, no_wrap=True, min_width=width, justify="right")
    grid.add_column("note", overflow="fold")
    for study, follow_up in history:
        called, sure, *_ = _row(study)
        volume = "" if follow_up.volume_mm3 is None else f"{follow_up.volume_mm3 / 1000:.1f} cm³"
        change = "" if follow_up.change_percent is None else f"{follow_up.change_percent:+.0f} %"
        why = (follow_up.not_compared or "").replace("_", " ")
        grid.add_row(study.study_id[:SHOWN], study.day, called, sure, volume, change, why)
    return grid


def _row(each: Summary) -> tuple[str, ...]:
    review = each.review_state.value if each.review_state else ""
    sure = "" if each.confidence is None else f"{each.confidence:.2f}"
    slices = f"{each.slices_analyzed}/{each.slices_abstained}/{each.slices_rejected}"
    why = ", ".join(each.review_reasons).replace("_", " ")
    return each.finding or each.outcome.value, sure, _volume_of(each), slices, review, why


def _volume_of(summary: Summary) -> str:
    """Cubic centimetres, or why there are none."""
    if summary.volume_mm3 is not None:
        return f"{summary.volume_mm3 / 1000:.1f} cm³"
    return (summary.volume_withheld or "").replace("_", " ")


def print_in_full(
    summaries: Sequence[SeriesSummary | StudySummary], delivery: Delivery | None, console: Console
) -> None:
    """A study and its series, or a series: one line each, then the lesions of the first, and its way to the PACS."""
    for each in summaries:
        rests = " (the verdict rests on it)" if _rests_on(summaries[0], each) else ""
        console.print(f"[bold]{_kind(each)} {_id_of(each)}[/bold]{rests}")
        console.print(f"  {_paragraph(each)}")
        if evidence := _evidence(each):
            console.print(f"  {evidence}", soft_wrap=True)
    for lesion in summaries[0].lesions:
        console.print(f"  {_lesion_line(lesion)}", soft_wrap=True)
    if isinstance(summaries[0], SeriesSummary):
        for name, key in summaries[0].files.items():
            console.print(f"  {name}: {key}", soft_wrap=True)
    if delivery:
        console.print(f"  {_told_of_delivery(delivery)}", soft_wrap=True)


def _paragraph(each: Summary) -> str:
    called, sure, volume, slices, review, why = _row(each)
    parts = (
        f"{called} {sure}".strip(),
        f"{counted(each.lesion_count, 'lesion')}, {volume}" if each.lesion_count else "no lesion",
        f"slices analyzed/abstained/without answer {slices}",
        f"review {review}" if review else "",
        why,
    )
    return "; ".join(filter(None, parts))


def _evidence(each: Summary) -> str:
    """What the verdict comes from: probabilities, the model, and the slice to look at first."""
    probable = sorted((each.probabilities or {}).items(), key=lambda named: -named[1])
    parts = (
        ", ".join(f"{name} {probability:.2f}" for name, probability in probable),
        f"model {each.model_id[:SHOWN]}" if each.model_id else "",
        f"key slice {each.key_slice}" if each.key_slice else "",
    )
    return "; ".join(filter(None, parts))


def _lesion_line(lesion: LesionSummary) -> str:
    volume = f"{lesion.volume_mm3:.0f} mm³" if lesion.volume_mm3 is not None else lesion.volume_withheld or ""
    longest = _length(lesion.longest_diameter_mm, lesion.longest_diameter_px)
    across = _length(lesion.perpendicular_diameter_mm, lesion.perpendicular_diameter_px)
    return (
        f"lesion {lesion.number}: {lesion.tumor_class} {lesion.probability:.2f}; {volume}; {longest} × {across}; "
        f"{counted(lesion.slices, 'slice')}, the largest {lesion.key_slice}"
    )


def _told_of_delivery(delivery: Delivery) -> str:
    if delivery.state is DeliveryState.DELIVERED:
        return f"in the PACS: {counted(delivery.objects, 'object')}, {delivery.at:%F %T} UTC"
    why = (delivery.reason or "").replace("_", " ")
    again = "`brainscan dlq redrive --queue deliveries` tries again"
    return f"not in the PACS: {why}, {delivery.at:%F %T} UTC; {again}"


def _length(mm: float | None, px: float) -> str:
    return f"{px:.0f} px" if mm is None else f"{mm:.1f} mm"


def _rests_on(first: Summary, each: Summary) -> bool:
    return isinstance(first, StudySummary) and isinstance(each, SeriesSummary) and first.rests_on == each.series_id


def _kind(summary: Summary) -> str:
    return "series" if isinstance(summary, SeriesSummary) else "study"


def _id_of(summary: Summary) -> str:
    if isinstance(summary, SeriesSummary):
        return summary.series_id
    return summary.study_id or ""
