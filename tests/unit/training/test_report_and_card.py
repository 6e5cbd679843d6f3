"""An evaluation end to end on a tiny network: the code that serves, compared with what is drawn."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import uniform_filter

from brainscan.domain import Outcome
from brainscan.inference.manifest import Calibration, InputContract, Manifest, Metrics, Parity, Thresholds
from brainscan.inference.runtime import Prediction
from training import model_card
from training.datasets.samples import LGG, Sample
from training.evaluate import measure_artifact
from training.evaluation import gallery, plots, protocols, report, tables
from training.evaluation.evaluated import EvaluatedScan, evaluate
from training.evaluation.figures import figures
from training.evaluation.out_of_distribution import refusal_rates
from training.evaluation.predictions import ServedPrediction, predict
from training.evaluation.scope import calibrate, fit_scope
from training.fitting.hyperparameters import Hyperparameters
from training.fitting.loop import TrainingProgress, save_history

SIZE = 64
SHARES = ("inside", "area", "hottest", "touched")


class BrightIsTumor:
    """The least that is served like a network: what is bright in the mean is tumor, and tumor is glioma."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def run(self, batch: np.ndarray) -> Prediction:
        smooth = uniform_filter(batch[..., 0], (0, 5, 5))
        seg = ((smooth - 0.4) * 20).astype(np.float32)
        cls = np.zeros((len(batch), 4), np.float32)
        tumor = (seg > 0).mean(axis=(1, 2)) > 0.01
        cls[np.arange(len(batch)), np.where(tumor, 0, 2)] = 4
        features = batch[:, ::8, ::8, 0].reshape(len(batch), -1)
        return Prediction(cls=cls, seg=seg, features=features)


def manifest() -> Manifest:
    return Manifest(
        model_id="a" * 64,
        input=InputContract(size=SIZE),
        temperature=1.0,
        thresholds=Thresholds(
            min_confidence=0.4, review_confidence=0.5, seg_logit=0, min_component_fraction=0, large_mask_fraction=0.01
        ),
        calibration=Calibration(split="test part", scans=10, groups=5, cross_fitted=True),
        metrics=Metrics(split="test", sources={}, as_shipped={}, parity=Parity(int8={}, float32={})),
        data_digest="b" * 64,
        source_revision="c" * 40,
    )


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    """Six heads of three patients, half of them with a bright square and its mask."""
    random = np.random.default_rng(0)
    made = []
    for index in range(6):
        pixels = random.integers(60, 100, (80, 90)).astype(np.uint8)
        mask = np.zeros_like(pixels)
        if index % 2:
            pixels[20:40, 30:60] = 250
            mask[20:40, 30:60] = 255
        for name, array in ((f"{index}.png", pixels), (f"{index}_mask.png", mask)):
            Image.fromarray(array).save(tmp_path / name)
        path, label = tmp_path / f"{index}.png", "glioma" if index % 2 else "no_tumor"
        made.append(Sample(path, label, tmp_path / f"{index}_mask.png", LGG, f"p{index // 2}", "test"))
    return made


def predictions_of(samples: list[Sample], network: BrightIsTumor) -> list[ServedPrediction]:
    return list(predict(samples, network.run, SIZE))


def scans_of(samples: list[Sample], network: BrightIsTumor) -> list[EvaluatedScan]:
    return list(evaluate(predictions_of(samples, network), network.manifest))


def test_a_network_that_sees_everything_scores_everything(samples: list[Sample]) -> None:
    scans = scans_of(samples, BrightIsTumor(manifest()))
    summary = figures(scans)["sources"]["lgg"]

    assert summary["accuracy"]["value"] == 1
    assert summary["dice"]["value"] > 0.85
    assert summary["dice"]["n"] == 3
    assert summary["groups"] == 3
    assert summary["hausdorff_95_px"] <= 2.5
    assert [scan.truth_px for scan in scans] == [0, 600] * 3
    assert all(scan.truth_share == pytest.approx(20 * 30 / (80 * 90), rel=0.05) for scan in scans if scan.truth_share)


