"""Sets with an index of their own: every column arrives, nonsense is refused, a box is half a truth."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainscan.imaging.prepare import prepare
from training.datasets.audit import audit
from training.datasets.indexed import read_boxes, read_index
from training.datasets.prepared import UNKNOWN, prepare_all
from training.datasets.readers import read_folder
from training.datasets.samples import CHENG, LGG, Box, Sample, admissible_classes, read_gray, with_views
from training.datasets.splits import LeakError, read_data
from training.fitting.validation import slice_dice

COLUMNS = ("path", "label", "mask", "box", "group", "sequence", "plane", "part", "detail")
GLIOMA = ("images/a.png", "glioma", "", "60 30 90 70", "p1", "T1C", "coronal", "train", "glioblastoma")


def picture(path: Path, seed: int = 0) -> Path:
    """(100, 140), a head of its own that fills the picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = Image.fromarray(np.random.default_rng(seed).integers(60, 250, (6, 8)).astype(np.uint8))
    small.resize((140, 100), Image.Resampling.BICUBIC).save(path)
    return path


def index(folder: Path, *rows: tuple[str, ...]) -> Path:
    for seed, row in enumerate(rows):
        if not (folder / row[0]).exists():
            picture(folder / row[0], seed)
    with (folder / "index.csv").open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return folder


def test_every_column_arrives(tmp_path: Path) -> None:
    sample = read_index(index(tmp_path / "rsna", GLIOMA))[0]

    assert sample == Sample(
        path=tmp_path / "rsna/images/a.png",
        label="glioma",
        mask=None,
        source="rsna",
        group="rsna/p1",
        part="train",
        sequence="T1C",
        plane="coronal",
        boxes=(Box(60, 30, 90, 70),),
        detail="glioblastoma",
    )


def test_several_boxes_stand_in_one_cell_and_none_in_an_empty_one() -> None:
    assert read_boxes("84 67 116 90;51 72 84 102") == (Box(84, 67, 116, 90), Box(51, 72, 84, 102))
    assert read_boxes("") == ()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("label", "cyst"),
        ("part", "validation"),
        ("sequence", "DWI"),
        ("plane", "oblique"),
        ("box", "1 2 3"),
        ("box", "9 2 3 4"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_with_the_row(tmp_path: Path, column: str, value: str) -> None:
    row = tuple(value if name == column else cell for name, cell in zip(COLUMNS, GLIOMA, strict=True))
    with pytest.raises(ValueError, match=r"rsna/index.csv: .*images/a\.png"):
        read_index(index(tmp_path / "rsna", row))


def test_outside_a_box_there_is_no_tumor_and_inside_nobody_knows(tmp_path: Path) -> None:
    sample = read_index(index(tmp_path / "rsna", GLIOMA))[0]
    size = 160

    mask = prepare_all([sample], size).masks[0]

    crop = prepare(read_gray(sample), size).crop
    scale = size / crop.side
    assert set(np.unique(mask)) == {0, UNKNOWN}
    rows, columns = np.nonzero(mask == UNKNOWN)
    # 60..90 of width 30 grows by 2.4 and a pixel, 30..70 of height 40 by 3.2 and a pixel, outwards to whole pixels.
    expected = np.array([26 - crop.top + crop.pad_top, 75 - crop.top + crop.pad_top]) * scale
    np.testing.assert_allclose([rows.min(), rows.max() + 1], expected, atol=1)
    expected = np.array([56 - crop.left + crop.pad_left, 94 - crop.left + crop.pad_left]) * scale
    np.testing.assert_allclose([columns.min(), columns.max() + 1], expected, atol=1)
    assert np.isnan(slice_dice(mask > 0, mask))


def test_a_tumor_outside_the_classes_admits_every_tumor_class_and_its_place_is_unknown(tmp_path: Path) -> None:
    row = ("images/b.png", "other_tumor", "", "", "p2", "T2", "axial", "train", "schwannoma")
    data = prepare_all(read_index(index(tmp_path / "radiopaedia", row)), 32)
    assert data.allowed.tolist() == [[1, 1, 0, 1]]
    assert set(np.unique(data.masks)) == {UNKNOWN}
    assert admissible_classes("other_tumor") == admissible_classes("tumor") == {"glioma", "meningioma", "pituitary"}


def test_sets_beside_the_table_of_splits_come_with_parts_and_patients_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "splits.csv").write_text("path,label,mask,part\nbr35h/yes/y1.png,tumor,,train\n")
    picture(tmp_path / "br35h/yes/y1.png", 50)
    tested = ("images/c.png", "no_tumor", "", "", "p3", "FLAIR", "axial", "test", "healthy")
    index(tmp_path / "rsna", GLIOMA, tested)

    samples = read_data(tmp_path)

    assert [(s.source, s.group, s.part) for s in samples[1:]] == [
        ("rsna", "rsna/p1", "train"),
        ("rsna", "rsna/p3", "test"),
    ]


