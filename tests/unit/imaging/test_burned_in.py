"""Lines of text in a picture are found in any corner, size, font and polarity; a head is none, nor is noise."""

from collections.abc import Callable
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from brainscan.imaging.burned_in import shows_text
from brainscan_local.phantom import GLIOMA, head

SIDE = 256
FONTS: dict[str, Callable[[int], Any]] = {
    "outlines": ImageFont.load_default,
    "bitmap": lambda _size: ImageFont.load_default_imagefont(),
}
TEXTS = ("MUELLER^ANNA", "Doe, John", "ID 48821734", "1953-04-05 F")
LONG_WORDS = ("MUELLER^ANNA", "ID 48821734", "1953-04-05 F")
"""Letters of the bitmap font touch: short words of them are not found."""
POLARITIES = ("white", "gray", "black on white")


@cache
def slices(count: int = 8, seed: int = 1) -> list[np.ndarray]:
    """Cuts through a head, in 8 bits."""
    volume = head(seed=seed, lesion=GLIOMA, slices=count).volume
    gray = np.clip((volume - volume.min()) / np.ptp(volume) * 255, 0, 255).astype(np.uint8)
    return [np.asarray(Image.fromarray(each).resize((SIDE, SIDE))) for each in gray]


def written(picture: np.ndarray, text: str, corner: str, polarity: str, font: Any) -> np.ndarray:
    image = Image.fromarray(picture.copy())
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = draw.textbbox((0, 0), text, font)
    width, height = right - left, bottom - top
    x = 4 if "left" in corner else image.width - width - 4
    y = 4 if "top" in corner else image.height - height - 4
    if polarity == "black on white":
        draw.rectangle((x - 3, y - 3, x + width + 3, y + height + 3), fill=230)
    ink = {"white": 255, "gray": 150, "black on white": 0}[polarity]
    draw.text((x - left, y - top), text, ink, font)
    return np.asarray(image)


@pytest.mark.parametrize("polarity", POLARITIES)
@pytest.mark.parametrize("size", [10, 12, 16, 22])
@pytest.mark.parametrize("font", FONTS)
def test_a_name_in_a_corner_is_found(font: Any, size: int, polarity: Any) -> None:
    picture = slices()[4]
    missed = [
        (text, corner)
        for text, corner in product(
            TEXTS if font == "outlines" else LONG_WORDS, ("top left", "top right", "bottom left", "bottom right")
        )
        if not shows_text(written(picture, text, corner, polarity, FONTS[font](size)))
    ]
    assert missed == []


@pytest.mark.parametrize("scale", [1, 7, 255])
def test_a_name_is_found_at_any_depth_and_over_noise(scale: int) -> None:
    picture = written(slices()[4], TEXTS[0], "top left", "white", ImageFont.load_default(12)).astype(np.uint16)
    noise = np.random.default_rng(2).integers(0, 8 * scale, picture.shape)
    assert shows_text(picture * scale + noise.astype(np.uint16))
    assert shows_text((picture.astype(np.float32) * scale + noise) / 1e4 - 3)


def test_a_name_is_found_in_a_picture_of_many_pixels() -> None:
    large = np.asarray(Image.fromarray(slices()[4]).resize((2048, 2048)))
    assert shows_text(written(large, TEXTS[0], "bottom right", "white", ImageFont.load_default(40)))


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_head_is_no_text(seed: int) -> None:
    assert [shows_text(each) for each in slices(20, seed)] == [False] * 20


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_text(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(100, 20, (SIDE, SIDE)).astype(np.float32)
    assert not shows_text(noise)


def test_a_marker_of_the_side_and_a_ruler_are_no_text() -> None:
    picture = slices()[4]
    assert not shows_text(written(picture, "R", "top left", "white", ImageFont.load_default(16)))
    ruled = picture.copy()
    ruled[-12:-4, 20:120:6] = 255
    assert not shows_text(ruled)


@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_picture_of_one_value_is_no_text(value: int) -> None:
    assert not shows_text(np.full((16, 16), value, np.uint8))


@pytest.mark.parametrize("turns", [1, 3])
@pytest.mark.parametrize("size", [11, 16])
def test_a_name_upright_along_a_side_is_found(size: int, turns: int) -> None:
    turned = np.rot90(slices()[4], -turns)
    marked = written(np.ascontiguousarray(turned), "SCHMIDTMANN", "top left", "white", ImageFont.load_default(size))
    assert shows_text(np.rot90(marked, turns))


def test_a_name_across_the_head_is_found_where_it_is_brighter() -> None:
    dim = (slices()[4] * 0.6).astype(np.uint8)
    image = Image.fromarray(dim)
    ImageDraw.Draw(image).text((70, 120), "SCHMIDTMANN", 255, ImageFont.load_default(14))
    assert shows_text(np.asarray(image))
