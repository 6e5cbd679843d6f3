"""Scans are predicted as their headers mean them: square pixels for the network, flags for the reader."""

import io
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from brainscan.domain import Kind, Reason, TumorClass
from brainscan.inference.runtime import Model, Prediction
from brainscan.pipeline.predict import ScanBytes, predict
from brainscan.settings import Limits
from tests.making import present
from tests.unit.imaging.files import dicom_bytes, dicom_object

LIMITS = Limits()
ROWS, COLUMNS = np.mgrid[:192, :192]


@pytest.fixture(scope="module")
def network() -> Model:
    return Model.load(Path(__file__).parents[3] / "functions/analyze/model")


def head() -> np.ndarray:
    """A bright ring around something gray, with a bright spot in it."""
    distance = np.hypot((ROWS - 96) / 80, (COLUMNS - 96) / 64)
    ring = np.where(distance < 1, np.where(distance > 0.9, 220, 110), 0)
    return np.where(np.hypot(ROWS - 70, COLUMNS - 120) < 14, 250, ring).astype(np.uint8)


def squeezed(rows: int, columns: int) -> np.ndarray:
    return np.asarray(Image.fromarray(head()).resize((columns, rows), Image.Resampling.BOX))


@pytest.mark.parametrize(("rows", "columns"), [(192, 96), (96, 192)])
@pytest.mark.parametrize("stated", ["PixelSpacing", "PixelAspectRatio"])
def test_a_head_with_oblong_pixels_is_seen_as_the_same_head_with_square_ones(
    network: Model, monkeypatch: pytest.MonkeyPatch, rows: int, columns: int, stated: str
) -> None:
    """By what reaches the network: how it answers a drawn head is another question."""
    # row distance, column distance: the fewer there are, the larger they are
    ratio = [192 // rows, 192 // columns]
    oblong = ScanBytes(dicom_bytes(dicom_object(squeezed(rows, columns), **{stated: ratio})), Kind.DICOM)
    square = ScanBytes(dicom_bytes(dicom_object(head(), **{stated: [1, 1]})), Kind.DICOM)
    as_it_lies = ScanBytes(dicom_bytes(dicom_object(squeezed(rows, columns))), Kind.DICOM)
    inputs, run = [], network.run
    monkeypatch.setattr(network, "run", lambda batch: inputs.extend(batch) or run(batch))
    answered, *_ = predict([oblong, square, as_it_lies], network, LIMITS)

    seen, expected, wrong = inputs
    assert np.abs(seen - expected).mean() < 0.05
    assert np.abs(wrong - expected).mean() > 3 * np.abs(seen - expected).mean()
    assert np.asarray(Image.open(io.BytesIO(present(answered.mask_png)))).shape == (rows, columns)


def test_a_volume_that_says_nothing_of_its_axes_is_for_review(network: Model) -> None:
    def volume(code: int) -> ScanBytes:
        image = nib.Nifti1Image(np.stack([head()] * 2, axis=-1), None)
        image.set_sform(np.eye(4), code=code)
        return ScanBytes(image.to_bytes(), Kind.NIFTI, 0)

    unclear, clear = predict([volume(0), volume(1)], network, LIMITS)
    assert Reason.UNCLEAR_ORIENTATION in present(unclear.finding).review_reasons
    assert present(unclear.finding).needs_review
    assert Reason.UNCLEAR_ORIENTATION not in present(clear.finding).review_reasons


def test_of_a_scan_whose_picture_may_name_the_patient_only_the_mask_is_drawn(network: Model) -> None:
    data = dicom_bytes(dicom_object(head()))
    shown, hidden = predict([ScanBytes(data, Kind.DICOM), ScanBytes(data, Kind.DICOM, hidden=True)], network, LIMITS)
    assert shown.image_png
    assert hidden.image_png is None
    assert (hidden.mask_png, hidden.finding) == (shown.mask_png, shown.finding)


@pytest.mark.parametrize("stated", [{}, {"BurnedInAnnotation": "NO"}], ids=["unstated", "denied"])
def test_a_name_in_the_pixels_is_drawn_nowhere_whatever_the_header_says(network: Model, stated: dict[str, Any]) -> None:
    image = Image.fromarray(head())
    clean = ScanBytes(dicom_bytes(dicom_object(head(), **stated)), Kind.DICOM)
    ImageDraw.Draw(image).text((4, 4), "MUELLER^ANNA", 255, ImageFont.load_default(11))
    named = ScanBytes(dicom_bytes(dicom_object(np.asarray(image), **stated)), Kind.DICOM)
    shown, hidden = predict([clean, named], network, LIMITS)
    assert shown.image_png
    assert Reason.BURNED_IN_TEXT not in present(shown.finding).review_reasons
    assert hidden.image_png is None
    assert present(hidden.finding).review_reasons.count(Reason.BURNED_IN_TEXT) == 1
    assert present(hidden.finding).flagged((Reason.BURNED_IN_TEXT,)) == hidden.finding


def test_a_mask_without_a_tumor_is_for_review_from_a_share_of_the_head_on(
    network: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = network.manifest
    size, threshold = manifest.input.size, manifest.thresholds.large_mask_fraction
    cls = np.where([name is TumorClass.NO_TUMOR for name in manifest.classes], 9, 0).astype(np.float32)
    seg = np.full((2, size, size), -9, np.float32)
    for logits, share in zip(seg, (threshold / 2, 2 * threshold), strict=True):
        side = round(size * share**0.5)
        logits[40 : 40 + side, 40 : 40 + side] = 9
    said = Prediction(cls=np.stack([cls, cls]), seg=seg, features=np.zeros((2, 2048), np.float32))
    monkeypatch.setattr(network, "run", lambda batch: said)
    scan = ScanBytes(dicom_bytes(dicom_object(head())), Kind.DICOM)
    small, large = (present(each.finding) for each in predict([scan, scan], network, LIMITS))
    assert small.tumor
    assert Reason.MASK_WITHOUT_TUMOR not in small.review_reasons
    assert Reason.MASK_WITHOUT_TUMOR in large.review_reasons


def test_slices_that_show_nothing_skip_the_network(network: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = ScanBytes(dicom_bytes(dicom_object(np.zeros((192, 192), np.uint8))), Kind.DICOM)
    sizes, run = [], network.run
    monkeypatch.setattr(network, "run", lambda batch: sizes.append(len(batch)) or run(batch))
    blank, seen = predict([empty, ScanBytes(dicom_bytes(dicom_object(head())), Kind.DICOM)], network, LIMITS)
    predict([empty, empty], network, LIMITS)
    assert sizes == [1]
    assert present(blank.finding).reasons == (Reason.BLANK_IMAGE,)
    assert ["infer" in each.timings_ms for each in (blank, seen)] == [False, True]
