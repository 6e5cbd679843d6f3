"""A reader's comment is kept if it speaks of the image, and refused if it could say whose it is."""

import pytest

from brainscan.domain.comment import MOST_CHARACTERS, CommentError, validated_comment

HARMLESS = (
    "Left frontal, 32 x 18 mm, necrotic core; T1C and FLAIR differ.",
    "May be artefact on slices 12-15, see slice 103.",
    "Compare with T2 (3 mm). Sure at 90%?",
    "Motion. Window 400/40.",
    "Rand unscharf, Ödem größer als Maske",
    "second look please\nmeningioma along the falx",
    "WHO grade 2 or 3; no midline shift",
    "Extra-axial, 2.5 cm, dural tail",
)

TELLING = {
    "born 12.03.1975": "date",
    "born 1975-03-12": "date",
    "seen 3/12/75": "date",
    "since 12 March": "date",
    "Seen in March 2024": "date",
    "Mai 2024 voroperiert": "date",
    "MRN 4711001": "number",
    "phone 030 123 45": "number",
    "SSN 123-45-6789": "date",
    "accession AB12345": "number",
    "call 030/123 45 67": "number",
    "case RX203B": "letters and digits",
    "\u0661\u0662\u0663\u0664\u0665\u0666": "number",
    "write to jane@clinic.example": "address",
    "see https://pacs.example": "address",
    "Doe^Jane": "DICOM",
    "Mrs. Smith again": "title",
    "Patient Smith": "title",
    "hidden\u200bname": "not to be seen",
    "cut\x00off": "not to be seen",
}


@pytest.mark.parametrize("comment", HARMLESS)
def test_what_speaks_of_the_image_is_kept(comment: str) -> None:
    assert validated_comment(f" {comment}\n") == comment


@pytest.mark.parametrize(("comment", "what"), TELLING.items())
def test_what_could_tell_who_a_patient_is_is_named_and_refused_and_not_repeated(comment: str, what: str) -> None:
    with pytest.raises(CommentError, match=what) as refused:
        validated_comment(comment)
    assert comment not in str(refused.value)


def test_it_is_not_long_and_nothing_is_no_comment() -> None:
    assert validated_comment("   ") is None
    with pytest.raises(CommentError, match="500"):
        validated_comment("x" * (MOST_CHARACTERS + 1))
