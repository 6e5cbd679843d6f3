"""The page of a comparison of two models: one HTML file that needs no other."""

from base64 import b64encode
from collections.abc import Callable
from html import escape

from brainscan.domain.comparison import ChangedScan, Comparison

Pictures = Callable[[str], tuple[bytes | None, bytes | None]]
"""A scan's id -> PNG with the served model's outline, PNG of the other's mask; None where there is none to show."""

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.3rem .8rem;border-bottom:1px solid #ccc;text-align:right}
th:first-child,td:first-child{text-align:left}figure{display:inline-block;margin:.5rem 1rem .5rem 0}
img{height:11rem;background:#000;margin-right:.3rem}code{font-size:.85em}"""


def page_of(found: Comparison, pictures: Pictures) -> str:
    """The comparison as HTML, with the pictures of scans that the two call differently."""
    columns = sorted({name for row in found.calls.values() for name in row})
    calls = [[name, *(str(row.get(column, 0)) for column in columns)] for name, row in found.calls.items()]
    series = "".join(
        f"<h3>{'series <code>' + each.series_id + '</code>' if each.series_id else 'single scan'}: "
        f"{len(each.changed)} of {each.scans}</h3>" + "".join(_figure(scan, pictures) for scan in each.changed)
        for each in found.changed
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Two models</title><style>{STYLE}</style>'
        f"<h1>Two models on {found.scans} scans</h1><p>Served: {_codes(found.served)}. Candidate: "
        f"{_codes((found.candidate,))}. {escape(found.research_use)}</p>"
        + _table(["", "served", "candidate"], _figures(found))
        + f"<h2>Calls</h2><p>Rows: served. Columns: candidate. Of {found.agreement.pairs} scans that both call, "
        f"{_percent(found.agreement.equal)} alike, kappa {_number(found.agreement.kappa)}. Dice between masks "
        f"{_number(found.mean_dice)} over {found.masks}.</p>"
        + _table(["", *columns], calls)
        + f"<h2>Changed calls</h2>{series or '<p>None.</p>'}</html>\n"
    )


def _figures(found: Comparison) -> list[list[str]]:
    one, other = found.reviewed_served, found.reviewed_candidate
    return [
        [f"right of {one.scans} reviewed scans", _percent(one.accuracy), _percent(other.accuracy)],
        ["calibration error on them", _number(one.calibration_error), _number(other.calibration_error)],
        ["network, ms a scan", _number(found.infer_ms_served), _number(found.infer_ms_candidate)],
    ]


def _figure(scan: ChangedScan, pictures: Pictures) -> str:
    shown = [
        f'<img alt="{escape(alt)}" src="data:image/png;base64,{b64encode(png).decode()}">'
        for png, alt in zip(pictures(scan.scan_id), ("served", "mask of the candidate"), strict=True)
        if png
    ]
    reviewed = f", reader: {scan.reviewed}" if scan.reviewed else ""
    dice = f", Dice {scan.dice:.2f}" if scan.dice is not None else ""
    caption = escape(f"{scan.served} → {scan.candidate}{reviewed}{dice}")
    return f"<figure>{''.join(shown)}<figcaption>{caption}<br><code>{scan.scan_id}</code></figcaption></figure>"


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = "".join(f"<th>{escape(each)}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(each)}</td>" for each in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"


def _codes(ids: tuple[str, ...]) -> str:
    return ", ".join(f"<code>{escape(each[:12])}</code>" for each in ids) or "none"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
