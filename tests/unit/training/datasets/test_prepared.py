"""Slices are prepared as they are served, once, with the mask where the image shows the tumor."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainscan.imaging.prepare import prepare
from training.datasets.prepared import UNKNOWN, prepare_all
from training.datasets.samples import KAGGLE, LGG, Sample, read_gray


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A wide head that does not fill its image, with a bright square and its mask."""
    pixels = np.zeros((120, 200), np.uint8)
    pixels[20:100, 30:180] = np.random.default_rng(0).integers(70, 110, (80, 150))
    pixels[40:60, 60:90] = 250
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray((pixels == 250).astype(np.uint8) * 255).save(tmp_path / "a_mask.png")
    return Sample(tmp_path / "a.png", "glioma", tmp_path / "a_mask.png", LGG, "p")


def test_the_image_is_what_serving_gives_to_the_last_of_8_bits(sample: Sample) -> None:
    image = prepare_all([sample], 64).images[0]
    served = prepare(read_gray(sample), 64).input[..., 0]
    np.testing.assert_allclose(image / 127.5 - 1, served, atol=1 / 255)


def test_the_mask_lies_where_the_prepared_image_is_bright(sample: Sample) -> None:
    data = prepare_all([sample], 64)
    bright = data.images[0] > 200
    assert 2 * (bright & (data.masks[0] == 1)).sum() / (bright.sum() + data.masks[0].sum()) > 0.9


def test_without_a_drawn_mask_a_tumor_is_unknown_and_no_tumor_is_empty(sample: Sample) -> None:
    tumor = replace(sample, mask=None, source=KAGGLE)
    data = prepare_all([tumor, replace(tumor, label="no_tumor"), replace(tumor, label="tumor")], 32)
    assert [set(np.unique(mask)) for mask in data.masks] == [{UNKNOWN}, {0}, {UNKNOWN}]
    assert data.allowed.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [1, 1, 0, 1]]


def test_what_cannot_be_prepared_is_counted_and_left_out(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no image")
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "small.png")
    broken = [replace(sample, path=tmp_path / name) for name in ("blank.png", "text.png")]
    misfit = replace(sample, mask=tmp_path / "small.png")

    data = prepare_all([*broken, sample, misfit], 32)

    assert data.samples == [sample]
    assert "3 of 4" in capsys.readouterr().out


def test_a_cache_gives_the_same_without_reading_the_files_again(sample: Sample, tmp_path: Path) -> None:
    first = prepare_all([sample], 32, tmp_path / "cache")
    sample.path.unlink()
    again = prepare_all([sample], 32, tmp_path / "cache")
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.masks, again.masks)
    assert len(prepare_all([sample], 64, tmp_path / "cache")) == 0  # another size is another cache