def test_a_scan_beyond_the_scope_abstains_and_is_still_counted(samples: list[Sample]) -> None:
    network = BrightIsTumor(manifest())
    random = np.random.default_rng(0)
    others = [
        ServedPrediction(
            samples[0],
            (8, 8),
            texture=random.normal(size=29).astype(np.float32),
            features=random.normal(9, 0.01, 64).astype(np.float32),
        )
        for _ in range(200)
    ]
    network.manifest = network.manifest.model_copy(update={"scope": calibrate(fit_scope(others), others)})

    scans = scans_of(samples, network)

    assert {scan.outcome for scan in scans} == {Outcome.ABSTAINED}
    assert all(scan.distance is not None and scan.distance > 1 for scan in scans)
    assert figures(scans)["all"]["accuracy"]["value"] == 1
    assert refusal_rates(network)["photo"]["out_of_scope"] == refusal_rates(network)["photo"]["pictures"]


def test_report_and_card_tell_the_same_figures(samples: list[Sample], tmp_path: Path) -> None:
    network = BrightIsTumor(manifest())
    predictions = predictions_of(samples, network)
    scans = list(evaluate(predictions, network.manifest))
    train = [Sample(samples[0].path, "no_tumor", None, LGG, "other", "train")]
    compared = protocols.compare([*train, *samples], scans, [], lambda chosen: scans_of(list(chosen), network))
    results = measure_artifact(network, scans) | {"artifact": "tflite", "part": "test", "protocols": compared}
    share = {"value": 0.321, "low": 0.3, "high": 0.4, "n": 3}
    results["evidence"] = {"cheng, glioma": {"scans": 3, "groups": 2, **dict.fromkeys(SHARES, share)}}
    sets = {"lgg": {"told": 0.5, "scans": 3}}
    results["sources_told_apart"] = {"all classes": {**share, "groups": 2, "chance": 0.5, "sets": sets}}

    report.write(tmp_path / "report", results, scans, predictions, network.manifest)

    stored = json.loads((tmp_path / "report/metrics.json").read_text())
    card = model_card.card(network.manifest, stored)
    page = (tmp_path / "report/index.html").read_text()
    shown = tables.with_interval(results["sources"]["lgg"]["dice"])
    assert shown in card
    assert shown in page
    assert "Three protocols" in page
    for text in (card, page):
        assert "0.321 [0.300, 0.400]" in text
        assert "lgg 0.50" in text
    assert compared[protocols.HONEST]["in_train_part"] == pytest.approx(1 / 6)
    assert "| Sensitivity to any tumor at specificity 0.90, all files | >= 0.97 | 1.000 [1.000, 1.000] | yes |" in card
    assert "cross-fitted" in card
    assert "The weights began as ImageNet's" in card
    assert "before" not in page
    for name in ("confusion", "reliability", "selective", "dice", "scope", "successes", "failures_mask"):
        assert (tmp_path / f"report/{name}.png").stat().st_size > 1000


def test_another_model_stands_beside_in_every_table(samples: list[Sample], tmp_path: Path) -> None:
    """The other one calls nothing a tumor: it is right on half of the scans and finds no tumor."""

    class SeesNothing(BrightIsTumor):
        def run(self, batch: np.ndarray) -> Prediction:
            said = super().run(batch)
            return Prediction(
                np.tile(np.array([0, 0, 4, 0], np.float32), (len(batch), 1)), said.seg - 50, said.features
            )

    network = BrightIsTumor(manifest())
    other = SeesNothing(manifest().model_copy(update={"model_id": "d" * 64}))
    predictions = predictions_of(samples, network)
    scans = list(evaluate(predictions, network.manifest))
    results = measure_artifact(network, scans) | {"artifact": "tflite", "part": "test"}
    results["beside"] = measure_artifact(other, scans_of(samples, other))

    report.write(tmp_path, results, scans, predictions, network.manifest)

    header, row = tables.stratum_rows("data set", results["sources"], results["beside"]["sources"])
    assert row[header.index("accuracy before")] == "0.500"
    assert row[header.index("accuracy")] == "1.000 [1.000, 1.000]"
    assert row[header.index("sensitivity before")] == "0.000"
    assert "beside: 0.500, 0.000" in report.headline(results)
    assert "dddddddddddd" in (tmp_path / "index.html").read_text()
    card = model_card.card(network.manifest, json.loads((tmp_path / "metrics.json").read_text()))
    assert '"Before" is the model served before, `dddddddddddddddd`' in card


