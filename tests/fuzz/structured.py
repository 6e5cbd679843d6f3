"""Mutated files through reading, answers and report: `python -m tests.fuzz.structured [FILES] [--seed N]`.

Each file lies between two good ones of its series. It may be refused or skipped with a reason; if it is answered, its
series has a report that lists it and says why an object is withheld, or it says that no report will speak of it.
Nothing is raised, and no text of a header is in anything but DICOM objects. The network's answer is drawn: what a file
says of its pixels is asked here, not what they show.
"""

import argparse
import io
import json
import logging
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TextIO, cast

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from brainscan.archive import File
from brainscan.domain import Outcome, Reason, ScanError, ScanRecord, Series, TumorClass
from brainscan.imaging.decode import decode
from brainscan.imaging.mask import Mask, encode_mask
from brainscan.imaging.measure import measure
from brainscan.imaging.overlay import picture, windowed
from brainscan.imaging.prepare import prepare
from brainscan.imaging.sniff import sniff
from brainscan.observability import logger
from brainscan.pipeline.files import Origin, file_outcome
from brainscan.pipeline.objects import masks_of, report_objects
from brainscan.pipeline.overlays import overlay_png
from brainscan.pipeline.sources import slice_sources, sources_of
from brainscan.pipeline.summary import write_report
from brainscan.series.result import analyze_series
from brainscan.settings import MIB, Limits
from brainscan.store.objects import result_key
from tests import series as mr
from tests.fuzz.mutations import Elements, beginning, elements_of, file_of, mutate
from tests.making import NOON, PSEUDONYMS

LIMITS: Final = Limits(scan_bytes=4 * MIB, pixels=MIB, expanded_bytes=16 * MIB, frames=64)
ORIGIN: Final = Origin("1" * 32, "uploads", "2" * 32, "v1", NOON, PSEUDONYMS)
CANARIES: Final = ("Canary", "CANARY", mr.STUDY_UID, "19530405")
FRAMES_ANSWERED: Final = 4


class TroubleError(AssertionError):
    """Something that may not happen whatever a file holds; its text quotes nothing of the file."""


@dataclass
class Kept:
    """The results bucket, in memory; and the rest of what a report is made with."""

    objects: dict[str, bytes] = field(default_factory=dict)
    pseudonyms: Any = PSEUDONYMS
    limits: Limits = LIMITS

    @property
    def results(self) -> "Kept":
        return self

    def get(self, key: str) -> bytes:
        return self.objects[key]

    def put(self, key: str, data: bytes, _content_type: str) -> str:
        self.objects[key] = data
        return key


class Inline(Executor):
    """An executor that does it at once."""

    def submit(self: Any, work: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*args, **kwargs))
        return done


def bases() -> list[tuple[list[Dataset], UID]]:
    """Good series of three, or one multi-frame object, in each transfer syntax."""
    changes: dict[str, Any] = {"RescaleSlope": 2, "RescaleIntercept": -10, "WindowCenter": 400, "WindowWidth": 800}
    changes |= {"BodyPartExamined": "BRAIN", "StudyDescription": "Canary MR", "SeriesDescription": "t1 Canary"}
    plain = [(mr.mr_series(3, **changes), each) for each in (ExplicitVRLittleEndian, ImplicitVRLittleEndian)]
    plain.append((mr.mr_series(3, **changes), DeflatedExplicitVRLittleEndian))
    big = mr.mr_series(3, **changes)
    for image in big:
        image.PixelData = np.frombuffer(image.PixelData, "<u2").astype(">u2").tobytes()
    packed = mr.mr_series(3, **changes)
    for image in packed:
        image.compress(RLELossless, generate_instance_uid=False)
    return [
        *plain,
        (big, ExplicitVRBigEndian),
        (packed, RLELossless),
        ([mr.enhanced(mr.mr_series(3))], ExplicitVRLittleEndian),
    ]