def test_a_patient_in_both_parts_of_an_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "splits.csv").write_text("path,label,mask,part\nbr35h/yes/y1.png,tumor,,train\n")
    picture(tmp_path / "br35h/yes/y1.png", 50)
    index(tmp_path / "rsna", GLIOMA, ("images/c.png", *GLIOMA[1:7], "test", "glioblastoma"))
    with pytest.raises(LeakError):
        read_data(tmp_path)


def test_a_folder_with_an_index_is_known_by_it_and_a_missing_file_is_listed(tmp_path: Path) -> None:
    index(tmp_path / "rsna", GLIOMA, ("images/gone.png", *GLIOMA[1:]))
    (tmp_path / "rsna/images/gone.png").unlink()

    reading = read_folder(tmp_path)

    assert [sample.path.name for sample in reading.samples] == ["a.png"]
    assert [left.path.name for left in reading.left_out] == ["gone.png"]


def test_the_audit_counts_sequences_planes_and_what_is_known_of_the_place(tmp_path: Path) -> None:
    healthy = ("images/h.png", "no_tumor", "", "", "p2", "T1", "axial", "train", "healthy")
    other = ("images/o.png", "other_tumor", "", "", "p3", "", "", "train", "cyst")
    index(tmp_path / "data/rsna", GLIOMA, healthy, other)

    summary = audit([tmp_path / "data"], tmp_path / "out")

    assert summary["sequences"] == {
        "rsna, T1, axial": 1,
        "rsna, T1C, coronal": 1,
        "rsna, unknown, unknown": 1,
    }
    assert summary["truth"] == {"rsna, boxes": 1, "rsna, no tumor": 1, "rsna, place unknown": 1}
    assert summary["counts"]["rsna, train, other_tumor"] == 1
    assert "T1C, coronal" in (tmp_path / "out/index.html").read_text()


def test_a_picture_called_healthy_and_other_tumor_is_a_conflict_and_with_a_glioma_none(tmp_path: Path) -> None:
    data = tmp_path / "data/rsna"
    same = [("images/a.png", "glioma"), ("images/b.png", "other_tumor"), ("images/c.png", "no_tumor")]
    for name, _ in same:
        picture(data / name, 7)
    index(data, *[(name, label, "", "", name, "T1", "axial", "train", "") for name, label in same])

    conflicts = audit([tmp_path / "data"], tmp_path / "out")["conflicts"]

    assert len(conflicts) == 2
    assert all("no_tumor" in (conflict["first_label"], conflict["second_label"]) for conflict in conflicts)


def test_the_sets_of_known_sequence_say_it(tmp_path: Path) -> None:
    header = "path,label,mask,part\n"
    (tmp_path / "splits.csv").write_text(f"{header}{CHENG}/images/1.jpg,glioma,,train\n{LGG}/P/P_1.jpg,glioma,,train\n")
    for name in (f"{CHENG}/images/1.jpg", f"{LGG}/P/P_1.jpg"):
        picture(tmp_path / name, len(name))

    views = with_views(read_data(tmp_path))

    assert [(s.view, s.sequence, s.plane) for s in views] == [
        ("luma", "T1C", None),
        ("luma", None, "axial"),
        ("flair", "FLAIR", "axial"),
        ("post", "T1C", "axial"),
    ]
