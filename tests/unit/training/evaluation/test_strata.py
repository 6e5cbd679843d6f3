"""What divides the scans of a report."""

from dataclasses import replace
from pathlib import Path

import pytest

from brainscan.domain import Finding, Outcome
from training.datasets.samples import CHENG, LGG, Sample
from training.evaluation.evaluated import EvaluatedScan
from training.evaluation.strata import STRATA, divide, skull, tumor_size

FLAIR = Sample(Path("p01s1_flair_00.jpg"), "no_tumor", None, "open_ms", "p", sequence="FLAIR", plane="axial")


def scan(sample: Sample = FLAIR, share: float | None = None) -> EvaluatedScan:
    return EvaluatedScan(sample, Finding(outcome=Outcome.ANALYZED), truth_share=share)


@pytest.mark.parametrize(
    ("source", "name", "expected"),
    [
        ("open_ms", "p01s1_flair_00.jpg", "with skull"),
        ("open_ms", "x02_t1_axi3.jpg", "without skull"),
        ("oasis_alzheimer", "1.jpg", "without skull"),
        (CHENG, "x.jpg", "with skull"),
        ("kaggle_sartaj", "x.jpg", None),
    ],
)
def test_the_set_tells_whether_there_is_a_skull(source: str, name: str, expected: str | None) -> None:
    assert skull(replace(FLAIR, source=source, path=Path(name))) == expected


def test_tumors_are_divided_by_their_share_of_the_head() -> None:
    shares = (0.005, 0.01, 0.05, 0.5, None)
    assert [tumor_size(scan(share=share)) for share in shares] == [
        "0 to 1% of the head",
        "1 to 3%",
        "3 to 10%",
        "above 10%",
        None,
    ]


def test_a_colour_file_has_a_sequence_only_channel_by_channel_and_a_plane_only_once() -> None:
    luma = scan(replace(FLAIR, source=LGG, sequence=None))
    channel = scan(replace(FLAIR, source=LGG, view="flair"))
    assert set(divide([luma, channel], STRATA["sequence"])) == {"FLAIR"}
    assert [len(part) for part in divide([luma, channel], STRATA["plane"]).values()] == [1]
    assert set(divide([luma, channel], STRATA["data set"])) == {"lgg", "lgg_flair"}
