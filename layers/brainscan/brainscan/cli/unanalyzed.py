"""The files of an export that hold no scan to analyze, and why: no other listing tells of them."""

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from rich.table import Table

from brainscan.cli.render import plain_table
from brainscan.cli.rows import json_line
from brainscan.cli.words import one_line
from brainscan.domain import Outcome, Reason, ScanRecord

NAMED: Final = 3
"""Files of a reason that are named; the listing has all."""

Line = Mapping[str, Any]


def file_outcomes(
    listing: bytes, names: Mapping[str, str], alone: str, records: Iterable[ScanRecord] = ()
) -> list[Line]:
    """Every file of an export with its outcome and reasons, as its sender named it.

    Args:
        listing: `files.jsonl` of the export.
        names: Of entries of an archive, by their digests.
        alone: What an upload is called that is no archive.
        records: What became of its scans since: of a file with several, the first that was analyzed speaks for it.
    """
    lines = [json.loads(line) for line in listing.splitlines()]
    by_id = {record.scan_id: record for record in records}
    return [{"path": _name(line, names, alone)} | line | _became(line, by_id) for line in lines]


def entry_paths(archive: Path | IO[bytes]) -> Iterator[str]:
    """The paths of a ZIP's entries, and of those of ZIPs in it, as intake joins them; of a damaged one none."""
    with suppress(zipfile.BadZipFile, RuntimeError, EOFError, OSError, zlib.error), zipfile.ZipFile(archive) as opened:
        for path in opened.namelist():
            yield path
            if isinstance(archive, Path) and path.lower().endswith(".zip"):
                with opened.open(path) as inner:
                    yield from (f"{path}!{each}" for each in entry_paths(inner))


def _became(line: Line, records: Mapping[str, ScanRecord]) -> Line:
    found = [records[each] for each in line["scan_ids"] if each in records]
    if not found:
        return {}
    speaks = next((record for record in found if record.outcome is Outcome.ANALYZED), found[0])
    return {"outcome": speaks.outcome, "reasons": list(speaks.reasons)}


def write_listing(lines: Sequence[Line], path: Path) -> None:
    """Write the listing, a JSON line a file."""
    path.write_text("".join(f"{json_line(line)}\n" for line in lines), encoding="utf-8")


def unanalyzed_table(lines: Sequence[Line]) -> Table | None:
    """How many files were skipped or rejected, by their reasons, with the names of the first; None for none."""
    files: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        if line["outcome"] in {Outcome.SKIPPED, Outcome.REJECTED}:
            because = ", ".join(line["reasons"]).replace("_", " ") or str(Reason.NOT_AN_IMAGE)
            files.setdefault((line["outcome"], because), []).append(line["path"])
    if not files:
        return None
    table = plain_table("Files left out, and why")
    for heading in ("outcome", "reason"):
        table.add_column(heading, no_wrap=True)
    table.add_column("files", justify="right", no_wrap=True)
    table.add_column("which")
    for (outcome, because), paths in sorted(files.items()):
        named = ", ".join(map(one_line, paths[:NAMED])) + (", …" if len(paths) > NAMED else "")
        table.add_row(outcome, because, str(len(paths)), named)
    return table


def _name(line: Line, names: Mapping[str, str], alone: str) -> str:
    digest = line["entry_digest"]
    if digest is None:
        return alone
    unnamed = "what a DICOMDIR lists" if line["index"] is None else f"file {line['index']}"
    return names.get(digest, unnamed)
