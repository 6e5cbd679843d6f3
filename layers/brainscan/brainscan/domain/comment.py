"""Comments of readers: short, and refused where they hold what could tell who a patient is.

No program knows a patient's name from a word. What can be told by its form is refused here; the page asks for the rest.
"""

import re
import unicodedata
from typing import Final

from brainscan.domain.base import BrainscanError

MOST_CHARACTERS: Final = 500

_MONTHS: Final = "jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|fév|avr|juin|juil|aoû|déc"
_TITLES: Final = "mr|mrs|ms|miss|herr|frau|hr|fr|mme|mlle|patient|patientin"

TELLING: Final = {
    "an e-mail or web address": r"\S@\S|\bwww\.|://",
    "a date": r"\b\d{1,4}([./-])\d{1,2}\1\d{1,4}\b"
    rf"|\b\d{{1,2}}\.?\s*({_MONTHS})|\b({_MONTHS})[^\W\d_]*\.?,?\s*\d",
    "a long number": r"\d{5}|\d(?:[\s./-]?\d){6}",
    "an identifier with letters and digits": r"\b(?=\w*[^\W\d_]{2})(?=\w*\d{3})\w{6,}",
    "a name as DICOM writes it": r"\w\^|\^\w",
    "a person with a title": rf"\b({_TITLES})\b\.?\s+(?-i:[A-ZÄÖÜÉ])",
}
"""What a comment may not hold, and how it looks: in lower and upper case, whatever the script of its digits."""

_PATTERNS: Final = {what: re.compile(pattern, re.IGNORECASE) for what, pattern in TELLING.items()}


class CommentError(BrainscanError):
    """A comment is too long, or holds what could tell who a patient is; the text names the kind alone."""


def validated_comment(comment: str) -> str | None:
    """A comment as it may be kept; None of one that says nothing.

    Raises:
        CommentError: it is longer than `MOST_CHARACTERS`, or holds one of `TELLING` or what is not to be seen.
    """
    text = comment.strip()
    if len(text) > MOST_CHARACTERS:
        raise CommentError(f"a comment has at most {MOST_CHARACTERS} characters")
    plain = unicodedata.normalize("NFKC", text)
    unseen = any(unicodedata.category(each) in {"Cc", "Cf", "Co"} and each not in "\r\n\t" for each in plain)
    found = [what for what, pattern in _PATTERNS.items() if pattern.search(plain)]
    for what in (["a character that is not to be seen"] if unseen else []) + found:
        raise CommentError(f"the comment holds {what}: leave out what could tell who the patient is")
    return text or None
