"""A person is told in a person's English."""

from brainscan.cli.words import series_in_words
from brainscan.domain import Lesion, Outcome, SeriesResult, TumorClass


def test_one_slice_is_one_slice() -> None:
    lesion = Lesion(
        number=1, tumor_class=TumorClass.GLIOMA, probability=0.9, slices=("a" * 32,), key_slice="a" * 32, key_area_px=9,
        longest_diameter_px=3, perpendicular_diameter_px=3, centroid=(1, 1),
    )  # fmt: skip
    result = SeriesResult(series_id="1" * 32, revision=1, outcome=Outcome.ANALYZED, lesions=(lesion,))
    assert "on 1 slice\n" in series_in_words(result, "series", ())
    two = result.model_copy(update={"lesions": (lesion.model_copy(update={"slices": ("a" * 32, "b" * 32)}),)})
    assert "on 2 slices\n" in series_in_words(two, "series", ())
