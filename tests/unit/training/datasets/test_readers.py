"""Readers of the public layouts: what they find, and that they hide nothing."""

import csv
import os
import re
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from brainscan.cli.train import app
from training.datasets.audit import main
from training.datasets.readers import read_folder
from training.datasets.samples import BR35H, CHENG, KAGGLE, LGG, read_gray, read_mask, read_splits, with_views

PIXELS = np.tile(np.arange(40, dtype=np.uint8) * 6, (30, 1))
"""(30, 40): wider than tall, so that a transposed reading shows."""
TUMOR = np.zeros((30, 40), np.uint8)
TUMOR[5:10, 20:35] = 255


def image(path: Path, pixels: np.ndarray = PIXELS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def figshare(path: Path, patient: str, mask_shape: tuple[int, int] = (30, 40)) -> None:
    mask = np.zeros(mask_shape, np.uint8)
    mask[5:10, 20:35] = 1
    with h5py.File(path, "w") as file:
        data = file.create_group("cjdata")
        data["label"] = np.array([[2.0]])
        data["PID"] = np.array([[ord(letter)] for letter in patient], np.uint16)
        data["image"] = (PIXELS.astype(np.int16) * 7).T  # MATLAB stores columns first
        data["tumorMask"] = mask.T


def test_the_kaggle_folders_give_class_and_part(tmp_path: Path) -> None:
    image(tmp_path / "Training/glioma_tumor/gg (1).jpg")
    image(tmp_path / "Testing/no_tumor/image(1).jpg")
    stranger = image(tmp_path / "Training/other/x.jpg")

    reading = read_folder(tmp_path)

    assert [(s.source, s.label, s.part) for s in reading.samples] == [
        (KAGGLE, "glioma", "train"),
        (KAGGLE, "no_tumor", "test"),
    ]
    assert [left.path for left in reading.left_out] == [stranger]


def test_a_figshare_file_gives_pixels_mask_and_one_group_a_patient(tmp_path: Path) -> None:
    for name, patient in (("1", "100360"), ("2", "100360"), ("3", "MR017")):
        figshare(tmp_path / f"{name}.mat", patient)

    samples = read_folder(tmp_path).samples

    assert [sample.label for sample in samples] == ["glioma"] * 3
    assert samples[0].group == samples[1].group != samples[2].group
    assert "100360" not in samples[0].group
    assert read_gray(samples[0]).shape == (30, 40)
    assert read_gray(samples[0])[0, -1] == 255
    mask = read_mask(samples[0])
    assert mask is not None
    np.testing.assert_array_equal(mask, TUMOR > 0)


def test_a_figshare_file_that_contradicts_itself_is_listed(tmp_path: Path) -> None:
    figshare(tmp_path / "1.mat", "1", mask_shape=(20, 40))
    (tmp_path / "2.mat").write_bytes(b"not HDF5")

    reading = read_folder(tmp_path)

    assert reading.samples == []
    assert [left.path.name for left in reading.left_out] == ["1.mat", "2.mat"]


def test_images_and_masks_are_listed_by_their_table(tmp_path: Path) -> None:
    rows = [("1", "glioma", "1"), ("2", "glioma", "1"), ("3", "meningioma", "1"), ("9", "glioma", "2")]
    for name, *_ in rows[:3]:
        image(tmp_path / f"images/{name}.jpg")
        image(tmp_path / f"masks/{name}.png", TUMOR)
    image(tmp_path / "images/7.jpg")
    with (tmp_path / "slices.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("id", "label", "author_fold"), *rows])

    reading = read_folder(tmp_path)

    assert [sample.source for sample in reading.samples] == [CHENG] * 3
    groups = [sample.group for sample in reading.samples]
    assert groups[0] == groups[1] != groups[2]
    assert {left.path.stem for left in reading.left_out} == {"7", "9"}


@pytest.mark.parametrize("suffix", ["tif", "jpg"])
def test_an_lgg_slice_without_mask_pixels_has_no_tumor(tmp_path: Path, suffix: str) -> None:
    colour = np.dstack([PIXELS, PIXELS // 2, PIXELS // 3])
    for name, mask in (("P_1", TUMOR), ("P_2", np.zeros_like(TUMOR))):
        image(tmp_path / f"P/{name}.{suffix}", colour)
        image(tmp_path / f"P/{name}_mask.{'tif' if suffix == 'tif' else 'png'}", mask)
    image(tmp_path / f"P/P_3.{suffix}", colour)

    reading = read_folder(tmp_path)

    assert [(sample.source, sample.label) for sample in reading.samples] == [(LGG, "glioma"), (LGG, "no_tumor")]
    assert [left.reason for left in reading.left_out] == ["no mask beside it"]


def test_a_channel_is_the_one_that_its_name_says(tmp_path: Path) -> None:
    image(tmp_path / "P/P_1.tif", np.dstack([PIXELS, PIXELS // 2, PIXELS // 3]))
    image(tmp_path / "P/P_1_mask.tif", TUMOR)

    luma, flair, post = with_views(read_folder(tmp_path).samples)

    assert luma.view == "luma"
    np.testing.assert_array_equal(read_gray(flair), PIXELS // 2)
    np.testing.assert_array_equal(read_gray(post), PIXELS // 3)


def test_a_damaged_image_is_listed_and_left_out(tmp_path: Path) -> None:
    image(tmp_path / "yes/y1.jpg")
    cut = image(tmp_path / "no/n1.jpg")
    cut.write_bytes(cut.read_bytes()[:200])

    reading = read_folder(tmp_path)

    assert [(sample.source, sample.label) for sample in reading.samples] == [(BR35H, "tumor")]
    assert [left.path for left in reading.left_out] == [cut]


def test_a_folder_of_sets_is_read_set_by_set_and_strangers_are_listed(tmp_path: Path) -> None:
    image(tmp_path / "br/yes/y1.jpg")
    image(tmp_path / "br/no/n1.jpg")
    image(tmp_path / "holiday/beach.jpg")

    reading = read_folder(tmp_path)

    assert len(reading.samples) == 2
    assert [left.path.name for left in reading.left_out] == ["holiday"]


def test_a_folder_of_nothing_known_is_refused(tmp_path: Path) -> None:
    image(tmp_path / "holiday/beach.jpg")
    with pytest.raises(ValueError, match="no known layout"):
        read_folder(tmp_path)


def test_an_unknown_label_in_the_table_of_splits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "splits.csv").write_text("path,label,mask,part\nx/1.jpg,cyst,,train\n")
    with pytest.raises(ValueError, match="unknown label"):
        read_splits(tmp_path)


@pytest.mark.parametrize("layout", ["lgg", "several"])
def test_a_folder_that_cannot_be_read_is_left_out_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    pair = tmp_path / ("TCGA_1" if layout == "lgg" else "lgg/TCGA_1")
    image(pair / "slice_1.tif")
    image(pair / "slice_1_mask.tif")
    closed = tmp_path / "closed"
    image(closed / "slice_1.tif")
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))

    reading = read_folder(tmp_path)

    assert len(reading.samples) == 1
    assert [(left.path, left.reason) for left in reading.left_out] == [(closed, "cannot be read")]
    with pytest.raises(ValueError, match="cannot be read"):
        read_folder(closed)


def test_a_folder_that_is_missing_is_wrong_usage_of_the_audit(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["audit", str(tmp_path / "none"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2
    assert "does not exist" in re.sub(r"\W+", " ", done.output)
    assert main([str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 2
