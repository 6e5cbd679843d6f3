"""The listing of an export's files, a JSON line each, and what a DICOMDIR says of them."""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from brainscan.archive import File
from brainscan.dicom.directory import media_path
from brainscan.domain import Outcome, Reason
from brainscan.identity import Pseudonyms
from brainscan.pipeline.files import FileOutcome, entry_digest

Line = dict[str, Any]

COMPARED = ("path_digest", "references", "private_records")
"""What a part's lines say besides, for the whole listing to compare."""


def file_line(file: File, outcome: FileOutcome, pseudonyms: Pseudonyms) -> Line:
    """One file of a part: found again by its place in the archive, since its name may be a patient's."""
    found: Line = {
        "index": file.index,
        "inner": file.inner,
        "entry_digest": None if file.index is None else entry_digest(file.path, pseudonyms),
        "outcome": outcome.records[0].outcome if outcome.records else Outcome.SKIPPED,
        "reasons": outcome.reasons,
        "scan_ids": [record.scan_id for record in outcome.records],
        "path_digest": _path_digest(file.path, pseudonyms),
    }
    if outcome.references or outcome.private_records:
        found["references"] = {
            _path_digest(path, pseudonyms): entry_digest(path, pseudonyms) for path in outcome.references
        }
        found["private_records"] = outcome.private_records
    return found


def redacted_lines(lines: Iterable[Line], scan_ids: Collection[str]) -> list[Line]:
    """The lines as they are, those of files that were these scans without what their files were called."""
    gone = {"entry_digest": None, "outcome": Outcome.SKIPPED, "reasons": [Reason.ERASED]}
    return [line | gone if set(line["scan_ids"]) & set(scan_ids) else line for line in lines]


def unreadable_line(reason: Reason) -> Line:
    """The only file of an upload that no longer exists, or that S3 does not give."""
    return _skipped(None, None, reason)


def failed_line() -> Line:
    """The files of an upload, or of a part of one, that could not be taken in: how many they are is not known."""
    known: Line = {"index": None, "inner": None, "entry_digest": None}
    return {**known, "outcome": Outcome.FAILED, "reasons": [Reason.RETRIES_EXHAUSTED], "scan_ids": []}


def join_parts(parts: Iterable[Iterable[Line]]) -> list[Line]:
    """Join the lines of all parts; with a DICOMDIR, say what it lists and is not there, and what it does not list.

    Files that no DICOMDIR lists have `"listed": false`; they are taken like any other.
    """
    lines = [line for part in parts for line in part]
    directories = [line for line in lines if "references" in line]
    referenced: dict[str, str] = {path: digest for line in directories for path, digest in line["references"].items()}
    there = {line.get("path_digest") for line in lines}
    if directories:
        for each in lines:
            each["listed"] = each.get("path_digest") in referenced or "references" in each
    extra = [_skipped(None, digest, Reason.MISSING_FILE) for path, digest in referenced.items() if path not in there]
    for each in directories:
        extra += [_skipped(each["index"], None, Reason.PRIVATE_RECORD)] * each["private_records"]
    return [{name: value for name, value in each.items() if name not in COMPARED} for each in lines + extra]


def encoded(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON lines."""
    return "".join(f"{json.dumps(each)}\n" for each in lines).encode()


def decoded(data: bytes) -> list[Line]:
    """Inverse of `encoded`."""
    return [json.loads(each) for each in data.splitlines()]


def _path_digest(path: str, pseudonyms: Pseudonyms) -> str:
    return pseudonyms.digest("place", media_path(path))


def _skipped(index: int | None, digest: str | None, reason: Reason) -> Line:
    known = {"index": index, "inner": None, "entry_digest": digest}
    return {**known, "outcome": Outcome.SKIPPED, "reasons": [reason], "scan_ids": []}
