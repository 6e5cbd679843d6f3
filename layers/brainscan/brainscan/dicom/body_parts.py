"""Which part of the body a text names, in the languages that hospitals write in: the head, another one, or none."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, lru_cache
from typing import Final

from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from brainscan.dicom import body_part_words as known
from brainscan.dicom.values import text


class BodyPart(Enum):
    """What matters of a body part."""

    HEAD = auto()
    ELSEWHERE = auto()
    UNNAMED = auto()


def in_capitals(stated: str) -> str:
    """In capitals, without accents."""
    apart = unicodedata.normalize("NFKD", stated.upper().translate(_LETTERS))
    return unicodedata.normalize("NFKC", "".join(each for each in apart if not unicodedata.combining(each)))


_LETTERS: Final = str.maketrans({"Ł": "L", "Ø": "O", "Æ": "AE", "Œ": "OE", "Đ": "D"})
"""Those that are no other letter with an accent."""


@dataclass(frozen=True)
class _Words:
    """By which a part is known."""

    whole: frozenset[str]
    stems: tuple[str, ...]
    infixes: tuple[str, ...]
    signs: tuple[str, ...]
    phrases: re.Pattern[str]

    def named_in(self, words: Collection[str], text: str) -> bool:
        """Whether any is in a text, which is made of words and perhaps of what has none."""
        return (
            not self.whole.isdisjoint(words)
            or any(word.startswith(self.stems) for word in words)
            or any(infix in word for word in words for infix in self.infixes)
            or any(sign in text for sign in self.signs)
            or self.phrases.search(" ".join(re.findall(r"\w+", text))) is not None
        )


def _signs(listed: str) -> tuple[str, ...]:
    return tuple(each.replace("_", " ") for each in in_capitals(listed).split())


_HEAD: Final = _Words(
    frozenset(in_capitals(known.HEAD).split()),
    tuple(in_capitals(known.HEAD_STEMS).split()),
    tuple(known.HEAD_INFIXES.split()),
    _signs(known.HEAD_SIGNS),
    re.compile(known.HEAD_PHRASES),
)
_ELSEWHERE: Final = _Words(
    frozenset(in_capitals(known.ELSEWHERE).split()),
    tuple(in_capitals(known.ELSEWHERE_STEMS).split()),
    tuple(known.ELSEWHERE_INFIXES.split()),
    _signs(known.ELSEWHERE_SIGNS),
    re.compile(known.ELSEWHERE_PHRASES),
)
_NO_PART: Final = re.compile(known.NO_PART)
_JOINT: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where words were written together: KneeLeft, MRKnee."""
_OF_MR: Final = re.compile(r"^(MRI|MRT|IRM|RMN|MR|RM)")
"""Written before the part as one word: MRLSPINE."""
_NO_HEAD: Final = re.compile(f"{known.SPINAL_CORD}|{known.NO_HEAD}")


@lru_cache(maxsize=1024)
def named_part(*texts: str) -> BodyPart:
    """The part that texts name together; where they name the head and others, the head."""
    together = [spread for each in texts if (spread := _JOINT.sub(" ", each)) != each]
    stated = [_NO_PART.sub(" ", in_capitals(each).replace("_", " ")) for each in (*texts, *together)]
    apart = [_NO_HEAD.sub(" ", each) for each in stated]
    whole = " ".join(apart)
    words = set(re.findall(r"[^\W\d_]+", whole))
    words |= {re.sub(r"\W", "", each) for each in apart}  # C-SPINE, WHOLE BODY
    words |= {_OF_MR.sub("", word) for word in words}
    if _HEAD.named_in(words, whole):
        return BodyPart.HEAD
    of_language = any(mark in words and not words.isdisjoint(own.split()) for mark, own in known.ONE_LANGUAGE.items())
    elsewhere = apart != stated or of_language or _ELSEWHERE.named_in(words, whole)
    return BodyPart.ELSEWHERE if elsewhere else BodyPart.UNNAMED


def coded_region(region: Dataset) -> str:
    """What a code of an anatomic region (CID 4031) means: in its own words, or by the standard's."""
    return _coded(region, "CID4031")


def coded_derivation(code: Dataset) -> str:
    """The same of a code of how an image was derived (CID 7203)."""
    return _coded(code, "CID7203")


def _coded(code: Dataset, context_group: str) -> str:
    stated = text(code, "CodeMeaning")
    return stated or _meaning(text(code, "CodeValue"), text(code, "CodingSchemeDesignator"), context_group)


@cache
def _meaning(value: str, scheme: str, context_group: str) -> str:
    if not value or not scheme:
        return ""
    sought, group = Code(value, scheme, ""), getattr(codes, context_group)
    meant = [codes.SCT.Brain, codes.SCT.Head, *(getattr(group, name) for name in group.dir())]
    return next((each.meaning for each in meant if each == sought), "")