@dataclass(frozen=True)
class Base:
    """A good series: its images, how they are encoded, and each as it is answered."""

    syntax: UID
    beginnings: list[bytes]
    elements: list[Elements]
    answered: list[list[ScanRecord]]
    objects: dict[str, bytes]

    @classmethod
    def of(cls, images: list[Dataset], syntax: UID) -> "Base":
        """Answer each image once."""
        kept = Kept()
        starts, elements = [beginning(each, syntax) for each in images], [elements_of(each, syntax) for each in images]
        files = [file_of(*each, syntax) for each in zip(starts, elements, strict=True)]
        answered = [_answered(each, n + 1, kept) for n, each in enumerate(files)]
        return cls(syntax, starts, elements, answered, kept.objects)


def run(data: bytes, base: Base, place: int, *, reported: bool) -> str:
    """Take a file through everything, in the place of one of a series; what became of it.

    Args:
        data: The file.
        base: Its series.
        place: Of the image that it stands for.
        reported: Whether to make the report, which takes most of the time.

    Raises:
        TroubleError: an answer without report or reason, or a header's text in an output.
        Exception: whatever a file should not have been able to raise.
    """
    kept = Kept(dict(base.objects))
    mutated = _answered(data, 0, kept)
    records = [*mutated, *(record for n, good in enumerate(base.answered) if n != place for record in good)]
    analyzed = [record for record in mutated if record.outcome is Outcome.ANALYZED]
    for series_id in sorted({record.series_id for record in analyzed if record.series_id and reported}):
        _report(series_id, records, analyzed, kept)
    for record in analyzed:
        if record.series_id is None and Reason.NO_SERIES not in record.flags:
            raise TroubleError("an answer belongs to no series, and nothing says so")
    for key, written in kept.objects.items():
        if key.endswith(".json") and any(canary.encode() in written for canary in CANARIES):
            raise TroubleError(f"{key.rsplit('/')[-1]} quotes the header")
    if reported and any(record.series_id for record in analyzed):
        return "reported"
    return str(mutated[0].outcome) if mutated else "skipped"


def _answered(data: bytes, place: int, kept: Kept) -> list[ScanRecord]:
    file = File(f"{place}.dcm", data=data, kind=sniff(data), index=place)
    outcome = file_outcome(file, ORIGIN, LIMITS)
    if not outcome.records and outcome.skipped is None:
        raise TroubleError("a file has neither scans nor a reason")
    if any(record.outcome is not Outcome.QUEUED and not record.reasons for record in outcome.records):
        raise TroubleError("a frame is left out without a reason")
    queued = [record for record in outcome.records if record.outcome is Outcome.QUEUED]
    rest = [record for record in outcome.records if record.outcome is not Outcome.QUEUED]
    return [_drawn(record, data, kept) for record in queued[:FRAMES_ANSWERED]] + rest


def _drawn(record: ScanRecord, data: bytes, kept: Kept) -> ScanRecord:
    """The scan as the network might answer it: with a round tumor in its middle, if its pixels can be read."""
    try:
        decoded = decode(data, record.kind, LIMITS, record.source.frame or 0)
        prepare(decoded.pixels, 64, decoded.pixel_aspect)
    except ScanError as refused:
        quoted = any(canary in str(refused) for canary in CANARIES)
        if quoted:
            raise TroubleError("a refusal quotes the header") from None
        outcome = Outcome.ABSTAINED if refused.reason is Reason.BLANK_IMAGE else Outcome.REJECTED
        return record.model_copy(update={"outcome": outcome, "reasons": (refused.reason,)})
    mask = _disc(decoded.pixels.shape)
    keys = {f"{name}_key": result_key(record.scan_id, "a", f"{name}.png") for name in ("image", "mask")}
    kept.put(record.staged_key, data, "")
    kept.put(keys["mask_key"], encode_mask(mask), "")
    kept.put(keys["image_key"], picture(windowed(decoded.pixels)), "")
    shape = {"rows": mask.shape[0], "columns": mask.shape[1], "spacing_mm": decoded.spacing_mm}
    found = {"outcome": Outcome.ANALYZED, "predicted": TumorClass.GLIOMA, "confidence": 0.9, "model_id": "f" * 64}
    probabilities = {each: 0.9 if each is TumorClass.GLIOMA else 0.1 / 3 for each in TumorClass}
    found |= {"probabilities": probabilities, "tumor": measure(mask, decoded.spacing_mm), "finished_at": NOON}
    return record.model_copy(update=found | shape | keys)


