"""A small run of `tests.fuzz.structured`: mutated files are answered and reported, or refused with a reason."""

import random
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO

from tests.fuzz.mutations import MUTATIONS, beginning, elements_of, file_of
from tests.fuzz.structured import Base, TroubleError, bases, fuzzed, run

FILES = 60


def test_mutated_files_raise_nothing_vanish_nowhere_and_are_quoted_by_nobody() -> None:
    outcomes = list(fuzzed(FILES, seed=7, report_every=3))
    assert [trouble for _, _, trouble in outcomes if trouble] == []
    assert {"reported", "analyzed", "rejected"} <= {outcome for _, outcome, _ in outcomes}


@pytest.mark.parametrize("place", range(len(bases())))
def test_a_file_that_is_not_mutated_is_the_one_it_was_made_of_and_is_reported(place: int) -> None:
    images, syntax = bases()[place]
    whole = file_of(beginning(images[0], syntax), elements_of(images[0], syntax), syntax)
    read = dcmread(DicomBytesIO(whole))
    assert (read.SOPInstanceUID, read.file_meta.TransferSyntaxUID) == (images[0].SOPInstanceUID, syntax)
    assert run(whole, Base.of(images, syntax), 0, reported=True) == "reported"


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_mutation_changes_the_file(name: Any) -> None:
    images, syntax = bases()[0]
    good = elements_of(images[0], syntax)
    start = beginning(images[0], syntax)
    changed = 0
    for seed in range(10):
        elements = list(good)
        MUTATIONS[name](elements, random.Random(seed))
        changed += file_of(start, elements, syntax) != file_of(start, good, syntax)
    assert changed >= 5


def test_an_answer_without_a_report_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    base = Base.of(*bases()[0])
    whole = file_of(base.beginnings[0], base.elements[0], base.syntax)
    monkeypatch.setattr("brainscan.dicom.header.text", lambda *_: "")
    monkeypatch.setattr("brainscan.pipeline.files._described_frame", lambda record, *_: record)
    with pytest.raises(TroubleError, match="belongs to no series"):
        run(whole, base, 0, reported=True)
