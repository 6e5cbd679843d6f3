"""MR scanners by maker and model: a closed list, so that nothing that a header says in free text is kept of a device.

Serial numbers, station names and names of institutions are no part of it.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Vendor(StrEnum):
    """Who made a scanner."""

    GE = "ge"
    SIEMENS = "siemens"
    PHILIPS = "philips"
    CANON = "canon"
    FUJIFILM = "fujifilm"
    UNITED_IMAGING = "united_imaging"
    HYPERFINE = "hyperfine"
    OTHER = "other"


UNKNOWN: Final = "-"
"""Stands for a maker that is not stated, and for a model that is not on the list."""

_MAKERS: Final = {
    "S": (Vendor.SIEMENS, r"SIEMENS"),
    "G": (Vendor.GE, r"^GE\b|GENERAL ELECTRIC"),
    "P": (Vendor.PHILIPS, r"PHILIPS"),
    "C": (Vendor.CANON, r"CANON|TOSHIBA"),
    "F": (Vendor.FUJIFILM, r"FUJI|HITACHI"),
    "U": (Vendor.UNITED_IMAGING, r"UIH|UNITED IMAGING"),
    "H": (Vendor.HYPERFINE, r"HYPERFINE"),
    "O": (Vendor.OTHER, r"."),
}
"""By the letter that stands for them; letters, once given, stay, since counters name them."""

_MODELS: Final = {
    "S": "a Aera b Altea c Amira d Allegra e Avanto f Biograph g Cima h Essenza i Espree j Free k Harmony l Lumina "
    "m Prisma n Skyra o Sola p Sonata q Spectra r Symphony s Terra t Trio u Verio v Vida w Vision x Connectom",
    "G": "a MR450 b MR750 c MR355 d Architect e Artist f Excite g HDx h Hero i Pioneer j Premier k Voyager l Creator "
    "m Explorer n PET/MR o Genesis p Brivo q UHP r Victor",
    "P": "a Achieva b Ambition c Elition d Gyroscan e Ingenia f Intera g Panorama h Prodiva i MR5300 j MR7700 "
    "k Multiva",
    "C": "a Atlas b Elan c Galan d Orian e Titan f Vantage g Excelart",
    "F": "a Airis b Aperto c Echelon d Oasis e Velocity f Aris",
    "U": "a uMR",
    "H": "a Swoop",
}
"""Of each maker, a letter and a word of the model's name."""


def _listed(maker: str) -> dict[str, str]:
    words = _MODELS.get(maker, "").split()
    return dict(zip(words[::2], words[1::2], strict=True))


CODES: Final = tuple(f"{maker}{model}" for maker in (UNKNOWN, *_MAKERS) for model in (UNKNOWN, *_listed(maker)))
"""Every device that can be told from others: two characters, its maker's letter and its model's."""


@lru_cache(maxsize=256)
def device_code(manufacturer: str, model: str) -> str:
    """The device that a header speaks of, by Manufacturer and Manufacturer's Model Name.

    A maker that is on no list is `other`; a model that is on none leaves the maker alone.
    """
    named = manufacturer.upper().strip()
    maker = next((letter for letter, (_, pattern) in _MAKERS.items() if re.search(pattern, named)), UNKNOWN)
    candidates = [maker] if maker in _MODELS else list(_MODELS)
    plain = _plain(model)
    # What comes later in a name is more specific: "Vantage Titan", "Ingenia Elition".
    found = [
        (plain.find(_plain(word)), f"{each}{letter}")
        for each in candidates
        for letter, word in _listed(each).items()
        if _plain(word) in plain
    ]
    return max(found)[1] if found else f"{maker}{UNKNOWN}"


def vendor_of(code: str) -> Vendor | None:
    """Who made a device; None where no header says."""
    return _MAKERS[code[0]][0] if code[0] in _MAKERS else None


def model_of(code: str) -> str | None:
    """What a device's model is called; None for one that is not on the list."""
    return _listed(code[0]).get(code[1])


def _plain(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", text.upper())