def _disc(shape: tuple[int, int]) -> Mask:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    near = (rows - shape[0] / 2) ** 2 + (columns - shape[1] / 2) ** 2 <= max(1, min(shape) / 5) ** 2
    return np.asarray(near) if near.any() else np.ones(shape, bool)


def _report(series_id: str, records: list[ScanRecord], mutated: list[ScanRecord], kept: Kept) -> None:
    """Report the series as the pipeline does, and look at what was written."""
    of_series = [record for record in records if record.series_id == series_id]
    latest = list({record.instance_id or record.scan_id: record for record in reversed(of_series)}.values())
    first = latest[0]
    series = Series(
        series_id=series_id, study_id=first.study_id, patient_id=first.patient_id, expected=len(latest), revision=1
    )
    slices = sources_of(latest, cast(Any, kept), Inline())
    analysis = analyze_series(series, latest, slice_sources(slices), lambda each: masks_of(each, kept, Inline()))
    made = report_objects(analysis, slices, kept, partial(overlay_png, results=kept))
    _, report = write_report(analysis.result, made, kept)
    summary = json.loads(kept.get(report.files["series"]))
    listed = {each["scan_id"] for each in summary["slices"]}
    if not {each.scan_id for each in latest} <= listed or not any(each.scan_id in listed for each in mutated):
        raise TroubleError("an answered slice is not in its series' report")
    for kind in ("seg", "sr", "capture"):
        if kind not in report.files and kind not in summary["withheld"]:
            raise TroubleError(f"{kind} is missing, and nothing says why")
        if kind in report.files:
            dcmread(io.BytesIO(kept.get(report.files[kind]))).PatientID  # noqa: B018 - it has to be readable


def main() -> int:
    """Run, and print what became of the files."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("files", nargs="?", type=int, default=1000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--report-every", type=int, default=1, help="of so many files, one goes on to its report")
    told = arguments.parse_args()
    begin, outcomes, troubles = time.perf_counter(), Counter[str](), Counter[str]()
    for number, outcome, trouble in fuzzed(told.files, told.seed, told.report_every):
        outcomes[outcome] += 1
        if trouble:
            troubles[trouble] += 1
            if troubles[trouble] == 1:
                print(f"trouble in file {number}: {trouble}", flush=True)
        if number % 5000 == 4999:
            print(f"{number + 1:,} files, {time.perf_counter() - begin:.0f} s, {dict(outcomes)}", flush=True)
    print(f"{told.files:,} files, seed {told.seed}, {time.perf_counter() - begin:.0f} s: {dict(outcomes)}")
    print(f"troubles: {sum(troubles.values())}")
    return bool(troubles)


def fuzzed(files: int, seed: int, report_every: int = 1) -> Iterator[tuple[int, str, str | None]]:
    """(number, outcome, trouble or None) of each mutated file."""
    heard = io.StringIO()
    handler = cast(logging.StreamHandler[TextIO], logger.registered_handler)
    terminal = handler.setStream(heard)
    try:
        known = [Base.of(images, syntax) for images, syntax in bases()]
        for number in range(files):
            yield number, *_once(random.Random(f"{seed}/{number}"), known, heard, number % report_every == 0)
    finally:
        handler.setStream(terminal or sys.stdout)


def _once(chance: random.Random, known: list[Base], heard: io.StringIO, reported: bool) -> tuple[str, str | None]:
    heard.seek(0)
    heard.truncate()
    base = chance.choice(known)
    place = chance.randrange(len(base.elements))
    elements = list(base.elements[place])
    how = [mutate(elements, chance) for _ in range(chance.choice([1, 1, 1, 2, 3]))]
    try:
        outcome = run(file_of(base.beginnings[place], elements, base.syntax), base, place, reported=reported)
        if any(canary in heard.getvalue() for canary in CANARIES):
            raise TroubleError("the log quotes the header")
    except Exception as error:
        *_, last = traceback.extract_tb(error.__traceback__)
        said = str(error) if isinstance(error, TroubleError) else ""
        return "trouble", f"{'+'.join(how)}: {type(error).__name__} {said} in {last.name}, line {last.lineno}"
    return outcome, None


if __name__ == "__main__":
    sys.exit(main())
