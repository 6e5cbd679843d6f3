"""A mask that a reader drew is taken as it should be kept, or refused in words that say what to send."""

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from brainscan.imaging.reader_mask import ReaderMaskError, dice, tumor_pixels, validated_mask

SHAPE = (20, 30)


def a_mask(box: Any = (5, 5, 15, 10), size: Any = (30, 20), mode: str = "L", form: str = "PNG", **told: Any) -> bytes:
    """A rectangle of tumor: left, top, right and bottom, half-open."""
    image, out = Image.new(mode, size), io.BytesIO()
    if box:
        image.paste(Image.new(mode, (box[2] - box[0], box[3] - box[1]), "white"), box[:2])
    image.save(out, form, **told)
    return out.getvalue()


@pytest.mark.parametrize("mode", ["1", "L"])
def test_one_bit_or_eight_it_is_kept_as_eight(mode: str) -> None:
    kept = validated_mask(a_mask(mode=mode), SHAPE)
    image = Image.open(io.BytesIO(kept))
    assert (image.mode, image.size, image.getextrema()) == ("L", (30, 20), (0, 255))
    assert tumor_pixels(kept) == 50
    assert tumor_pixels(validated_mask(a_mask(box=None, mode=mode), SHAPE)) == 0


def test_nothing_but_its_pixels_is_kept() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Patient", "Canary^Jane")
    kept = validated_mask(a_mask(pnginfo=told, dpi=(72, 72)), SHAPE)
    assert b"Canary" not in kept
    assert Image.open(io.BytesIO(kept)).info == {}


def in_between() -> bytes:
    """A picture with values that are neither tumor nor none."""
    out = io.BytesIO()
    Image.new("L", (30, 20), 7).save(out, "PNG")
    return out.getvalue()


REFUSED = {
    "nothing": (b"", "no PNG"),
    "bitmap": (a_mask(form="BMP"), "no PNG"),
    "cut header": (a_mask()[:20], "no PNG"),
    "cut off": (a_mask()[:-30], "damaged"),
    "turned": (a_mask(size=(20, 30)), "the mask has 30 rows and 20 columns, the scan 20 and 30"),
    "colour": (a_mask(mode="RGB"), "gray"),
    "alpha": (a_mask(mode="RGBA"), "gray"),
    "palette": (a_mask(box=None, mode="P"), "gray"),
    "deep": (a_mask(box=None, mode="I;16"), "gray"),
    "many": (a_mask(save_all=True, append_images=[Image.new("L", (30, 20), 255)]), "gray"),
    "values": (in_between(), "0 where"),
}


@pytest.mark.parametrize(("sent", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_mask_of_the_scan_is_refused_and_named(sent: Any, said: Any) -> None:
    with pytest.raises(ReaderMaskError, match=said):
        validated_mask(sent, SHAPE)


def test_a_huge_picture_is_refused_by_its_header() -> None:
    with pytest.raises(ReaderMaskError, match="30000 rows"):
        validated_mask(a_mask(box=None, size=(30_000, 30_000), mode="1"), SHAPE)


@given(st.data())
def test_damage_anywhere_is_refused_and_never_a_surprise(data: Any) -> None:
    sent = bytearray(a_mask())
    for _ in range(data.draw(st.integers(1, 5))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(sent[: data.draw(st.integers(0, len(sent)))])
    try:
        assert tumor_pixels(validated_mask(cut, SHAPE)) <= 600
    except ReaderMaskError as refused:
        assert str(refused)


def test_dice_is_twice_the_shared_over_the_sum() -> None:
    left, right = a_mask((0, 0, 10, 10)), a_mask((5, 0, 15, 10))
    assert dice(left, right) == pytest.approx(0.5)
    assert (dice(left, left), dice(left, a_mask(None))) == (1.0, 0.0)
    assert dice(a_mask(None), a_mask(None)) is None
    with pytest.raises(ReaderMaskError):
        dice(left, a_mask(size=(20, 30)))
