"""Near-duplicates are found, kept together, reported; a split that leaks is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from brainscan.cli.train import app
from training.datasets.audit import audit
from training.datasets.duplicates import SAME, alike_pairs, clusters, thumbnail
from training.datasets.readers import read_folder
from training.datasets.samples import BR35H, CHENG, KAGGLE, Sample
from training.datasets.splits import LeakError, grouped, random_by_image, refuse_leaks, split_validation


def picture(seed: int, side: int = 96) -> np.ndarray:
    """A smooth picture of its own, unlike those of other seeds."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (6, 6)).astype(np.uint8))
    return np.asarray(small.resize((side, side), Image.Resampling.BICUBIC))


def save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def a_sample(path: Path, **changes: Any) -> Sample:
    return replace(Sample(path, "glioma", None, KAGGLE, f"{KAGGLE}/{path.stem}", "train"), **changes)


def test_a_resized_recompressed_or_mirrored_copy_is_the_same_picture_and_another_is_not() -> None:
    original = picture(1)
    smaller = np.asarray(Image.fromarray(original).resize((61, 61)))
    vectors = np.stack([thumbnail(p) for p in (original, smaller, original[:, ::-1], picture(2))])

    assert {(i, j) for i, j, _ in alike_pairs(vectors, alike=SAME)} == {(0, 1), (0, 2), (1, 2)}
    assert {(i, j) for i, j, _ in alike_pairs(vectors, flips=False, alike=SAME)} == {(0, 1)}


def test_pictures_of_one_gray_resemble_nothing() -> None:
    flat = np.full((32, 32), 7, np.uint8)
    assert alike_pairs(np.stack([thumbnail(flat), thumbnail(flat)])) == []


def test_clusters_follow_chains() -> None:
    assert clusters(6, [(4, 5), (0, 2), (2, 4)]) == [0, 1, 0, 3, 0, 0]


def test_a_patient_and_the_near_duplicates_of_its_slices_are_one_group(tmp_path: Path) -> None:
    files = [save(tmp_path / f"{name}.png", picture(seed)) for name, seed in (("a", 1), ("b", 2), ("c", 2), ("d", 3))]
    samples = [a_sample(path) for path in files]
    samples[1] = replace(samples[1], group=samples[0].group)

    groups = [sample.group for sample in grouped(samples)]

    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_validation_slices_are_of_other_patients_and_hold_a_whole_fold(tmp_path: Path) -> None:
    cheng = [a_sample(tmp_path / f"{i}", source=CHENG, group=f"{CHENG}/fold{i % 3 + 1}-run{i}") for i in range(30)]
    others = [a_sample(tmp_path / f"k{i}", group=f"{KAGGLE}/{i // 2}") for i in range(60)]

    fitted, validation = split_validation([*cheng, *others])

    assert len(fitted) + len(validation) == 90
    assert not {sample.group for sample in fitted} & {sample.group for sample in validation}
    assert [sample for sample in validation if sample.source == CHENG] == [s for s in cheng if "fold3-" in s.group]
    assert 0 < sum(sample.source == KAGGLE for sample in validation) < 20


def test_a_leak_is_refused(tmp_path: Path) -> None:
    first, second = a_sample(tmp_path / "a", group="p1"), a_sample(tmp_path / "b", group="p1")
    with pytest.raises(LeakError, match="1 groups"):
        refuse_leaks([first], [second])


def test_the_random_split_by_image_leaks_as_it_is_known_to(tmp_path: Path) -> None:
    samples = [a_sample(tmp_path / f"{i}", group=f"patient{i // 10}") for i in range(100)]

    parts = random_by_image(samples)

    assert [len(part) for part in parts] == [80, 10, 10]
    with pytest.raises(LeakError):
        refuse_leaks(parts[0], parts[2])


def test_the_audit_finds_what_was_planted(tmp_path: Path) -> None:
    root = tmp_path / "data"
    kaggle, br35h = root / "kaggle", root / "br"
    for index in range(4):
        save(kaggle / f"Training/glioma_tumor/g{index}.png", picture(index))
        save(kaggle / f"Testing/no_tumor/n{index}.png", picture(10 + index))
    copy = kaggle / "Testing/glioma_tumor/copy.png"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((kaggle / "Training/glioma_tumor/g0.png").read_bytes())
    save(kaggle / "Testing/meningioma_tumor/relabelled.jpg", picture(1), quality=70)
    save(br35h / "yes/mirrored.png", picture(2)[:, ::-1])
    save(br35h / "no/contradicts.png", picture(3))

    summary = audit([root], tmp_path / "out")

    assert summary["pairs"] == {
        "all": 4,
        "same bytes": 2,
        "mirrored": 1,
        "across splits": 2,
        "across sources": 2,
        "conflicting labels": 2,
    }
    assert summary["leaks"] == {KAGGLE: {"test": 6, "in_training": 2, "same_bytes": 1}}
    assert summary["known_matches"] is None
    assert json.loads((tmp_path / "out/audit.json").read_text())["samples"] == 12
    assert (tmp_path / "out/worst.png").exists()
    assert "conflicting labels" in (tmp_path / "out/index.html").read_text()


def test_the_audit_measures_itself_against_known_matches(tmp_path: Path) -> None:
    save(tmp_path / "kaggle/Training/glioma_tumor/gg (1).png", picture(1))
    save(tmp_path / "kaggle/Testing/glioma_tumor/image(1).png", picture(2))
    for name, seed in (("1", 1), ("2", 2)):
        save(tmp_path / f"cheng/images/{name}.png", picture(seed, side=128))
        save(tmp_path / f"cheng/masks/{name}.png", np.zeros((128, 128), np.uint8))
    (tmp_path / "cheng/slices.csv").write_text("id,label,author_fold\n1,glioma,1\n2,glioma,2\n")
    known = "kaggle_path,cheng_id,cheng_label\nTraining/glioma_tumor/gg (1).png,1,glioma\n"
    (tmp_path / "cheng/kaggle_matches.csv").write_text(known)
    assert {sample.source for sample in read_folder(tmp_path).samples} == {KAGGLE, CHENG}

    matches = audit([tmp_path], tmp_path / "out")["known_matches"]

    assert matches == {"listed": 1, "found": 2, "precision": 0.5, "recall": 1.0}


def test_the_command_writes_the_report_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    save(tmp_path / "br/yes/a.png", picture(1))
    save(tmp_path / "br/no/b.png", picture(2))
    save(tmp_path / "holiday/beach.png", picture(3))

    known, unknown = (
        CliRunner().invoke(app, ["audit", str(tmp_path / name), "--out", str(tmp_path / "out")])
        for name in ("br", "holiday")
    )

    assert known.exit_code == 0
    assert json.loads((tmp_path / "out/audit.json").read_text())["samples"] == 2
    assert unknown.exit_code == 2


def test_an_unknown_tumor_type_contradicts_no_tumor_alone(tmp_path: Path) -> None:
    save(tmp_path / "br/yes/a.png", picture(1))
    save(tmp_path / "br/no/b.png", picture(1))
    save(tmp_path / "kaggle/Training/glioma_tumor/c.png", picture(1))
    (tmp_path / "kaggle/Testing").mkdir()

    conflicts = audit([tmp_path], tmp_path / "out")["conflicts"]

    assert len(conflicts) == 2  # no tumor against any tumor, and against the glioma
    assert {BR35H in conflict["first"] or "br" in conflict["first"] for conflict in conflicts} == {True}