def test_the_worst_errors_are_listed_with_what_they_have_in_common(samples: list[Sample], tmp_path: Path) -> None:
    """Of six scans the two that are called wrongly most surely stand first; a label by folder is suspected."""
    network = BrightIsTumor(manifest().model_copy(update={"temperature": 0.5}))
    mislabelled = [replace(samples[1], label="no_tumor", source="br35h"), replace(samples[0], label="glioma")]
    predictions = predictions_of([*mislabelled, *samples[2:]], network)
    scans = list(evaluate(predictions, network.manifest))
    results = measure_artifact(network, scans) | {"artifact": "tflite", "part": "test"}

    report.write(tmp_path, results, scans, predictions, network.manifest)

    with (tmp_path / "worst.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["source"], row["label"], row["called"]) for row in rows} == {
        ("br35h", "no_tumor", "glioma"),
        ("lgg", "glioma", "no_tumor"),
    }
    assert {row["source"]: row["suspected"] for row in rows} == {"br35h": "True", "lgg": "False"}
    assert ("lgg, sequence unknown: glioma called no_tumor", 1) in results["patterns"]
    assert results["suspected_labels"] == 1
    with (tmp_path / "suspected_labels.csv").open() as file:
        assert [row["source"] for row in csv.DictReader(file)] == ["br35h"]


def test_what_was_seen_on_a_picture_is_found_by_its_content(samples: list[Sample], tmp_path: Path) -> None:
    """The notes know the picture under any name, and nothing of the others."""
    scans = scans_of(samples, BrightIsTumor(manifest()))
    digest = gallery.picture_digest(samples[1].path)
    (tmp_path / "notes.csv").write_text(f"picture,pattern,note\n{digest},a cyst,It is dark.\n")
    samples[1].path.rename(tmp_path / "other.png")
    moved = [replace(scans[1], sample=replace(samples[1], path=tmp_path / "other.png")), scans[0]]
    assert gallery.notes(moved, tmp_path / "notes.csv") == [("a cyst", "It is dark."), ("", "")]


def test_the_card_shows_other_runs_one_by_one_and_epoch_by_epoch(tmp_path: Path) -> None:
    figures = {"cls_loss": 0.5, "seconds": 3600.0}
    epochs = [{"epoch": i, "slices": 1600 * (i + 1), "cheng_figshare_dice": 0.6 + i / 10, **figures} for i in range(2)]
    settings = Hyperparameters(epochs=2, slices_per_epoch=1600, batch_size=32)
    save_history(TrainingProgress(2, history=epochs), settings, tmp_path / "history.json")
    run = json.loads((tmp_path / "history.json").read_text())
    text = model_card.training([run, run])
    assert "| slices seen | machine hours | cheng figshare dice | cls loss |" in text
    assert text.count("| 3,200 | 1.00 | 0.700 | 0.500 |") == 2
    assert "`learning_rate` 0.0006" in text
    assert "#### Run 2: 2 of 2 epochs" in text
    timed = {**run, "settings": {**run["settings"], "time_limit": 90}}
    assert "#### Run 1: 90 minutes" in model_card.training([timed])
    assert "ImageNet" in model_card.training([run]), "where the served weights come from"
    lines = plots.learning([run, run]).axes[1].lines
    assert [np.asarray(line.get_xdata()).tolist() for line in lines] == [[1600, 3200]] * 2
    assert len({line.get_linestyle() for line in lines}) == 2


def test_a_card_of_another_models_report_is_refused() -> None:
    with pytest.raises(ValueError, match="another model"):
        model_card.card(manifest(), {"model_id": "0" * 64})
