"""What was found in a scan or a series, as a person would say it."""

from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from brainscan.cli.plurals import counted
from brainscan.domain import Lesion, Measurements, Outcome, Reason, ScanRecord, SeriesResult, TumorClass
from brainscan.library.scans import AnalyzedScan

WORDS = {TumorClass.NO_TUMOR: "no tumor"}
"""Classes that are no word by themselves."""


def scan_in_words(scan: AnalyzedScan) -> str:
    """A line or two: the call and how sure it is, what is outlined, what a reader should look at."""
    record = scan.record
    if record is None or record.outcome in {Outcome.REJECTED, Outcome.SKIPPED, Outcome.FAILED}:
        return f"{one_line(scan.path)}: {scan.outcome}, {_because(scan.reasons)}"
    lines = [f"{one_line(scan.path)}: {_call(record)}; {_outlined(record.tumor)}."]
    if record.review_reasons:
        lines.append(f"A reader should look at it: {_because(record.review_reasons)}.")
    return "\n".join(lines)


def one_line(path: str) -> str:
    """A path on one line of a terminal, whatever characters a file's name has."""
    return escape("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in path))


def superseded_in_words(path: str, by: str) -> str:
    """Which file does not count, and which does."""
    return f"{one_line(path)}: superseded by {one_line(by)}, which holds the same image by its identifiers and place."


def series_in_words(result: SeriesResult, name: str, written: Sequence[Path]) -> str:
    """A line for the verdict, one a lesion, one where the files are."""
    analyzed = sum(each.outcome is Outcome.ANALYZED for each in result.slices)
    of = f"{analyzed} of {counted(len(result.slices), 'slice')} analyzed"
    verdict = "no verdict"
    if result.predicted is not None and result.confidence is not None:
        verdict = f"[bold]{_name(result.predicted)}, {result.confidence:.0%} sure[/bold]"
    lines = [f"series {one_line(name)}: {verdict}, {of}."]
    lines += [f"  lesion {lesion.number}: {_lesion(lesion)}" for lesion in result.lesions]
    if result.review_reasons:
        lines.append(f"  A reader should look at it: {_because(result.review_reasons)}.")
    return "\n".join([*lines, f"  Files: {escape(_where(written))}"])


def _call(record: ScanRecord) -> str:
    if record.predicted is None or record.confidence is None:
        return f"no call, {_because(record.reasons)}"
    call = f"{_name(record.predicted)}, {record.confidence:.0%} sure"
    if record.outcome is Outcome.ABSTAINED:
        return f"no call ({_because(record.reasons)}), most probable {call}"
    return f"[bold]{call}[/bold]"


def _outlined(tumor: Measurements | None) -> str:
    if tumor is None:
        return "nothing is outlined"
    area = f"{tumor.area_px} px" if tumor.area_mm2 is None else f"{tumor.area_mm2:.0f} mm²"
    length = tumor.longest_diameter_mm
    across = f"{tumor.longest_diameter_px:.0f} px" if length is None else f"{length:.0f} mm"
    return f"{area} are outlined, {across} at the longest"


def _lesion(lesion: Lesion) -> str:
    if lesion.longest_diameter_mm is None or lesion.perpendicular_diameter_mm is None:
        size = f"{lesion.longest_diameter_px:.0f} x {lesion.perpendicular_diameter_px:.0f} px"
    else:
        size = f"{lesion.longest_diameter_mm:.0f} x {lesion.perpendicular_diameter_mm:.0f} mm"
    withheld = _because([lesion.volume_withheld]) if lesion.volume_withheld else "unknown"
    volume = f"volume {withheld}" if lesion.volume_mm3 is None else f"{lesion.volume_mm3 / 1000:.2f} ml"
    return f"{_name(lesion.tumor_class)}, {size}, {volume}, on {counted(len(lesion.slices), 'slice')}"


def _name(tumor_class: TumorClass) -> str:
    return WORDS.get(tumor_class, str(tumor_class))


def _because(reasons: Sequence[Reason]) -> str:
    return ", ".join(str(reason).replace("_", " ") for reason in reasons) or "no reason known"


def _where(written: Sequence[Path]) -> str:
    """The folder that all files are in, or the files."""
    folders = {path.parent for path in written}
    return str(folders.pop()) if len(written) > 2 and len(folders) == 1 else ", ".join(map(str, written))
